package matroska_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// meeting is 5 s of one sound (20 ms, 80 bytes) and one picture (30 a second,
// 4 kB): the shape of a segment, as far as speed goes.
func meeting() (frames []media.Frame, size int64) {
	for at := time.Duration(0); at < 5*time.Second; at += 20 * time.Millisecond {
		frames = append(frames, media.Frame{Track: twoTracks[0].UID, Time: at, Data: bytes.Repeat([]byte{0xf8}, 80)})
		if at%(40*time.Millisecond) == 0 {
			frames = append(frames, media.Frame{Track: 7, Time: at, Data: make([]byte, 4000)})
		}
	}
	for _, f := range frames {
		size += int64(len(f.Data))
	}
	return frames, size
}

func BenchmarkWriter(b *testing.B) {
	frames, size := meeting()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		w, err := matroska.NewWriter(io.Discard, testHeader())
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range frames {
			if err := w.WriteFrame(f); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReader(b *testing.B) {
	frames, size := meeting()
	in := segment(b, testHeader(), frames)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		m, err := matroska.NewReader(bytes.NewReader(in))
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = m.Next()
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
}

// BenchmarkCopy is the yardstick of both: the same frames copied one by one.
func BenchmarkCopy(b *testing.B) {
	frames, size := meeting()
	b.SetBytes(size)
	b.ReportAllocs()
	var buf bytes.Buffer
	for b.Loop() {
		buf.Reset()
		for _, f := range frames {
			if _, err := io.Copy(&buf, bytes.NewReader(f.Data)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
