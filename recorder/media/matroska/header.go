package matroska

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// FormatVersion is the version of the archive format that segments declare.
const FormatVersion = 1

const (
	// maxHeader is the most bytes before the first cluster. The header of
	// media.MaxTracks tracks that all pass media.Track.Check is shorter.
	maxHeader = 2 << 20
	// EventsUID is the TrackUID of the timeline.
	EventsUID = media.TimelineUID
)

// A Header says to which recording a segment belongs, and which tracks it has.
type Header struct {
	// Recording is the recording's ID. "" means that the file is no segment.
	Recording string
	// Segment is the segment's number, from 0. Epoch is the number of its epoch.
	Segment, Epoch int
	// Start is the recording's start. Block times count from it.
	Start time.Time
	// Tracks are the media tracks in file order, at most media.MaxTracks. Strings
	// longer than the limits of package media are cut.
	Tracks []media.Track
	// Title is what players show. "" means no title.
	Title string
}

// ErrFormat is in errors that say that the input is not Matroska, or uses a part of
// Matroska that this package does not read.
var ErrFormat = errors.New("not a readable Matroska file")

// ErrFrame is in errors that refuse a frame or an event because of its content. The
// writer is unchanged and accepts further frames. Every other error of a writer comes
// from its output and is final.
var ErrFrame = errors.New("frame cannot be written")

// segmentUUID derives the SegmentUUID: the first 16 bytes of
// SHA-256("sealtape.v1 segment" | ID | number), the number as eight bytes, big
// endian.
func segmentUUID(recording string, number int) []byte {
	h := sha256.New()
	h.Write([]byte("sealtape.v1 segment"))
	h.Write([]byte(recording))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(number)))
	return h.Sum(nil)[:16]
}

// epochUTC is time zero of DateUTC, RFC 9559 section 5.1.2.11.
var epochUTC = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func ebmlHeader(docType string) []byte {
	return element(idEBML,
		uintElement(idEBMLVersion, 1),
		uintElement(idEBMLReadVersion, 1),
		uintElement(idEBMLMaxIDLength, 4),
		uintElement(idEBMLMaxSizeLength, 8),
		stringElement(idDocType, docType),
		uintElement(idDocTypeVersion, 4),
		uintElement(idDocTypeReadVersion, 2))
}

// checkTracks returns why the tracks cannot be in one file.
func checkTracks(tracks []media.Track) error {
	if len(tracks) > media.MaxTracks {
		return fmt.Errorf("%d tracks, more than %d", len(tracks), media.MaxTracks)
	}
	seen := make(map[uint64]bool, len(tracks))
	for _, t := range tracks {
		if err := t.Check(); err != nil {
			return err
		}
		if seen[t.UID] {
			return fmt.Errorf("track UID %d used twice", t.UID)
		}
		seen[t.UID] = true
	}
	return nil
}

// codecs are the codecs that can be written, by the codec registry of RFC 9559. AV1
// is written as the AOM's "AV1 in Matroska" says.
var codecs = []struct {
	codec media.Codec
	id    string
}{
	{media.Opus, "A_OPUS"},
	{media.VP8, "V_VP8"},
	{media.VP9, "V_VP9"},
	{media.H264, "V_MPEG4/ISO/AVC"},
	{media.H265, "V_MPEGH/ISO/HEVC"},
	{media.AV1, "V_AV1"},
}

func codecID(c media.Codec) string {
	for _, k := range codecs {
		if k.codec == c {
			return k.id
		}
	}
	return ""
}

func codecOf(id string) media.Codec {
	for _, k := range codecs {
		if k.id == id {
			return k.codec
		}
	}
	return ""
}

// tracksElement returns Tracks. A player picks the first sound and the first picture
// by default.
func tracksElement(tracks []media.Track, events bool) []byte {
	entries := trackEntries(tracks, false)
	if events {
		entries = append(entries, plainTrack(uint64(len(tracks)+1), EventsUID, typeMetadata, "timeline", codecEvents))
	}
	return element(idTracks, entries...)
}

