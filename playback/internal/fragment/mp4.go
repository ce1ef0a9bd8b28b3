package fragment

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// mp4Timescale is the usual one of video: ticks a second.
const mp4Timescale = 90000

// trackID is the number of the one track of each file.
const trackID = 1

// mp4Init returns ftyp and moov of a fragmented file. The configuration is the
// track's Private unchanged: nothing here parses what a sender wrote into it.
func mp4Init(t media.Track) ([]byte, error) {
	if t.Private == "" || len(t.Private) > media.MaxPrivate {
		return nil, fmt.Errorf("private data of %d bytes", len(t.Private))
	}
	width, height := sizeOf(t)
	var w boxes
	w.in("ftyp", func() {
		w.text("iso6")
		w.u32(0) // minor version
		w.text("iso6mp41")
	})
	w.in("moov", func() {
		w.full("mvhd", 0, 0, func() {
			w.u32(0, 0, mp4Timescale, 0) // no dates; the duration is that of the fragments
			w.u32(0x10000)               // speed 1
			w.u16(0x100, 0)              // volume 1
			w.zeros(8)
			w.matrix(0, 0, 0)
			w.zeros(24)
			w.u32(trackID + 1) // the next track's
		})
		w.in("trak", func() {
			w.full("tkhd", 0, 7, func() { // it is enabled and shown
				w.u32(0, 0, trackID, 0, 0)
				w.zeros(8 + 2 + 2 + 2 + 2) // no layer, group or volume
				w.matrix(t.Turned, width, height)
				w.u32(uint32(width)<<16, uint32(height)<<16)
			})
			w.in("mdia", func() { w.media(t, width, height) })
		})
		w.in("mvex", func() {
			w.full("trex", 0, 0, func() { w.u32(trackID, 1, 0, 0, 0) }) // each sample says the rest
		})
	})
	return w.b, nil
}

// matrix appends the matrix that turns a picture of this size clockwise by so many
// degrees, ISO/IEC 14496-12 section 6.2.2. Browsers heed it. With 0 it changes nothing.
func (w *boxes) matrix(turned, width, height int) {
	const one, minus, last = 1 << 16, 0xffff0000, 1 << 30
	x, y := uint32(width)<<16, uint32(height)<<16
	switch turned {
	case 90:
		w.u32(0, one, 0, minus, 0, 0, y, 0, last)
	case 180:
		w.u32(minus, 0, 0, 0, minus, 0, x, y, last)
	case 270:
		w.u32(0, minus, 0, one, 0, 0, 0, x, last)
	default:
		w.u32(one, 0, 0, 0, one, 0, 0, 0, last)
	}
}

// media appends what mdia has: how a track is decoded, and tables without samples.
func (w *boxes) media(t media.Track, width, height int) {
	const undetermined = ('u'-0x60)<<10 | ('n'-0x60)<<5 | ('d' - 0x60) // the language
	w.full("mdhd", 0, 0, func() {
		w.u32(0, 0, mp4Timescale, 0)
		w.u16(undetermined, 0)
	})
	w.full("hdlr", 0, 0, func() {
		w.u32(0)
		w.text("vide")
		w.zeros(12 + 1) // and no name
	})
	w.in("minf", func() {
		w.full("vmhd", 0, 1, func() { w.zeros(8) })
		w.in("dinf", func() {
			w.full("dref", 0, 0, func() {
				w.u32(1)
				w.full("url ", 0, 1, func() {}) // this file
			})
		})
		w.in("stbl", func() {
			w.full("stsd", 0, 0, func() {
				w.u32(1)
				w.sampleEntry(t, width, height)
			})
			w.full("stts", 0, 0, func() { w.u32(0) })
			w.full("stsc", 0, 0, func() { w.u32(0) })
			w.full("stsz", 0, 0, func() { w.u32(0, 0) })
			w.full("stco", 0, 0, func() { w.u32(0) })
		})
	})
}

