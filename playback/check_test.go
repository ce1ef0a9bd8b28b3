package playback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A memLedger is a memSource with a log.
type memLedger struct {
	*memSource
	epochs  map[int]int // 1 where there is none
	torn    map[int]bool
	indexes map[int][]byte
}

func (l *memLedger) Epoch(n int) int { return max(1, l.epochs[n]) }
func (l *memLedger) Torn(n int) bool { return l.torn[n] }
func (l *memLedger) Indexes() []int  { return slices.Sorted(maps.Keys(l.indexes)) }
func (l *memLedger) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	if l.indexes[n] == nil {
		return nil, errKey
	}
	return l.indexes[n], ctx.Err()
}

// indexOf computes the index that a recorder would write of the segments.
func indexOf(t testing.TB, src *memSource) media.Index {
	t.Helper()
	x := media.Index{Recording: testID, Start: testStart}
	var shown time.Duration // bob's last key frame
	for _, n := range src.Segments() {
		s := media.IndexSegment{Number: n, Epoch: 1, Size: int64(len(src.segments[n])), Start: -1}
		var end time.Duration
		r, err := matroska.NewReader(bytes.NewReader(src.segments[n]))
		if err != nil {
			t.Fatal(err)
		}
		for b, err := r.Next(); err == nil; b, err = r.Next() {
			f := b.Frame
			if b.Event != nil {
				x.Events = append(x.Events, *b.Event)
				continue
			}
			if s.Start < 0 {
				s.Start = f.Time
			}
			end = max(end, f.Time+f.Duration)
			i := slices.IndexFunc(s.Tracks, func(t media.IndexTrack) bool { return t.UID == f.Track })
			if i < 0 {
				i = len(s.Tracks)
				s.Tracks = append(s.Tracks, media.IndexTrack{UID: f.Track})
				if f.Track == bob.UID && !f.Key {
					s.Tracks[i].Continues, s.Tracks[i].Begin = true, shown
				}
			}
			if f.Key && f.Track == bob.UID {
				s.Tracks[i].Keys = append(s.Tracks[i].Keys, f.Time)
				shown = f.Time
			}
		}
		s.Duration = end - s.Start
		x.Segments = append(x.Segments, s)
	}
	return x
}