// plainTrack returns the TrackEntry of a text track that is off by default.
func plainTrack(number, uid, kind uint64, name, codec string) []byte {
	return element(idTrackEntry,
		uintElement(idTrackNumber, number),
		uintElement(idTrackUID, uid),
		uintElement(idTrackType, kind),
		uintElement(idFlagDefault, 0),
		uintElement(idFlagLacing, 0),
		stringElement(idName, name),
		stringElement(idLanguage, "und"),
		stringElement(idCodecID, codec))
}

// trackEntries returns the entries of the tracks. With room, their length does not
// depend on the sizes of the pictures, so that the sizes can be written later.
func trackEntries(tracks []media.Track, room bool) [][]byte {
	var entries [][]byte
	var haveAudio, haveVideo bool
	for i, t := range tracks {
		kind, have := uint64(typeVideo), &haveVideo
		if t.Codec.Audio() {
			kind, have = typeAudio, &haveAudio
		}
		entry := [][]byte{
			uintElement(idTrackNumber, uint64(i+1)),
			uintElement(idTrackUID, t.UID),
			uintElement(idTrackType, kind),
			uintElement(idFlagDefault, flag(!*have)),
			uintElement(idFlagLacing, 0),
			stringElement(idName, t.Title()),
			// The default of an absent Language is English.
			stringElement(idLanguage, "und"),
			stringElement(idCodecID, codecID(t.Codec)),
		}
		*have = true
		if kind == typeAudio {
			entry = append(entry, opusElements(t)...)
		} else {
			if media.NeedsPrivate(t.Codec) {
				entry = append(entry, element(idCodecPrivate, []byte(t.Private)))
			}
			switch size := sizeOfOneLength(t); {
			case t.Width <= 0 || t.Height <= 0:
				if room {
					entry = append(entry, appendVoid(nil, int64(len(size))))
				}
			case room:
				entry = append(entry, size)
			default:
				entry = append(entry, element(idVideo,
					uintElement(idPixelWidth, uint64(t.Width)),
					uintElement(idPixelHeight, uint64(t.Height)),
					projection(t.Turned)))
			}
		}
		entries = append(entries, element(idTrackEntry, entry...))
	}
	return entries
}

// sizeOfOneLength returns the elements of a picture's size, always in the same length.
func sizeOfOneLength(t media.Track) []byte {
	side := func(id uint32, n int) []byte { return element(id, []byte{byte(n >> 16), byte(n >> 8), byte(n)}) }
	return element(idVideo, side(idPixelWidth, t.Width), side(idPixelHeight, t.Height), projection(t.Turned))
}

// projection returns the element that lets players turn a picture clockwise by so many
// degrees, or nothing for 0. The roll is counterclockwise and at most 180 degrees either
// way (RFC 9559, ProjectionPoseRoll).
func projection(turned int) []byte {
	if turned == 0 {
		return nil
	}
	roll := -turned
	if roll < -180 {
		roll += 360
	}
	return element(idProjection, uintElement(idProjectionType, 0), floatElement(idProjectionRoll, float64(roll)))
}

// turnedBy returns the quarter turns clockwise that are nearest to a roll.
func turnedBy(roll float64) int {
	if !(math.Abs(roll) <= 360) { // no number, too
		return 0
	}
	return ((int(math.Round(-roll/90))%4 + 4) % 4) * 90
}

