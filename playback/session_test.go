package playback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// syntheticFrames are 12 s of alice's sound and bob's picture, in order. Their
// data is as short as the containers take it.
func syntheticFrames() []media.Frame {
	var frames []media.Frame
	for at := time.Duration(0); at < 12*time.Second; at += 20 * time.Millisecond {
		frames = append(frames, media.Frame{Track: alice.UID, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xfc, 0xff, 0xfe}})
		if at%(100*time.Millisecond) == 0 {
			frames = append(frames, media.Frame{Track: bob.UID, Time: at, Key: at%time.Second == 0, Data: fmt.Append(nil, at)})
		}
	}
	return frames
}

func synthetic(t testing.TB) *memSource {
	return cut(t, []media.Track{alice, bob}, syntheticFrames(),
		media.Event{Type: media.EventStart, Text: "room"},
		media.Event{Time: 11 * time.Second, Type: media.EventLeave, Participant: "bob"})
}

func frames(t testing.TB, s *Session) []media.Frame {
	t.Helper()
	var all []media.Frame
	for f, err := range s.Frames(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func TestOpen(t *testing.T) {
	s := open(t, synthetic(t))
	if got, want := s.Tracks(), []media.Track{alice, bob}; !slices.Equal(got, want) {
		t.Errorf("tracks %+v", got)
	}
	if !s.Start().Equal(testStart) || s.Duration() != 12*time.Second {
		t.Errorf("start %v, duration %v", s.Start(), s.Duration())
	}
	if e := s.Events(); len(e) != 2 || e[0].Type != media.EventStart || e[1].Type != media.EventLeave {
		t.Errorf("events %+v", e)
	}
	if len(s.Holes())+len(s.Missing()) != 0 {
		t.Errorf("holes %+v, missing %+v", s.Holes(), s.Missing())
	}
	if got := frames(t, s); !reflect.DeepEqual(got, syntheticFrames()) {
		t.Errorf("%d frames differ", len(got))
	}
}

// TestReorder: whatever order frames stand in within 2 s, tracks and segments
// crossed, each comes once and in its place.
func TestReorder(t *testing.T) {
	want := syntheticFrames()
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		type moved struct {
			media.Frame
			at time.Duration
		}
		var all []moved
		for _, f := range want {
			all = append(all, moved{f, f.Time + time.Duration(rnd.Int64N(int64(reorderWindow)))})
		}
		slices.SortStableFunc(all, func(a, b moved) int { return int(a.at - b.at) })
		src := &memSource{segments: make(map[int][]byte)}
		for n := 0; len(all) > 0; n++ {
			size := min(len(all), 1+rnd.IntN(300))
			var part []media.Frame
			for _, m := range all[:size] {
				part = append(part, m.Frame)
			}
			src.segments[n] = segment(t, n, []media.Track{bob, alice}, part)
			all = all[size:]
		}
		got := frames(t, open(t, src))
		// Two tracks' frames of one time may change places.
		key := func(f media.Frame) string { return fmt.Sprint(f.Time, f.Track) }
		if !slices.IsSortedFunc(got, func(a, b media.Frame) int { return int(a.Time - b.Time) }) {
			t.Fatalf("seed %d: not sorted", seed)
		}
		cmp := func(a, b media.Frame) int {
			if a.Time != b.Time {
				return int(a.Time - b.Time)
			}
			return slices.Compare([]byte(key(a)), []byte(key(b)))
		}
		slices.SortStableFunc(got, cmp)
		wanted := slices.SortedStableFunc(slices.Values(want), cmp)
		if !reflect.DeepEqual(got, wanted) {
			t.Fatalf("seed %d: %d frames differ from %d", seed, len(got), len(want))
		}
	}
}

// TestTooLate: a frame far behind its place comes in its place, if its segment is
// told to begin there, and an export holds it.
func TestTooLate(t *testing.T) {
	all := append(syntheticFrames(), media.Frame{Track: bob.UID, Time: 1050 * time.Millisecond, Key: true, Data: []byte("late")})
	s := open(t, &memSource{segments: map[int][]byte{0: segment(t, 0, []media.Track{alice, bob}, all)}})
	got := frames(t, s)
	if len(got) != len(all) || !slices.IsSortedFunc(got, func(a, b media.Frame) int { return int(a.Time - b.Time) }) {
		t.Errorf("%d frames, want %d", len(got), len(all))
	}
	r, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{})
	if err != nil || r.Dropped() != 0 || r.Incomplete {
		t.Errorf("report %+v, %v", r, err)
	}
}

var errKey = errors.New("no key opens it")

