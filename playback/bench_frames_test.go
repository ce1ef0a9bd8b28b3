package playback

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	benchVoices  = 30
	benchCameras = 6
	benchLength  = 5 * time.Second // of a segment
	benchPicture = 1_000_000 / 8 / 30
)

// benchTracks are those of a full room.
func benchTracks() []media.Track {
	var tracks []media.Track
	for i := range benchVoices + benchCameras {
		t := alice
		if i >= benchVoices {
			t = bob
		}
		t.UID = uint64(i + 1)
		tracks = append(tracks, t)
	}
	return tracks
}

// benchSegment is segment n of a full room: pictures of 1 Mbit/s, 30 a second.
func benchSegment(b *testing.B, n int) []byte {
	tracks := benchTracks()
	sound, picture := bytes.Repeat([]byte{0xfc}, 80), make([]byte, benchPicture)
	var frames []media.Frame
	from := time.Duration(n) * benchLength
	for at := from; at < from+benchLength; at += 10 * time.Millisecond {
		for _, t := range tracks {
			switch {
			case t.Codec.Audio() && at%(20*time.Millisecond) == 0:
				frames = append(frames, media.Frame{Track: t.UID, Time: at, Data: sound})
			case !t.Codec.Audio() && at%(30*time.Millisecond) == 0:
				frames = append(frames, media.Frame{Track: t.UID, Time: at, Key: at%(6*time.Second) == 0, Data: picture})
			}
		}
	}
	return segment(b, n, tracks, frames)
}

// cpu returns the CPU time that f takes.
func cpu(b *testing.B, f func()) time.Duration {
	spent := func() time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	runtime.GC()
	before := spent()
	f()
	return spent() - before
}

// BenchmarkFrames yields the frames of a minute of 30 voices and 6 pictures from
// memory. The yardstick reads the same segments one after the other and sorts
// nothing. Both are in times the meeting's length for a core.
func BenchmarkFrames(b *testing.B) {
	src := &memSource{segments: make(map[int][]byte)}
	for n := range 12 {
		src.segments[n] = benchSegment(b, n)
	}
	s := open(b, src)
	var ours, bare []float64
	for b.Loop() {
		n, m := 0, 0
		x := cpu(b, func() {
			for _, err := range s.Frames(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
		y := cpu(b, func() {
			for i := range 12 {
				r, err := matroska.NewReader(bytes.NewReader(src.segments[i]))
				for ; err == nil; m++ {
					_, err = r.Next()
				}
				if err != io.EOF {
					b.Fatal(err)
				}
			}
		})
		if n != m-12 {
			b.Fatalf("%d frames, %d are there", n, m-12)
		}
		ours = append(ours, time.Minute.Seconds()/x.Seconds())
		bare = append(bare, time.Minute.Seconds()/y.Seconds())
	}
	slices.Sort(ours)
	slices.Sort(bare)
	x, y := ours[len(ours)/2], bare[len(bare)/2]
	b.ReportMetric(x, "ours:x-real-time")
	b.ReportMetric(y, "bare:x-real-time")
	b.ReportMetric(100*x/y, "%ofbare")
	b.ReportMetric(100, "min:x-real-time")
}

// BenchmarkOpen opens two hours of 30 voices and 6 pictures by indexes that are a
// round trip of 50 ms away, and reports how long that takes and how much memory
// it keeps.
func BenchmarkOpen(b *testing.B) {
	const segments, each = 1440, 64
	l := &memLedger{memSource: &memSource{segments: make(map[int][]byte)}, indexes: make(map[int][]byte)}
	for first := 0; first < segments; first += each {
		x := media.Index{Recording: testID, Start: testStart}
		if first == 0 {
			x.Tracks = benchTracks()
		}
		for n := first; n < min(first+each, segments); n++ {
			l.segments[n] = nil
			seg := media.IndexSegment{Number: n, Epoch: 1, Size: 4 << 20, Start: time.Duration(n) * benchLength, Duration: benchLength}
			for _, t := range benchTracks() {
				it := media.IndexTrack{UID: t.UID}
				if !t.Codec.Audio() {
					it.Keys = []time.Duration{seg.Start + time.Second}
				}
				seg.Tracks = append(seg.Tracks, it)
			}
			for i := range 30 {
				x.Events = append(x.Events, media.Event{Time: seg.Start, Type: media.EventSpeaking, Participant: "alice", From: seg.Start, To: seg.Start + time.Duration(i)*time.Millisecond})
			}
			x.Segments = append(x.Segments, seg)
		}
		l.indexes[first/each] = writeIndex(b, x)
	}
	var took []time.Duration
	var kept uint64
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		begin := time.Now()
		s, err := Open(b.Context(), farSource{l, 50 * time.Millisecond, new(atomic.Int32), new(atomic.Int32)}, Options{})
		took = append(took, time.Since(begin))
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		kept = max(kept, after.HeapInuse-min(after.HeapInuse, before.HeapInuse))
		if len(s.Segments()) != segments || len(s.Missing()) > 0 {
			b.Fatal(len(s.Segments()), s.Missing())
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ours:ms")
	b.ReportMetric(500, "max:ms")
	b.Logf("two hours of %d tracks keep %.1f MiB", benchVoices+benchCameras, float64(kept)/(1<<20))
}