// opusElements returns the elements of an Opus TrackEntry.
func opusElements(t media.Track) [][]byte {
	return [][]byte{
		element(idCodecPrivate, opusHead(channels(t))),
		uintElement(idCodecDelay, 0),
		// 80 ms, RFC 7845 section 4.6.
		uintElement(idSeekPreRoll, uint64(80*time.Millisecond)),
		element(idAudio,
			floatElement(idSamplingFrequency, 48000),
			uintElement(idChannels, uint64(channels(t)))),
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// channels returns the number of channels of an Opus track. If it is not known,
// channels returns 2: a decoder for two also decodes one.
func channels(t media.Track) int {
	if t.Channels == 0 {
		return 2
	}
	return t.Channels
}

// opusHead returns the identification header of RFC 7845 section 5.1, with no
// pre-skip: block times are capture times and no sample is dropped.
func opusHead(channels int) []byte {
	b := append([]byte("OpusHead"), 1, byte(channels), 0, 0)
	b = binary.LittleEndian.AppendUint32(b, 48000)
	return append(b, 0, 0, 0)
}

// Names of the tags, upper case by RFC 9559 section 6.
const (
	tagRecording   = "RECORDING_ID"
	tagSegment     = "SEGMENT"
	tagEpoch       = "EPOCH"
	tagFormat      = "FORMAT_VERSION"
	tagParticipant = "PARTICIPANT"
	tagName        = "PARTICIPANT_NAME"
	tagSource      = "SOURCE"
	tagDuration    = "DURATION"
	tagOrder       = "BLOCK_ORDER"
)

// orderDecoding is the BLOCK_ORDER of tracks that are Reordered.
const orderDecoding = "decoding"

func simpleTag(name, value string) []byte {
	return element(idSimpleTag, stringElement(idTagName, name), stringElement(idTagString, value))
}

// recordingTag returns the Tag of the whole file.
func recordingTag(h Header) []byte {
	return element(idTag,
		element(idTargets, uintElement(idTargetTypeValue, 50)),
		simpleTag(tagRecording, h.Recording),
		simpleTag(tagSegment, strconv.Itoa(h.Segment)),
		simpleTag(tagEpoch, strconv.Itoa(h.Epoch)),
		simpleTag(tagFormat, strconv.Itoa(FormatVersion)))
}

// trackTag returns the Tag of one track. The extra SimpleTags come last.
func trackTag(t media.Track, extra ...[]byte) []byte {
	parts := [][]byte{
		element(idTargets, uintElement(idTargetTypeValue, 50), uintElement(idTagTrackUID, t.UID)),
		simpleTag(tagParticipant, t.Participant),
	}
	if t.Name != "" {
		parts = append(parts, simpleTag(tagName, t.Name))
	}
	parts = append(parts, simpleTag(tagSource, string(t.Source)))
	if t.Reordered {
		parts = append(parts, simpleTag(tagOrder, orderDecoding))
	}
	return element(idTag, append(parts, extra...)...)
}

// segmentHeader returns everything before the first cluster of a segment.
func segmentHeader(h Header) []byte {
	info := [][]byte{
		element(idSegmentUUID, segmentUUID(h.Recording, h.Segment)),
		uintElement(idTimestampScale, uint64(tick)),
		intElement(idDateUTC, int64(h.Start.Sub(epochUTC))),
		stringElement(idMuxingApp, "sealtape"),
		stringElement(idWritingApp, "sealtape"),
	}
	if h.Title != "" {
		info = append(info, stringElement(idTitle, h.Title))
	}
	tags := [][]byte{recordingTag(h)}
	for _, t := range h.Tracks {
		tags = append(tags, trackTag(t))
	}
	b := ebmlHeader("matroska")
	b = appendID(b, idSegment)
	b = appendSizeWidth(b, unknownSize, 8)
	b = append(b, element(idInfo, info...)...)
	b = append(b, element(idTags, tags...)...)
	return append(b, tracksElement(h.Tracks, true)...)
}

// clampTracks returns the tracks with their strings cut to the limits.
func clampTracks(tracks []media.Track) []media.Track {
	out := make([]media.Track, len(tracks))
	for i, t := range tracks {
		t.Participant = media.Clamp(t.Participant, media.MaxIdentity)
		t.Name = media.Clamp(t.Name, media.MaxName)
		t.Source = media.Source(media.Clamp(string(t.Source), media.MaxReason))
		out[i] = t
	}
	return out
}