// sampleEntry appends how pictures are encoded.
func (w *boxes) sampleEntry(t media.Track, width, height int) {
	entry, config := "avc1", "avcC"
	if t.Codec == media.H265 {
		entry, config = "hvc1", "hvcC"
	}
	w.in(entry, func() {
		w.zeros(6)
		w.u16(1) // of dref
		w.zeros(16)
		w.u16(uint16(width), uint16(height))
		w.u32(0x480000, 0x480000, 0) // 72 dpi
		w.u16(1)                     // picture in a sample
		w.zeros(32)                  // no name of a compressor
		w.u16(24, 0xffff)            // bits of colour, no table of colours
		w.in(config, func() { w.text(t.Private) })
	})
}

// mp4Media returns moof and mdat of frames with durations: one pair, or more
// where there are holes.
func mp4Media(frames []media.Frame) []byte {
	w := boxes{roomFor(frames)}
	for len(frames) > 0 {
		at := mp4Time(frames[0].Time)
		n, end := 1, at+uint64(mp4Lasts(frames[0]))
		for n < len(frames) && mp4Time(frames[n].Time) == end {
			end += uint64(mp4Lasts(frames[n]))
			n++
		}
		w.fragment(at, frames[:n])
		frames = frames[n:]
	}
	return w.b
}

// fragment appends moof and mdat of frames without a hole, the first of which is at a
// time.
func (w *boxes) fragment(at uint64, frames []media.Frame) {
	begin, offset := len(w.b), 0
	w.in("moof", func() {
		// The number must rise, and players ignore it.
		w.full("mfhd", 0, 0, func() { w.u32(uint32(at/mp4Timescale) + 1) })
		w.in("traf", func() {
			w.full("tfhd", 0, 0x20000, func() { w.u32(trackID) }) // offsets count from moof
			w.full("tfdt", 1, 0, func() { w.u32(uint32(at>>32), uint32(at)) })
			// Each sample has a duration, a size and flags.
			version, what := byte(0), uint32(0x701)
			if slices.ContainsFunc(frames, func(f media.Frame) bool { return f.Later != 0 }) {
				version, what = 1, 0xf01 // and how much later it is shown, less than 0 for before
			}
			w.full("trun", version, what, func() {
				w.u32(uint32(len(frames)))
				offset = len(w.b)
				w.u32(0)
				for _, f := range frames {
					flags := uint32(0x01010000) // it depends on others, and is no place to begin
					if f.Key {
						flags = 0x02000000
					}
					w.u32(mp4Lasts(f), uint32(len(f.Data)), flags)
					if version == 1 {
						w.u32(uint32(mp4Later(f)))
					}
				}
			})
		})
	})
	binary.BigEndian.PutUint32(w.b[offset:], uint32(len(w.b)-begin+8)) // the first byte in mdat
	w.in("mdat", func() {
		for _, f := range frames {
			w.b = append(w.b, f.Data...)
		}
	})
}

// mp4Lasts returns the duration of a frame such that it ends where the next one can
// begin.
func mp4Lasts(f media.Frame) uint32 {
	return uint32(min(mp4Time(f.Time+f.Duration)-mp4Time(f.Time), math.MaxUint32))
}

// mp4Later returns how long after it is decoded a frame is shown.
func mp4Later(f media.Frame) int32 {
	return int32(int64(mp4Time(max(f.Shown(), 0))) - int64(mp4Time(f.Time)))
}

func mp4Time(d time.Duration) uint64 {
	s, rest := uint64(d/time.Second), uint64(d%time.Second)
	return s*mp4Timescale + (rest*mp4Timescale+uint64(time.Second)/2)/uint64(time.Second)
}

// sizeOf returns the size of the picture in a track's Private, at most 65535 each
// way, or else the track's size.
func sizeOf(t media.Track) (width, height int) {
	p := media.Describe(t.Codec, media.ConfigFrame(t))
	if p.Width == 0 {
		p.Width, p.Height = t.Width, t.Height
	}
	return min(max(p.Width, 0), math.MaxUint16), min(max(p.Height, 0), math.MaxUint16)
}
