package player_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// frames reads parts back.
func frames(t testing.TB, parts ...playertest.Part) (frames []media.Frame) {
	t.Helper()
	var b []byte
	for i, p := range parts {
		if i == 0 {
			b = append(b, p.Body[:p.Init]...)
		}
		b = append(b, p.Body[p.Init:]...)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, b.Frame)
	}
}

// TestSegments plays a recording from end to end.
func TestSegments(t *testing.T) {
	p := serve(t, playertest.Meeting(t, 6))
	var sound, picture []playertest.Part
	for n := range 6 {
		w := segment(t.Context(), p, n)
		if w.err != nil {
			t.Fatal(w.err)
		}
		parts := playertest.Parts(t, w.b)
		if len(parts) != 2 || parts[0].Track != "11" || parts[1].Track != "9223372036854775813" {
			t.Fatalf("parts %+v", parts)
		}
		for _, p := range parts {
			if p.From != float64(5*n) || p.To != float64(5*n+5) {
				t.Errorf("segment %d: part from %v to %v", n, p.From, p.To)
			}
		}
		sound, picture = append(sound, parts[0]), append(picture, parts[1])
	}
	if got := frames(t, sound...); len(got) != 6*250 {
		t.Errorf("%d frames of sound", len(got))
	}
	got := frames(t, picture...)
	if len(got) != 6*125 {
		t.Errorf("%d pictures", len(got))
	}
	for i, f := range got {
		if f.Time != time.Duration(i)*40*time.Millisecond || f.Key != (i%125 == 0) {
			t.Fatalf("picture %d: %+v", i, f)
		}
	}
	if picture[0].InitID != picture[5].InitID {
		t.Error("initialization segments differ")
	}
	if parts := playertest.Parts(t, segment(t.Context(), p, 2, 11).b); len(parts) != 1 || parts[0].Track != "11" {
		t.Errorf("parts of one track: %+v", parts)
	}
	if w := segment(t.Context(), p, 2, 99); w.err != nil || len(w.b) > 0 {
		t.Errorf("of a track that it lacks: %v, %d bytes", w.err, len(w.b))
	}
}

