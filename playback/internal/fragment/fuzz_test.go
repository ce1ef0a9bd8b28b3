package fragment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// hostileFrames cuts data into frames: two bytes of time since the one before,
// in milliseconds, two of length with the key flag, then so many bytes.
func hostileFrames(data []byte) (frames []media.Frame) {
	at := time.Duration(0)
	for len(data) >= 4 && len(frames) < 500 {
		at += time.Duration(binary.BigEndian.Uint16(data)) * time.Millisecond
		n := int(binary.BigEndian.Uint16(data[2:]))
		key := n&0x8000 != 0
		n = min(n&0x7fff, len(data)-4)
		frames = append(frames, media.Frame{Track: 7, Time: at, Key: key, Data: data[4 : 4+n : 4+n]})
		data = data[4+n:]
		at += time.Millisecond // times of a track rise
	}
	return frames
}

func hostileData(frames []media.Frame) (data []byte) {
	last := frames[0].Time
	for _, f := range frames {
		n := uint16(len(f.Data))
		if f.Key {
			n |= 0x8000
		}
		data = binary.BigEndian.AppendUint16(data, uint16((f.Time-last)/time.Millisecond))
		data = binary.BigEndian.AppendUint16(data, n)
		data = append(data, f.Data...)
		last = f.Time + time.Millisecond
	}
	return data
}

// check reads a part back and compares it with the frames that must be in it.
func check(t *testing.T, c media.Codec, p Part, want []media.Frame) {
	t.Helper()
	if p.From < 0 || p.To <= p.From || p.Frames == 0 || p.MIME == "" || len(p.Init) == 0 {
		t.Fatalf("part from %v to %v, %d frames", p.From, p.To, p.Frames)
	}
	for _, r := range p.MIME {
		if r < ' ' || r > '~' {
			t.Fatalf("MIME %q", p.MIME)
		}
	}
	var got []media.Frame
	if webm(c) {
		r, err := matroska.NewReader(bytes.NewReader(slices.Concat(p.Init, p.Media)))
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b.Frame)
		}
	} else {
		f, err := mp4.DecodeFile(bytes.NewReader(p.Media))
		if err != nil {
			t.Fatal(err)
		}
		for _, seg := range f.Segments {
			for _, frag := range seg.Fragments {
				full, err := frag.GetFullSamples(nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range full {
					if s.Dur == 0 {
						t.Fatal("a sample without a length")
					}
					at := time.Duration(s.DecodeTime) * time.Second / mp4Timescale
					got = append(got, media.Frame{Time: at, Key: s.IsSync(), Data: s.Data})
				}
			}
		}
	}
	if len(got) != p.Frames {
		t.Fatalf("%d frames, want %d", len(got), p.Frames)
	}
	if c == media.Opus {
		return
	}
	for i, f := range got {
		if (f.Time-want[i].Time).Abs() > time.Millisecond || f.Key != want[i].Key || !bytes.Equal(f.Data, want[i].Data) {
			t.Fatalf("frame %d: %v, %v, want %v, %v", i, f.Time, f.Key, want[i].Time, want[i].Key)
		}
	}
}

// FuzzPictures: whatever frames hold, what is made of them is well-formed and
// has them as they are.
func FuzzPictures(f *testing.F) {
	for i, c := range videoCodecs {
		track, frames := clock(f, c, 0)
		f.Add(byte(i), []byte(track.Private), hostileData(frames[:3]), false)
		f.Add(byte(i), []byte(""), hostileData(frames[38:42]), true)
	}
	f.Fuzz(func(t *testing.T, codec byte, private []byte, data []byte, later bool) {
		c := videoCodecs[int(codec)%len(videoCodecs)]
		frames := hostileFrames(data)
		track := media.Track{UID: 7, Codec: c, Private: string(private), Width: 320, Height: 180}
		parts := Pictures(track, frames, Next{Later: later}, func(from, to time.Duration) bool { return later })
		frames = slices.DeleteFunc(frames, func(f media.Frame) bool { return len(f.Data) == 0 })
		total := 0
		for _, p := range parts {
			total += p.Frames
		}
		if total > len(frames) || !media.NeedsPrivate(c) && total != len(frames) {
			t.Fatalf("%d frames of %d", total, len(frames))
		}
		if len(private) > media.MaxPrivate {
			return // parts are left out
		}
		frames = frames[len(frames)-total:]
		for _, p := range parts {
			check(t, c, p, frames[:p.Frames])
			frames = frames[p.Frames:]
		}
	})
}

// FuzzSound: whatever packets hold, the sound is well-formed, in order, and no
// longer than its bounds allow.
func FuzzSound(f *testing.F) {
	f.Add(hostileData([]media.Frame{{Time: 20 * time.Millisecond, Data: packet20}, {Time: 40 * time.Millisecond, Data: packet20}}), int64(0), int64(0), int64(0))
	f.Add(hostileData([]media.Frame{{Time: time.Second, Data: []byte{0xfb, 6, 1}}, {Time: time.Minute, Data: []byte{0xff, 63}}}), int64(time.Second), int64(2*time.Minute), int64(-1))
	f.Fuzz(func(t *testing.T, data []byte, from, to, run int64) {
		frames := hostileFrames(data)
		const year = int64(365 * 24 * time.Hour)
		b := Bounds{From: time.Duration(from % year), To: time.Duration(to % year), Lead: from != 0, Run: opus.Run(run % year), Joined: run != 0}
		p, end, ok := Sound(media.Track{UID: 7, Codec: media.Opus}, frames, b)
		if !ok {
			return
		}
		check(t, media.Opus, p, nil)
		span := frames[len(frames)-1].Time - frames[0].Time + maxSilence + time.Second
		if p.To-p.From > span || time.Duration(end)-p.From > span {
			t.Fatalf("from %v to %v, run to %v: longer than %v", p.From, p.To, time.Duration(end), span)
		}
		if limit := len(frames) + int(maxSilence/opus.MaxPacket) + 8*len(frames); p.Frames > limit {
			t.Fatalf("%d packets, more than %d", p.Frames, limit)
		}
		last := time.Duration(-1)
		for _, f := range blocks(t, p) {
			if f.Time < last {
				t.Fatalf("%v after %v", f.Time, last)
			}
			last = f.Time
		}
	})
}
