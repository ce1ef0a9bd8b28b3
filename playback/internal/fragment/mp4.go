package fragment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/sealtape/sealtape/recorder/media"
)

// mp4Timescale is the usual one of video: ticks a second.
const mp4Timescale = 90000

// mp4Init returns ftyp and moov of a fragmented file. The configuration is the
// track's Private unchanged: nothing here parses what a sender wrote into it.
func mp4Init(t media.Track) ([]byte, error) {
	entry, box := "avc1", "avcC"
	if t.Codec == media.H265 {
		entry, box = "hvc1", "hvcC"
	}
	if t.Private == "" || len(t.Private) > media.MaxPrivate {
		return nil, fmt.Errorf("private data of %d bytes", len(t.Private))
	}
	width, height := sizeOf(t)
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(mp4Timescale, "video", "und")
	track := init.Moov.Trak
	track.Tkhd.Width, track.Tkhd.Height = mp4.Fixed32(width<<16), mp4.Fixed32(height<<16)
	config := mp4.CreateUnknownBox(box, uint64(8+len(t.Private)), []byte(t.Private))
	sample := mp4.CreateVisualSampleEntryBox(entry, uint16(width), uint16(height), config)
	sample.CompressorName = ""
	track.Mdia.Minf.Stbl.Stsd.AddChild(sample)
	var b bytes.Buffer
	err := init.Encode(&b)
	return b.Bytes(), err
}

// mp4Media returns moof and mdat of frames with durations: one pair, or more
// where there are holes.
func mp4Media(frames []media.Frame) ([]byte, error) {
	var b bytes.Buffer
	var f *mp4.Fragment
	var end uint64
	for _, frame := range frames {
		at, until := mp4Time(frame.Time), mp4Time(frame.Time+frame.Duration)
		if f == nil || at != end {
			if err := encodeFragment(&b, f); err != nil {
				return nil, err
			}
			var err error
			if f, err = mp4.CreateFragment(sequence(at), 1); err != nil {
				return nil, err
			}
		}
		flags := mp4.NonSyncSampleFlags
		if frame.Key {
			flags = mp4.SyncSampleFlags
		}
		lasts := uint32(min(until-at, math.MaxUint32))
		f.AddSample(mp4.NewSample(flags, lasts, uint32(len(frame.Data)), 0), at)
		f.Mdat.AddSampleDataPart(frame.Data)
		end = at + uint64(lasts)
	}
	err := encodeFragment(&b, f)
	return b.Bytes(), err
}

// sequence returns the number of a fragment. It must rise, and players ignore it.
func sequence(at uint64) uint32 { return uint32(at/mp4Timescale) + 1 }

func encodeFragment(b *bytes.Buffer, f *mp4.Fragment) error {
	if f == nil {
		return nil
	}
	f.SetTrunDataOffsets()
	return f.Encode(b)
}

func mp4Time(d time.Duration) uint64 {
	s, rest := uint64(d/time.Second), uint64(d%time.Second)
	return s*mp4Timescale + (rest*mp4Timescale+uint64(time.Second)/2)/uint64(time.Second)
}

// sizeOf returns the size of the picture in a track's Private, at most 65535 each
// way, or else the track's size.
func sizeOf(t media.Track) (width, height int) {
	p := media.Describe(t.Codec, configFrame(t))
	if p.Width == 0 {
		p.Width, p.Height = t.Width, t.Height
	}
	return min(max(p.Width, 0), math.MaxUint16), min(max(p.Height, 0), math.MaxUint16)
}

// configFrame makes a frame of the parameter sets in a track's Private. It
// returns nil if they are malformed.
func configFrame(t media.Track) []byte {
	p := []byte(t.Private)
	var out []byte
	sets := func(n int) {
		for ; n > 0 && len(p) >= 2; n-- {
			size := 2 + int(binary.BigEndian.Uint16(p))
			if size > len(p) {
				p = nil
				return
			}
			out = binary.BigEndian.AppendUint32(out, uint32(size-2))
			out = append(out, p[2:size]...)
			p = p[size:]
		}
	}
	switch {
	case t.Codec == media.AV1 && len(p) > 4:
		return p[4:]
	case t.Codec == media.H264 && len(p) > 6:
		n := int(p[5] & 0x1f)
		p = p[6:]
		sets(n)
		if len(p) > 0 {
			n, p = int(p[0]), p[1:]
			sets(n)
		}
	case t.Codec == media.H265 && len(p) > 23:
		arrays := int(p[22])
		p = p[23:]
		for ; arrays > 0 && len(p) >= 3; arrays-- {
			n := int(binary.BigEndian.Uint16(p[1:]))
			p = p[3:]
			sets(n)
		}
	}
	return out
}
