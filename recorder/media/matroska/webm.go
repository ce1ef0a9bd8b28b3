package matroska

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// webmSpan is the longest cluster of AppendWebMClusters. It is well within the range
// of a block's offset, and long enough not to burden players.
const webmSpan = 10 * time.Second

// WebMInit returns the initialization segment of one track, number 1, for a
// browser's Media Source Extensions (W3C, "WebM Byte Stream Format", section 3):
// the EBML header, and a Segment of unknown size up to its first cluster. It says
// only how to decode the track, so a player may append the same bytes again.
func WebMInit(t media.Track) ([]byte, error) {
	t.UID = max(t.UID, 1)
	t.Participant, t.Name, t.Source = "", "", ""
	if err := checkTracks([]media.Track{t}); err != nil {
		return nil, err
	}
	b := ebmlHeader("webm")
	b = appendID(b, idSegment)
	b = appendSizeWidth(b, unknownSize, 8)
	b = append(b, element(idInfo,
		uintElement(idTimestampScale, uint64(time.Millisecond)),
		stringElement(idMuxingApp, "sealtape"),
		stringElement(idWritingApp, "sealtape"))...)
	return append(b, webmTracks(t)...), nil
}

// webmTracks returns what tracksElement does, without titles and names.
func webmTracks(t media.Track) []byte {
	entry := [][]byte{
		uintElement(idTrackNumber, 1),
		uintElement(idTrackUID, t.UID),
		uintElement(idTrackType, typeVideo),
		uintElement(idFlagLacing, 0),
		stringElement(idLanguage, "und"),
		stringElement(idCodecID, codecID(t.Codec)),
	}
	if t.Codec.Audio() {
		entry[2] = uintElement(idTrackType, typeAudio)
		entry = append(entry, opusElements(t)...)
		return element(idTracks, element(idTrackEntry, entry...))
	}
	if media.NeedsPrivate(t.Codec) {
		entry = append(entry, element(idCodecPrivate, []byte(t.Private)))
	}
	// The picture's size is not optional in WebM. Decoders take that of the frames.
	entry = append(entry, element(idVideo,
		uintElement(idPixelWidth, uint64(max(t.Width, 1))),
		uintElement(idPixelHeight, uint64(max(t.Height, 1)))))
	return element(idTracks, element(idTrackEntry, entry...))
}

// AppendWebMClusters appends the frames of the track of WebMInit as clusters of
// known size. Times are kept, rounded to the millisecond; they must not fall.
//
// A picture without a Duration lasts until the next one. A picture with a
// Duration tells a player that there is a hole, or how long the last one lasts.
func AppendWebMClusters(b []byte, frames []media.Frame) []byte {
	const width = 8 // of a cluster's size
	start, size := int64(-1), 0
	end := func() {
		if start >= 0 {
			n := uint64(len(b)-size-width) | 1<<(7*width)
			binary.BigEndian.PutUint64(b[size:], n)
		}
	}
	last := int64(0)
	for i, f := range frames {
		now := max(ticks(f.Time, time.Millisecond), 0)
		if i == 0 {
			last = now - 1 // somewhere in what came before
		}
		if start < 0 || now-start > int64(webmSpan/time.Millisecond) || now-start < math.MinInt16 {
			end()
			b = appendID(b, idCluster)
			size, start = len(b), now
			b = append(b, make([]byte, width)...)
			b = append(b, uintElement(idTimestamp, uint64(now))...)
		}
		key := f.Key
		if f.Duration <= 0 {
			b = appendBlockHeader(b, 1, int16(now-start), key, len(f.Data))
			b = append(b, f.Data...)
		} else {
			b = appendBlockGroup(b, f, int16(now-start), last-now)
		}
		last = now
	}
	end()
	return b
}

// appendBlockGroup appends a block of track 1 with its duration. before is the
// place of the frame that this one builds upon, if there is one.
func appendBlockGroup(b []byte, f media.Frame, rel int16, before int64) []byte {
	lasts := uintElement(idBlockDuration, uint64(max(ticks(f.Duration, time.Millisecond), 1)))
	var reference []byte
	if !f.Key {
		reference = intElement(idReferenceBlk, before)
	}
	n := 4 + len(f.Data) // number, offset, flags
	block := appendSize(appendID(nil, idBlock), uint64(n))
	b = appendID(b, idBlockGroup)
	b = appendSize(b, uint64(len(block)+n+len(lasts)+len(reference)))
	b = append(b, block...)
	b = append(b, 0x81)
	b = binary.BigEndian.AppendUint16(b, uint16(rel))
	b = append(b, 0)
	b = append(b, f.Data...)
	b = append(b, lasts...)
	return append(b, reference...)
}