func writeIndex(t testing.TB, x media.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := media.WriteIndex(&b, &x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// without leaves out the frames of a track from..to, and makes the first after
// them a key frame.
func without(frames []media.Frame, track uint64, from, to time.Duration) []media.Frame {
	after := false
	var left []media.Frame
	for _, f := range frames {
		if f.Track == track && f.Time >= from && f.Time < to {
			continue
		}
		if f.Track == track && f.Time >= to && !after {
			after, f.Key = true, true
		}
		left = append(left, f)
	}
	return left
}

// Every contradiction, and what is none.
func TestCheck(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	both := []media.Track{alice, bob}
	hole := func(track uint64, from, to time.Duration, reason string) media.Event {
		return media.Event{Time: from, Type: media.EventHole, Track: track, From: from, To: to, Reason: reason}
	}
	event := func(typ media.EventType, track uint64, at time.Duration) media.Event {
		return media.Event{Time: at, Type: typ, Track: track}
	}
	// of cuts frames with events into segments.
	of := func(frames []media.Frame, events ...media.Event) *memLedger {
		return &memLedger{memSource: cut(t, both, frames, events...)}
	}
	all := syntheticFrames()
	change := func(f func(l *memLedger)) *memLedger {
		l := of(all)
		f(l)
		return l
	}
	header := func(number int, f func(*matroska.Header)) *memLedger {
		return change(func(l *memLedger) {
			h := matroska.Header{Recording: testID, Segment: number, Epoch: 1, Start: testStart, Tracks: both}
			f(&h)
			l.segments[number] = withHeader(t, h)
		})
	}
	index := func(f func(x *media.Index)) *memLedger {
		return change(func(l *memLedger) {
			x := indexOf(t, l.memSource)
			f(&x)
			l.indexes = map[int][]byte{0: writeIndex(t, x)}
		})
	}
	deltaAfter := without(all, bob.UID, 3*s, 4*s)
	for i, f := range deltaAfter {
		if f.Track == bob.UID && f.Time == 4*s {
			deltaAfter[i].Key = false
		}
	}
	late := slices.Clone(all)
	late = append(late, media.Frame{Track: bob.UID, Time: 11850*ms - reorderWindow, Data: []byte("late")})

	for name, tt := range map[string]struct {
		l     *memLedger
		want  []string // kinds
		quiet time.Duration
		left  int // LeftOut
	}{
		"whole":          {l: of(all)},
		"whole, indexed": {l: index(func(*media.Index) {})},

		"other recording": {l: header(1, func(h *matroska.Header) { h.Recording = "ZZZ" }), want: []string{"tags"}, quiet: 0},
		"other number":    {l: change(func(l *memLedger) { l.segments[1] = l.segments[2] }), want: []string{"tags"}},
		"other epoch":     {l: change(func(l *memLedger) { l.epochs = map[int]int{2: 2} }), want: []string{"tags"}},
		"other start":     {l: header(2, func(h *matroska.Header) { h.Start = h.Start.Add(1) }), want: []string{"tags"}},
		"other codec": {l: header(2, func(h *matroska.Header) {
			odd := bob
			odd.UID = alice.UID
			h.Tracks = []media.Track{odd}
		}), want: []string{"track"}},
		"other participant": {l: header(2, func(h *matroska.Header) {
			odd := alice
			odd.Participant = "mallory"
			h.Tracks = []media.Track{odd}
		}), want: []string{"track"}},
		"no Matroska": {l: change(func(l *memLedger) { l.segments[1] = []byte("age-encryption.org/v1\n") }), want: []string{"malformed"}},
		"cut":         {l: change(func(l *memLedger) { l.segments[2] = l.segments[2][:len(l.segments[2])-1] }), want: []string{"malformed"}},
		"torn": {l: change(func(l *memLedger) {
			l.segments[2], l.torn = l.segments[2][:len(l.segments[2])-1], map[int]bool{2: true}
		})},
		"torn early":   {l: change(func(l *memLedger) { l.segments[2], l.torn = l.segments[2][:50], map[int]bool{2: true} })},
		"torn, broken": {l: change(func(l *memLedger) { l.segments[2], l.torn = []byte("nonsense"), map[int]bool{2: true} }), want: []string{"malformed"}},
		"far behind":   {l: &memLedger{memSource: &memSource{segments: map[int][]byte{0: segment(t, 0, both, late)}}}, want: []string{"order"}},
		"left out":     {l: change(func(l *memLedger) { delete(l.segments, 1) }), left: 1},

		"hole":                               {l: of(without(all, bob.UID, 3*s, 4*s), hole(bob.UID, 2900*ms, 4*s, media.HoleLoss))},
		"hole in pieces":                     {l: of(without(all, bob.UID, 3*s, 6*s), hole(bob.UID, 2900*ms, 4500*ms, media.HoleAuth), hole(bob.UID, 4500*ms, 6*s, media.HoleAuth))},
		"hole, declared in the next segment": {l: of(without(all, alice.UID, 3*s, 4*s), media.Event{Time: 7 * s, Type: media.EventHole, Track: alice.UID, From: 3 * s, To: 4 * s, Reason: media.HoleLoss})},
		"hole that is none":                  {l: of(all, hole(alice.UID, 3*s, 3100*ms, media.HoleLoss)), want: slices.Repeat([]string{"hole"}, 4)},
		"hole that is none, told late": {l: of(all, media.Event{Time: 11 * s, Type: media.EventHole, Track: alice.UID, From: 3 * s, To: 3050 * ms, Reason: media.HoleNoKey}),
			want: slices.Repeat([]string{"hole"}, 2)},
		"hole of another track":              {l: of(all, hole(77, 3*s, 4*s, media.HoleLoss)), want: []string{"hole"}},
		"hole of a track that was announced": {l: of(all, event(media.EventTrack, 77, s), hole(77, 3*s, 4*s, media.HoleCodec))},
		"hole of no track":                   {l: of(all, hole(0, 3*s, 3*s, "subscription"))},
		"hole backward":                      {l: of(all, hole(alice.UID, 3*s, 2*s, media.HoleLoss)), want: []string{"hole"}},
		"no key frame after":                 {l: of(deltaAfter, hole(bob.UID, 2900*ms, 4*s, media.HoleLoss)), want: []string{"key-frame"}},
		"hole that is none, at the start":    {l: of(all, event(media.EventTrack, alice.UID, 0), hole(alice.UID, 0, 40*ms, media.HoleLoss)), want: []string{"hole"}},
		// The recorder's clock says when it was away.
		"reconnect, loosely":    {l: of(all, hole(alice.UID, 3*s, 4500*ms, media.HoleReconnect))},
		"reconnect, not at all": {l: of(all, hole(alice.UID, 3*s, 6*s, media.HoleReconnect)), want: slices.Repeat([]string{"hole"}, 49)},
		"published again":       {l: of(all, event(media.EventTrackEnd, alice.UID, 5900*ms), event(media.EventTrack, alice.UID, 5950*ms), hole(alice.UID, 6*s, 6100*ms, media.HoleLoss))},

		"quiet":            {l: of(without(all, alice.UID, 3*s, 5*s)), quiet: 2 * s},
		"quiet, not long":  {l: of(without(all, alice.UID, 3*s, 3900*ms))},
		"quiet, picture":   {l: of(without(all, bob.UID, 3*s, 5*s))},
		"quiet, in part":   {l: of(without(all, alice.UID, 3*s, 7*s), hole(alice.UID, 3*s, 5*s, media.HoleLoss), hole(alice.UID, 4*s, 5*s, media.HoleAuth)), quiet: 2 * s},
		"muted":            {l: of(without(all, alice.UID, 3*s, 5*s), event(media.EventMute, alice.UID, 3*s), event(media.EventUnmute, alice.UID, 5*s))},
		"muted, seen late": {l: of(without(all, alice.UID, 3*s, 5*s), event(media.EventMute, alice.UID, 3100*ms), event(media.EventUnmute, alice.UID, 9*s))},
		"unpublished":      {l: of(without(all, alice.UID, 3*s, 5*s), event(media.EventTrackEnd, alice.UID, 3*s), event(media.EventTrack, alice.UID, 5*s))},

		"index of another recording":   {l: index(func(x *media.Index) { x.Recording = "ZZZ" }), want: []string{"index"}},
		"index of another start":       {l: index(func(x *media.Index) { x.Start = x.Start.Add(s) }), want: []string{"index"}},
		"index of another epoch":       {l: index(func(x *media.Index) { x.Segments[1].Epoch = 2 }), want: []string{"index"}},
		"index of another size":        {l: index(func(x *media.Index) { x.Segments[1].Size++ }), want: []string{"index"}},
		"index of another time":        {l: index(func(x *media.Index) { x.Segments[1].Start += 5 * ms }), want: []string{"index"}},
		"index of another length":      {l: index(func(x *media.Index) { x.Segments[1].Duration -= 5 * ms }), want: []string{"index"}},
		"index without a track":        {l: index(func(x *media.Index) { x.Segments[1].Tracks = x.Segments[1].Tracks[:1] }), want: []string{"index"}},
		"index with another track":     {l: index(func(x *media.Index) { x.Segments[1].Tracks[0].UID = 99 }), want: []string{"index"}},
		"index without a key frame":    {l: index(func(x *media.Index) { k := &x.Segments[1].Tracks[1].Keys; *k = (*k)[1:] }), want: []string{"index"}},
		"index with another segment":   {l: index(func(x *media.Index) { x.Segments[2].Number = 9 }), want: []string{"index"}},
		"index with a hole of its own": {l: index(func(x *media.Index) { x.Events = append(x.Events, hole(alice.UID, s, 2*s, media.HoleLoss)) }), want: []string{"index"}},
		"index that is none":           {l: change(func(l *memLedger) { l.indexes = map[int][]byte{0: []byte("{}")} }), want: []string{"malformed"}},
		"index without a declared hole": {l: func() *memLedger {
			l := of(without(all, bob.UID, 3*s, 4*s), hole(bob.UID, 2900*ms, 4*s, media.HoleLoss))
			x := indexOf(t, l.memSource)
			x.Events = nil
			l.indexes = map[int][]byte{0: writeIndex(t, x)}
			return l
		}(), want: []string{"index"}},
	} {
		t.Run(name, func(t *testing.T) {
			var kinds []string
			r, err := Check(t.Context(), tt.l, Options{Recording: testID}, func(c Contradiction) {
				kinds = append(kinds, c.Kind)
				if c.Text == "" {
					t.Errorf("no text: %+v", c)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(kinds, tt.want) || r.Contradictions != len(kinds) {
				t.Errorf("contradictions %q (%d), want %q", kinds, r.Contradictions, tt.want)
			}
			if r.QuietTime != tt.quiet || r.Quiet > 0 != (tt.quiet > 0) {
				t.Errorf("quiet for %v, want %v", r.QuietTime, tt.quiet)
			}
			if r.Segments != len(tt.l.segments) || r.Indexes != len(tt.l.indexes) || r.LeftOut != tt.left || len(r.Unread)+len(r.UnreadIndexes) > 0 {
				t.Errorf("report %+v", r)
			}
			if len(tt.want) == 0 {
				// What Check says is what Open says.
				s := open(t, tt.l)
				if r.Duration != s.Duration() || !reflect.DeepEqual(r.Holes, s.Holes()) || r.Incomplete != wideHole(s.Holes()) || r.Frames != len(frames(t, s)) {
					t.Errorf("report %+v, duration %v, holes %+v", r, s.Duration(), s.Holes())
				}
			}
		})
	}
}

// What cannot be read is reported as such, and what follows it is not held
// against what came before.
func TestCheckUnread(t *testing.T) {
	src := synthetic(t)
	src.errs = map[int]error{1: errKey}
	l := &memLedger{memSource: src, indexes: map[int][]byte{3: nil}}
	r, err := Check(t.Context(), l, Options{Recording: testID}, func(c Contradiction) { t.Error(c) })
	if err != nil || r.Segments != 2 || len(r.Unread) != 1 || !errors.Is(&r.Unread[0], errKey) || r.Unread[0].Number != 1 ||
		len(r.UnreadIndexes) != 1 || !errors.Is(r.UnreadIndexes[0], errKey) || r.Quiet != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	// The hole of a track that may have been announced there is none of ours.
	src = cut(t, []media.Track{alice, bob}, syntheticFrames(), media.Event{Time: 11 * time.Second, Type: media.EventHole, Track: 77, From: 9e9, To: 11e9, Reason: media.HoleCodec})
	src.errs = map[int]error{1: errKey}
	if r, err := Check(t.Context(), &memLedger{memSource: src}, Options{}, nil); err != nil || r.Contradictions != 0 || !r.Incomplete {
		t.Errorf("%+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	src.reads = func(int) { cancel() }
	if _, err := Check(ctx, l, Options{}, nil); err != nil {
		t.Errorf("not cancelled yet: %v", err)
	}
	if _, err := Check(ctx, &memLedger{memSource: src}, Options{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// More holes than any recorder declares cost neither time nor memory.
func TestCheckManyHoles(t *testing.T) {
	var events []media.Event
	for i := range 3 * maxSpans {
		events = append(events, media.Event{Time: time.Second, Type: media.EventHole, Track: 77, From: time.Second, To: time.Second, Reason: fmt.Sprint(i)})
	}
	c := &checker{tracks: map[uint64]*trackCheck{77: {}}}
	for _, e := range events {
		c.event(e, &segmentFacts{})
	}
	if n := len(c.tracks[77].holes); n > maxSpans || n < maxSpans/2 {
		t.Errorf("%d holes are kept", n)
	}
}

// TestCheckReordered: pictures of a track in the order of decoding may go back as far as
// they like within a segment, as those of a screen that seldom changes do, and not behind it.
func TestCheckReordered(t *testing.T) {
	const s = time.Second
	still := media.Track{UID: 7, Participant: "carol", Source: media.Screen, Codec: media.VP8, Width: 160, Height: 120, Reordered: true}
	frame := func(at time.Duration) media.Frame {
		return media.Frame{Track: still.UID, Time: at, Key: true, Data: []byte("picture")}
	}
	src := func(parts ...[]media.Frame) *memLedger {
		m := &memSource{segments: make(map[int][]byte)}
		for n, p := range parts {
			m.segments[n] = segment(t, n, []media.Track{still}, p)
		}
		return &memLedger{memSource: m}
	}
	first := []media.Frame{frame(0), frame(60 * s), frame(20 * s), frame(40 * s)}
	for name, tt := range map[string]struct {
		l    *memLedger
		want []string
	}{
		"within a segment": {src(first, []media.Frame{frame(70 * s), frame(100 * s), frame(80 * s)}), nil},
		"behind it":        {src(first, []media.Frame{frame(50 * s)}), []string{"order"}},
	} {
		var kinds []string
		_, err := Check(t.Context(), tt.l, Options{Recording: testID}, func(c Contradiction) { kinds = append(kinds, c.Kind) })
		if err != nil || !slices.Equal(kinds, tt.want) {
			t.Errorf("%s: %q, %v, want %q", name, kinds, err, tt.want)
		}
	}
}
