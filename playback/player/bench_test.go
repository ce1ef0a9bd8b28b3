package player_test

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// full is a segment of a full room: 30 sounds, six pictures of 25 frames a
// second and so many bytes.
func full(t testing.TB, n, size int) []byte {
	t.Helper()
	const length = 5 * time.Second
	h := matroska.Header{Recording: id, Segment: n, Epoch: 1, Start: playertest.Start}
	for i := range 36 {
		track := media.Track{UID: uint64(i + 1), Participant: fmt.Sprint(i), Source: media.Microphone, Codec: media.Opus, Channels: 1}
		if i >= 30 {
			track = media.Track{UID: uint64(i + 1), Participant: fmt.Sprint(i), Source: media.Camera, Codec: media.VP8, Width: 640, Height: 360}
		}
		h.Tracks = append(h.Tracks, track)
	}
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	sound, picture := make([]byte, 80), make([]byte, size)
	sound[0] = 0x78
	start := time.Duration(n) * length
	for at := start; at < start+length; at += 20 * time.Millisecond {
		for i, track := range h.Tracks {
			f := media.Frame{Track: track.UID, Time: at, Data: sound}
			if i >= 30 {
				if (at-start)%(40*time.Millisecond) > 0 {
					continue
				}
				f.Key, f.Data = at == start, picture
			}
			if err := w.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fullMeeting is a recording of a full room.
func fullMeeting(t testing.TB, segments, size int) *playertest.Recording {
	t.Helper()
	r := playertest.Meeting(t, segments)
	for n := range segments {
		r.Data[n] = full(t, n, size)
	}
	return r
}

// BenchmarkSegment is one segment of a full room, read and made into parts.
func BenchmarkSegment(b *testing.B) {
	r := fullMeeting(b, 8, 5000)                   // 1 Mbit/s
	p := opened(b, r, 1, player.Patience{Next: 1}) // nothing is kept, and nothing waited for
	b.SetBytes(int64(len(r.Data[0])))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		if w := segment(b.Context(), p, n%8); w.err != nil {
			b.Fatal(w.err)
		}
	}
}

// TestMemory plays a full room from end to end, some at once, and looks at what
// is held of it then.
func TestMemory(t *testing.T) {
	const segments = 12
	r := fullMeeting(t, segments, 1000)
	var whole int64
	for _, data := range r.Data {
		whole += int64(len(data))
	}
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	limit := whole / 3
	before := held()
	p := opened(t, r, limit, player.Patience{})
	atOnce := make(chan struct{}, 3)
	var wg sync.WaitGroup
	for n := range segments {
		atOnce <- struct{}{}
		wg.Go(func() {
			defer func() { <-atOnce }()
			if w := segment(t.Context(), p, n); w.err != nil {
				t.Errorf("segment %d: %v", n, w.err)
			}
		})
	}
	wg.Wait()
	after := int64(held() - before)
	p.Close()
	used, peak, _ := p.Held()
	if peak > limit || used < limit/4 {
		t.Errorf("%d bytes held at most, %d in the end; %d are allowed", peak, used, limit)
	}
	if after > limit*5/4 {
		t.Errorf("%d bytes are in memory for %d that are held and %d that may be", after, used, limit)
	}
	t.Logf("%d MB of segments, %d kB held, %d kB in memory, limit %d kB", whole>>20, used>>10, after>>10, limit>>10)
	runtime.KeepAlive(r)
}