// sparse is a recording of a sender that sends a packet now and then, as DTX
// does, and whose clock is fast.
func sparse(t testing.TB, segments int) *playertest.Recording {
	t.Helper()
	r := playertest.Meeting(t, segments)
	rnd := rand.New(rand.NewPCG(1, 2))
	at := time.Duration(0)
	for n := range segments {
		var b bytes.Buffer
		w, err := matroska.NewWriter(&b, matroska.Header{Recording: id, Segment: n, Epoch: 1, Start: playertest.Start, Tracks: []media.Track{playertest.Alice, playertest.Bob}})
		if err != nil {
			t.Fatal(err)
		}
		end := time.Duration(n+1) * 5 * time.Second
		for ; at < end; at += 20*time.Millisecond - 4*time.Microsecond {
			if at%(8*time.Second) > 4*time.Second && rnd.IntN(20) > 0 {
				continue
			}
			if err := w.WriteFrame(media.Frame{Track: playertest.Alice.UID, Time: at, Data: []byte{0x78, 1, 2}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.WriteFrame(media.Frame{Track: playertest.Bob.UID, Time: end - 5*time.Second, Key: true, Data: []byte{0x10}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r.Data[n] = b.Bytes()
	}
	return r
}

// TestSoundJoins: segments that are asked for side by side, as the page does,
// make sound in which each packet plays at its time, by the count of samples.
func TestSoundJoins(t *testing.T) {
	const segments = 60
	r := sparse(t, segments)
	p := opened(t, r, 0, player.Patience{Next: time.Hour, Prev: time.Hour}) // however slow the machine
	parts := make([]playertest.Part, segments)
	atOnce := make(chan struct{}, 3)
	var wg sync.WaitGroup
	for n := range segments {
		atOnce <- struct{}{}
		wg.Go(func() {
			defer func() { <-atOnce }()
			w := segment(t.Context(), p, n, 11)
			if got := playertest.Parts(t, w.b); w.err != nil || len(got) != 1 {
				t.Errorf("segment %d: %v, %d parts", n, w.err, len(got))
			} else {
				parts[n] = got[0]
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	var at, end time.Duration
	real := 0
	for i, f := range frames(t, parts...) {
		if i > 0 && f.Time-end > 23*time.Millisecond {
			t.Errorf("a hole of %v at %v", f.Time-end, f.Time)
		}
		if f.Data[0] == 0x78 {
			real++
			if off := at - f.Time; off.Abs() > 18*time.Millisecond {
				t.Fatalf("the packet of %v plays %v late", f.Time, off)
			}
		}
		at += f.Duration
		end = f.Time + f.Duration
	}
	if real < segments*100 {
		t.Errorf("%d packets", real)
	}
}

// TestNextIsLate: a segment does not wait for long for the one after it, and its
// last picture then lasts long enough to join what comes.
func TestNextIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 3)
		p := opened(t, r, 0, player.Patience{})
		r.OnRead(func(ctx context.Context, n int) error {
			if n > 0 {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		begun := time.Now()
		parts := playertest.Parts(t, segment(t.Context(), p, 0).b)
		if took := time.Since(begun); took != player.UsualPatience().Next {
			t.Errorf("it took %v", took)
		}
		if len(parts) != 2 || parts[0].To != 5 || parts[1].To < 5.4 {
			t.Errorf("parts until %v, %v", parts[0].To, parts[1].To)
		}
		p.Close()
	})
}

// TestSoundWhileAPictureBegins: a picture's key frame begins a segment while the
// sound of that time is in the one before. Asked for alone, the second one puts no
// silence over it.
func TestSoundWhileAPictureBegins(t *testing.T) {
	r := playertest.Meeting(t, 3)
	const turn = 400 * time.Millisecond
	for n := range 3 {
		var b bytes.Buffer
		w, err := matroska.NewWriter(&b, matroska.Header{Recording: id, Segment: n, Epoch: 1, Start: playertest.Start, Tracks: []media.Track{playertest.Alice, playertest.Bob}})
		if err != nil {
			t.Fatal(err)
		}
		from, to := time.Duration(n)*5*time.Second, time.Duration(n+1)*5*time.Second
		for at := from; at < to; at += 20 * time.Millisecond {
			if err := w.WriteFrame(media.Frame{Track: playertest.Alice.UID, Time: at, Data: []byte{0x78, 1, 2}}); err != nil {
				t.Fatal(err)
			}
			if picture := at - turn; picture >= 0 && at%(100*time.Millisecond) == 0 {
				if err := w.WriteFrame(media.Frame{Track: playertest.Bob.UID, Time: picture, Key: at == from, Data: []byte{0x10}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r.Data[n] = b.Bytes()
	}
	p := opened(t, r, 0, player.Patience{Next: time.Hour}) // however slow the machine
	for _, n := range []int{2, 1, 0} {
		parts := playertest.Parts(t, segment(t.Context(), p, n).b)
		if len(parts) != 2 || parts[0].From != float64(5*n) || parts[0].To != float64(5*n+5) {
			t.Errorf("segment %d: sound from %v to %v", n, parts[0].From, parts[0].To)
		}
		if want := max(0, float64(5*n)-turn.Seconds()); parts[1].From != want {
			t.Errorf("segment %d: pictures from %v, want %v", n, parts[1].From, want)
		}
	}
}

// TestEager: a segment that nothing was played before is answered without the next one,
// and those that follow join it.
func TestEager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := playertest.Meeting(t, 6)
		p := playertest.New(t, player.Config{Library: playertest.Of(r), Eager: true})
		if _, err := p.Describe(t.Context(), id, none); err != nil {
			t.Fatal(err)
		}
		answered := make(chan struct{}) // whoever waited for the others until then would wait for ever
		r.OnRead(func(ctx context.Context, n int) error {
			if n > 2 {
				<-answered
			}
			return nil
		})
		begun := time.Now()
		parts := playertest.Parts(t, segment(t.Context(), p, 2).b)
		close(answered)
		if len(parts) != 2 || parts[0].To != 15 || parts[1].To < 15.4 || time.Since(begun) != 0 {
			t.Errorf("after %v, parts %+v", time.Since(begun), parts)
		}
		synctest.Wait()
		if reads := r.Reads(); reads[3] != 1 || reads[5] != 1 {
			t.Errorf("read ahead: %v", reads)
		}
		for n := 3; n < 6; n++ {
			parts := playertest.Parts(t, segment(t.Context(), p, n).b)
			if len(parts) != 2 || parts[0].From != float64(5*n) || parts[0].To != float64(5*n+5) || parts[1].To > float64(5*n)+5.5 {
				t.Errorf("segment %d: %+v", n, parts)
			}
		}
		p.Close()
	})
}