func TestMissing(t *testing.T) {
	// Sound fills each segment, so the spans are exact.
	const s0, s5, s10 = 0, 5 * time.Second, 10 * time.Second
	other := func(change func(*matroska.Header)) []byte {
		h := matroska.Header{Recording: testID, Segment: 1, Start: testStart, Tracks: []media.Track{alice}}
		change(&h)
		return withHeader(t, h)
	}
	for name, tt := range map[string]struct {
		change func(*memSource)
		number int
		want   error
		from   time.Duration
		to     time.Duration
	}{
		"unreadable": {func(s *memSource) { s.errs = map[int]error{1: errKey} }, 1, errKey, s5, s10},
		"first":      {func(s *memSource) { s.errs = map[int]error{0: errKey} }, 0, errKey, s0, s5},
		"last":       {func(s *memSource) { s.errs = map[int]error{2: errKey} }, 2, errKey, s10, 0},
		"not listed": {func(s *memSource) { delete(s.segments, 1) }, 1, ErrNotListed, s5, s10},
		"swapped":    {func(s *memSource) { s.segments[1] = s.segments[2] }, 1, ErrForeign, s5, s10},
		"foreign": {func(s *memSource) {
			s.segments[1] = other(func(h *matroska.Header) { h.Recording = "ZZZ" })
		}, 1, ErrForeign, s5, s10},
		"other start": {func(s *memSource) {
			s.segments[1] = other(func(h *matroska.Header) { h.Start = h.Start.Add(1) })
		}, 1, ErrForeign, s5, s10},
		"other codec": {func(s *memSource) {
			track := bob
			track.UID = alice.UID
			s.segments[1] = other(func(h *matroska.Header) { h.Tracks = []media.Track{track} })
		}, 1, nil, s5, s10},
		"no Matroska": {func(s *memSource) { s.segments[1] = []byte("age-encryption.org/v1\n") }, 1, matroska.ErrFormat, s5, s10},
		"empty":       {func(s *memSource) { s.segments[1] = nil }, 1, nil, s5, s10},
	} {
		t.Run(name, func(t *testing.T) {
			src := synthetic(t)
			tt.change(src)
			s := open(t, src)
			m := s.Missing()
			if len(m) != 1 || m[0].Number != tt.number || tt.want != nil && !errors.Is(&m[0], tt.want) {
				t.Fatalf("missing %v", m)
			}
			if m[0].From != tt.from || m[0].To != tt.to {
				t.Errorf("missing from %v to %v, want %v to %v", m[0].From, m[0].To, tt.from, tt.to)
			}
			var want []media.Frame
			for _, f := range syntheticFrames() {
				if f.Time < tt.from || tt.to != 0 && f.Time >= tt.to {
					want = append(want, f)
				}
			}
			if got := frames(t, s); !reflect.DeepEqual(got, want) {
				t.Errorf("%d frames, want %d", len(got), len(want))
			}
			r, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{})
			if err != nil || !r.Incomplete || len(r.Missing) != 1 {
				t.Errorf("report %+v, %v", r, err)
			}
		})
	}
}

func withHeader(t testing.TB, h matroska.Header) []byte {
	t.Helper()
	var b writerBuffer
	w, err := matroska.NewWriter(&b, h)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type writerBuffer []byte

func (b *writerBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// TestDamaged: of a segment that breaks in the middle, what is before counts.
func TestDamaged(t *testing.T) {
	src := synthetic(t)
	src.segments[1] = src.segments[1][:len(src.segments[1])/2]
	s := open(t, src)
	m := s.Missing()
	if len(m) != 1 || m[0].Number != 1 || m[0].From <= 5*time.Second || m[0].From >= m[0].To || m[0].To != 10*time.Second {
		t.Fatalf("missing %+v", m)
	}
	var want []media.Frame
	for _, f := range syntheticFrames() {
		if f.Time < m[0].From || f.Time >= m[0].To {
			want = append(want, f)
		}
	}
	got := frames(t, s)
	if n := len(got) - len(want); n < -1 || n > 1 {
		t.Errorf("%d frames, want some %d", len(got), len(want))
	}
}

func TestNothingReadable(t *testing.T) {
	src := synthetic(t)
	src.errs = map[int]error{0: errKey, 1: errKey, 2: errKey}
	var lost *SegmentError
	if _, err := Open(t.Context(), src, Options{}); !errors.Is(err, errKey) || !errors.As(err, &lost) {
		t.Errorf("got %v", err)
	}
	if s, err := Open(t.Context(), &memSource{}, Options{}); err != nil || s.Duration() != 0 {
		t.Errorf("no segments: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, synthetic(t), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestGoneLater: a segment that Open read and Frames cannot is reported, and
// the rest follows.
func TestGoneLater(t *testing.T) {
	src := synthetic(t)
	s := open(t, src)
	src.errs = map[int]error{1: errKey}
	n, lost := 0, 0
	for _, err := range s.Frames(t.Context()) {
		var e *SegmentError
		switch {
		case errors.As(err, &e) && e.Number == 1 && errors.Is(err, errKey):
			lost++
		case err != nil:
			t.Fatal(err)
		default:
			n++
		}
	}
	if lost != 1 || n == 0 || n >= len(syntheticFrames()) {
		t.Errorf("%d errors, %d frames", lost, n)
	}
	r, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{})
	if err != nil || !r.Incomplete || len(r.Missing) != 1 {
		t.Errorf("report %+v, %v", r, err)
	}
}

// TestBreak: a caller that has seen enough may stop; no more than the next two
// segments are read then, and nothing any more when the loop is over.
func TestBreak(t *testing.T) {
	var sound []media.Frame
	for at := time.Duration(0); at < time.Minute; at += 20 * time.Millisecond {
		sound = append(sound, media.Frame{Track: alice.UID, Time: at, Data: []byte{0xfc, 0xff, 0xfe}})
	}
	src := cut(t, []media.Track{alice}, sound)
	s := open(t, src)
	var over atomic.Bool
	src.reads = func(n int) {
		if n > 2 || over.Load() {
			t.Errorf("segment %d read", n)
		}
	}
	for range s.Frames(t.Context()) {
		break
	}
	over.Store(true)
	for range 100 {
		runtime.Gosched()
	}
}

func TestHoles(t *testing.T) {
	const ms = time.Millisecond
	hole := func(track uint64, from, to time.Duration, reason string) media.Event {
		return media.Event{Time: 11 * time.Second, Type: media.EventHole, Track: track, From: from, To: to, Reason: reason}
	}
	for name, tt := range map[string]struct {
		events     []media.Event
		want       int
		incomplete bool
	}{
		"short":           {[]media.Event{hole(1, 0, 999*ms, media.HoleLoss)}, 1, false},
		"a second":        {[]media.Event{hole(1, 0, 1000*ms, media.HoleLoss)}, 1, true},
		"in pieces":       {[]media.Event{hole(1, 600*ms, 1100*ms, media.HoleLoss), hole(1, 100*ms, 600*ms, media.HoleLoss)}, 1, true},
		"apart":           {[]media.Event{hole(1, 0, 600*ms, media.HoleLoss), hole(1, 700*ms, 1200*ms, media.HoleLoss)}, 2, false},
		"two tracks":      {[]media.Event{hole(1, 0, 600*ms, media.HoleLoss), hole(2, 600*ms, 1200*ms, media.HoleLoss)}, 2, false},
		"two reasons":     {[]media.Event{hole(1, 0, 600*ms, media.HoleLoss), hole(1, 600*ms, 1200*ms, media.HoleKeyFrame)}, 2, true},
		"one in another":  {[]media.Event{hole(1, 0, 900*ms, media.HoleLoss), hole(1, 100*ms, 200*ms, media.HoleLoss)}, 1, false},
		"empty, backward": {[]media.Event{hole(1, 500*ms, 500*ms, media.HoleLoss), hole(1, 5000*ms, 0, media.HoleLoss)}, 0, false},
		"mute":            {[]media.Event{{Time: 0, Type: media.EventMute, Track: 1, From: 0, To: time.Hour}}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, cut(t, []media.Track{alice, bob}, syntheticFrames(), tt.events...))
			g := s.Holes()
			if len(g) != tt.want || !slices.IsSortedFunc(g, func(a, b media.Event) int { return int(a.From - b.From) }) {
				t.Errorf("holes %+v", g)
			}
			r, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{})
			if err != nil || r.Incomplete != tt.incomplete || len(r.Holes) != tt.want {
				t.Errorf("report %+v, %v", r, err)
			}
		})
	}
}

func TestTracksMerge(t *testing.T) {
	small, large := bob, bob
	large.Width, large.Height = 1280, 720
	src := &memSource{segments: map[int][]byte{
		0: segment(t, 0, []media.Track{small}, nil),
		1: segment(t, 1, []media.Track{alice, large}, nil),
		2: segment(t, 2, []media.Track{small}, nil),
	}}
	if got, want := open(t, src).Tracks(), []media.Track{large, alice}; !slices.Equal(got, want) {
		t.Errorf("tracks %+v, want %+v", got, want)
	}
}
