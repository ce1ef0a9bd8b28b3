package playback

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/testdata/sample"
)

// indexed gives src indexes of so many segments each, as a recorder writes them.
func indexed(t testing.TB, src *memSource, each int) *memLedger {
	t.Helper()
	all := indexOf(t, src)
	l := &memLedger{memSource: src, indexes: make(map[int][]byte)}
	var tracks []media.Track
	for i, part := range slices.Collect(slices.Chunk(all.Segments, each)) {
		some := &memSource{segments: make(map[int][]byte)}
		for _, s := range part {
			some.segments[s.Number] = src.segments[s.Number]
		}
		x := indexOf(t, some)
		for _, n := range some.Segments() {
			for _, track := range headerOf(t, some.segments[n]).Tracks {
				if !slices.ContainsFunc(tracks, func(t media.Track) bool { return t.UID == track.UID }) {
					tracks, x.Tracks = append(tracks, track), append(x.Tracks, track)
				}
			}
		}
		l.indexes[i] = writeIndex(t, x)
	}
	return l
}

func headerOf(t testing.TB, segment []byte) matroska.Header {
	t.Helper()
	r, err := matroska.NewReader(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	return r.Header()
}

// A readLog counts what is read of a source.
type readLog struct {
	sync.Mutex
	segments map[int]int
}

func (r *readLog) of(src *memSource) *readLog {
	r.segments = make(map[int]int)
	src.reads = func(n int) {
		r.Lock()
		defer r.Unlock()
		r.segments[n]++
	}
	return r
}

func (r *readLog) numbers() []int { return slices.Sorted(maps.Keys(r.segments)) }

// longMeeting is a minute of sound and picture in segments of 5 s, with a
// timeline.
func longMeeting(t testing.TB) *memSource {
	var frames []media.Frame
	for at := time.Duration(0); at < time.Minute; at += 20 * time.Millisecond {
		frames = append(frames, media.Frame{Track: alice.UID, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xfc, 0xff, 0xfe}})
		if at%(100*time.Millisecond) == 0 && at >= 10*time.Second {
			frames = append(frames, media.Frame{Track: bob.UID, Time: at, Key: at%(4*time.Second) == 0 || at == 10*time.Second, Data: fmt.Append(nil, at)})
		}
	}
	return cut(t, []media.Track{alice, bob}, frames,
		media.Event{Type: media.EventStart, Text: "room"},
		media.Event{Time: time.Second, Type: media.EventJoin, Participant: "alice", Name: "Alice"},
		media.Event{Time: 12 * time.Second, Type: media.EventHole, Track: bob.UID, From: 11 * time.Second, To: 12 * time.Second, Reason: media.HoleLoss},
		media.Event{Time: 16 * time.Second, Type: media.EventChat, Participant: "alice", Text: "hello"},
		media.Event{Time: 27 * time.Second, Type: media.EventSpeaking, Participant: "alice", From: 25 * time.Second, To: 27 * time.Second},
		media.Event{Time: 42 * time.Second, Type: media.EventJoin, Participant: "carol"},
		media.Event{Time: 59 * time.Second, Type: media.EventStop})
}

// same demands that two sessions tell the same, to the millisecond of an index.
func same(t *testing.T, got, want *Session) {
	t.Helper()
	if g, w := got.Tracks(), want.Tracks(); !slices.Equal(g, w) {
		t.Errorf("tracks %+v, want %+v", g, w)
	}
	if g, w := got.Events(), want.Events(); !slices.Equal(g, w) {
		t.Errorf("events %+v, want %+v", g, w)
	}
	if g, w := got.Holes(), want.Holes(); !slices.Equal(g, w) {
		t.Errorf("holes %+v, want %+v", g, w)
	}
	if !got.Start().Equal(want.Start()) || (got.Duration()-want.Duration()).Abs() > roundedTo {
		t.Errorf("start %v, duration %v, want %v, %v", got.Start(), got.Duration(), want.Start(), want.Duration())
	}
	g, w := got.Segments(), want.Segments()
	if len(g) != len(w) {
		t.Fatalf("%d segments, want %d", len(g), len(w))
	}
	for i := range g {
		for _, segments := range [][]Segment{g, w} {
			segments[i].Tracks = slices.Clone(segments[i].Tracks)
			for j := range segments[i].Tracks {
				segments[i].Tracks[j].Begin = 0 // a segment by itself does not tell
			}
		}
		if g[i].Number != w[i].Number || g[i].State != w[i].State || (g[i].From-w[i].From).Abs() > roundedTo ||
			(g[i].To-w[i].To).Abs() > roundedTo || !reflect.DeepEqual(g[i].Tracks, w[i].Tracks) {
			t.Errorf("segment %+v, want %+v", g[i], w[i])
		}
	}
}

// TestOpenByIndex: what indexes tell is what the segments tell, and only those
// that no readable index tells of are read.
func TestOpenByIndex(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*memLedger)
		read   []int
	}{
		"all":          {func(*memLedger) {}, nil},
		"a live end":   {func(l *memLedger) { delete(l.indexes, 3) }, []int{9, 10, 11}},
		"locked index": {func(l *memLedger) { l.indexes[1] = nil }, []int{3, 4, 5}},
		"no index":     {func(l *memLedger) { l.indexes[2] = []byte("{}") }, []int{6, 7, 8}},
		"one twice":    {func(l *memLedger) { l.indexes[4] = l.indexes[1] }, nil},
		"one of all":   {func(l *memLedger) { l.indexes[4] = indexed(t, l.memSource, 12).indexes[0] }, nil},
		"one overlaps": {func(l *memLedger) {
			l.indexes[0], l.indexes[4] = nil, indexed(t, l.memSource, 12).indexes[0]
		}, nil},
		"another start": {func(l *memLedger) {
			x := indexOf(t, &memSource{segments: map[int][]byte{6: l.segments[6]}})
			x.Start = x.Start.Add(time.Hour)
			l.indexes[2] = writeIndex(t, x)
		}, []int{6, 7, 8}},
		"no indexes": {func(l *memLedger) { l.indexes = nil }, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
	} {
		t.Run(name, func(t *testing.T) {
			l := indexed(t, longMeeting(t), 3)
			want := open(t, l.memSource)
			tt.change(l)
			var log readLog
			log.of(l.memSource)
			s := open(t, l)
			if got := log.numbers(); !slices.Equal(got, tt.read) {
				t.Errorf("segments %v are read, want %v", got, tt.read)
			}
			same(t, s, want)
			if m := s.Missing(); len(m) > 0 {
				t.Errorf("missing %v", m)
			}
			log.of(l.memSource)
			if got := frames(t, s); !reflect.DeepEqual(got, frames(t, want)) {
				t.Errorf("%d frames differ", len(got))
			}
			// Both read each once.
			for n, times := range log.segments {
				if times != 2 {
					t.Errorf("segment %d is read %d times", n, times-1)
				}
			}
			same(t, s, want)
		})
	}
}

// TestIndexLies: whatever an index says, the segments have the last word.
func TestIndexLies(t *testing.T) {
	t.Parallel()
	carol := bob
	carol.UID, carol.Participant = 77, "carol"
	lies := map[string]func(*media.Index){
		"recording":     func(x *media.Index) { x.Recording = "OTHER" },
		"start":         func(x *media.Index) { x.Start = x.Start.Add(time.Hour) },
		"late segment":  func(x *media.Index) { x.Segments[1].Start = maxTime + time.Hour },
		"long segment":  func(x *media.Index) { x.Segments[1].Duration = maxTime },
		"late event":    func(x *media.Index) { x.Events[1].Time = maxTime + time.Hour },
		"times":         func(x *media.Index) { x.Segments[1].Start, x.Segments[2].Duration = 50*time.Hour, 20*time.Hour },
		"number":        func(x *media.Index) { x.Segments[2].Number = 700 },
		"another track": func(x *media.Index) { x.Segments[2].Tracks = []media.IndexTrack{{UID: 5}} },
		"no tracks": func(x *media.Index) {
			x.Tracks = nil
			for i := range x.Segments {
				x.Segments[i].Tracks = nil
			}
		},
		"codec": func(x *media.Index) {
			x.Tracks[0].Codec, x.Tracks[1].Codec = x.Tracks[1].Codec, x.Tracks[0].Codec
		},
		"strange codec": func(x *media.Index) { x.Tracks[0].Codec = "theora" },
		"names":         func(x *media.Index) { x.Tracks[0].Participant, x.Tracks[0].Source = "mallory", "hat" },
		"key frames": func(x *media.Index) {
			for i := range x.Segments {
				for j := range x.Segments[i].Tracks {
					x.Segments[i].Tracks[j].Keys = []time.Duration{0, 1e9, 5e18}
				}
			}
		},
		"many tracks": func(x *media.Index) {
			for i := range maxTracks - 2 {
				carol.UID = uint64(i + 1e6)
				x.Tracks = append(x.Tracks, carol)
			}
		},
		"too many tracks": func(x *media.Index) {
			for i := range maxTracks {
				carol.UID = uint64(i + 1e6)
				x.Tracks = append(x.Tracks, carol)
			}
		},
	}
	names := slices.Sorted(maps.Keys(lies))
	for i := range sample.Cases(t, len(names), 6) {
		name, lie := names[i], lies[names[i]]
		t.Run(name, func(t *testing.T) {
			src := longMeeting(t)
			want := open(t, src)
			x := indexOf(t, src)
			x.Tracks = []media.Track{alice, bob}
			lie(&x)
			s := open(t, &memLedger{memSource: src, indexes: map[int][]byte{0: writeIndex(t, x)}})
			if got := frames(t, s); !reflect.DeepEqual(got, frames(t, want)) {
				t.Errorf("%d frames differ", len(got))
			}
			if m := s.Missing(); len(m) > 0 {
				t.Errorf("missing %v", m)
			}
			got := s.Tracks()
			if name == "many tracks" {
				got = got[:2]
			}
			if name == "strange codec" {
				slices.Reverse(got) // the other one is known first
			}
			if !slices.Equal(got, want.Tracks()) || !s.Start().Equal(want.Start()) {
				t.Errorf("tracks %+v, start %v", got, s.Start())
			}
			if !reflect.DeepEqual(s.Segments(), want.Segments()) || s.Duration() != want.Duration() {
				t.Errorf("duration %v, segments %+v", s.Duration(), s.Segments())
			}
			r, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{})
			if err != nil || r.Incomplete != wideHole(s.Holes()) {
				t.Errorf("export %+v, %v", r, err)
			}
		})
	}
}

// FuzzIndex: no index makes Open fail, or a frame go missing.
func FuzzIndex(f *testing.F) {
	src := longMeeting(f)
	x := indexOf(f, src)
	x.Tracks = []media.Track{alice, bob}
	f.Add(writeIndex(f, x))
	want := frames(f, open(f, src))
	f.Fuzz(func(t *testing.T, index []byte) {
		s, err := Open(t.Context(), &memLedger{memSource: src, indexes: map[int][]byte{0: index}}, Options{Recording: testID})
		if err != nil {
			t.Fatal(err)
		}
		for _, seg := range s.Segments() {
			if seg.From < 0 || seg.To < seg.From || seg.To > maxTime {
				t.Errorf("segment %+v", seg)
			}
		}
		between := 0
		for f, err := range s.FramesBetween(t.Context(), 30*time.Second, 40*time.Second) {
			if err != nil || f.Time >= 40*time.Second {
				t.Fatal(f.Time, err)
			}
			between++
		}
		if got := frames(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("%d frames differ from %d", len(got), len(want))
		}
		if m := s.Missing(); len(m) > 0 || s.Duration() < time.Minute {
			t.Errorf("missing %v, duration %v", m, s.Duration())
		}
		if err := s.Complete(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestStates: segments that cannot be had are there, with why and about when.
func TestStates(t *testing.T) {
	const s = time.Second
	locked := fmt.Errorf("epoch 2: %w", ErrLocked)
	broken := fmt.Errorf("hash: %w", ErrDamaged)
	network := errors.New("no route to host")
	type want struct {
		number   int
		state    State
		err      error
		from, to time.Duration
	}
	for name, tt := range map[string]struct {
		each   int // segments of an index; 0 for none
		change func(*memLedger)
		want   []want
	}{
		"locked in a row": {0, func(l *memLedger) { l.errs = map[int]error{3: locked, 4: locked, 5: broken} },
			[]want{{3, Locked, ErrLocked, 15 * s, 20 * s}, {4, Locked, ErrLocked, 20 * s, 25 * s}, {5, Failed, ErrDamaged, 25 * s, 30 * s}}},
		"at the beginning": {0, func(l *memLedger) { l.errs = map[int]error{0: locked, 1: locked} },
			[]want{{0, Locked, ErrLocked, 0, 5 * s}, {1, Locked, ErrLocked, 5 * s, 10 * s}}},
		"at the end": {0, func(l *memLedger) { l.errs = map[int]error{10: locked, 11: locked} },
			[]want{{10, Locked, ErrLocked, 50 * s, 55 * s}, {11, Locked, ErrLocked, 55 * s, 60 * s}}},
		"of a locked index": {3, func(l *memLedger) { l.indexes[1] = nil; l.errs = map[int]error{3: locked, 4: locked, 5: locked} },
			[]want{{3, Locked, ErrLocked, 15 * s, 20 * s}, {4, Locked, ErrLocked, 20 * s, 25 * s}, {5, Locked, ErrLocked, 25 * s, 30 * s}}},
		"left out": {0, func(l *memLedger) { delete(l.segments, 4); delete(l.segments, 5); l.errs = map[int]error{6: locked} },
			[]want{{4, Unlisted, ErrNotListed, 20 * s, 30 * s}, {6, Locked, ErrLocked, 30 * s, 35 * s}}},
		"not now":              {0, func(l *memLedger) { l.errs = map[int]error{2: network} }, []want{{2, Readable, network, 10 * s, 15 * s}}},
		"damaged, as Matroska": {0, func(l *memLedger) { l.segments[2] = []byte("x") }, []want{{2, Failed, ErrDamaged, 10 * s, 15 * s}}},
		"foreign":              {0, func(l *memLedger) { l.segments[2] = l.segments[3] }, []want{{2, Failed, ErrForeign, 10 * s, 15 * s}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &memLedger{memSource: longMeeting(t)}
			if tt.each > 0 {
				l = indexed(t, l.memSource, tt.each)
			}
			tt.change(l)
			session := open(t, l)
			var got []want
			for _, seg := range session.Segments() {
				if seg.State != Readable || seg.Err != nil {
					got = append(got, want{seg.Number, seg.State, seg.Err, seg.From, seg.To})
				}
			}
			if len(got) != len(tt.want) || len(session.Missing()) != len(tt.want) {
				t.Fatalf("states %+v, missing %v", got, session.Missing())
			}
			for i, w := range tt.want {
				g := got[i]
				if g.number != w.number || g.state != w.state || !errors.Is(g.err, w.err) ||
					(g.from-w.from).Abs() > 100*time.Millisecond || (g.to-w.to).Abs() > 100*time.Millisecond {
					t.Errorf("got %+v, want %+v", g, w)
				}
				if m := session.Missing()[i]; m.Number != w.number || !errors.Is(&m, w.err) {
					t.Errorf("missing %+v", m)
				}
				if w.state == Failed != errors.Is(g.err, ErrDamaged) {
					t.Errorf("%v: ErrDamaged is %v", g.state, errors.Is(g.err, ErrDamaged))
				}
			}
		})
	}
}

// TestFoundLater: an index tells of a segment that turns out to be damaged, or to
// be of other readers; the rest plays, and it shows from then on.
func TestFoundLater(t *testing.T) {
	l := indexed(t, longMeeting(t), 12)
	s := open(t, l)
	l.errs = map[int]error{3: fmt.Errorf("hash: %w", ErrDamaged), 5: errors.New("no route to host"), 7: ErrLocked}
	var lost []int
	for _, err := range s.Frames(t.Context()) {
		if e := (*SegmentError)(nil); errors.As(err, &e) {
			if lost = append(lost, e.Number); e.From.Round(time.Second) != time.Duration(e.Number)*5*time.Second {
				t.Errorf("%+v", e)
			}
		}
	}
	if !slices.Equal(lost, []int{3, 5, 7}) {
		t.Errorf("lost %v", lost)
	}
	var states []State
	for _, seg := range s.Segments() {
		states = append(states, seg.State)
	}
	if states[3] != Failed || states[5] != Readable || states[7] != Locked || len(s.Missing()) != 2 || s.Duration() != time.Minute {
		t.Errorf("states %v, missing %v", states, s.Missing())
	}
	var e *SegmentError
	if _, err := s.ReadSegment(t.Context(), 3); !errors.Is(err, ErrDamaged) || !errors.As(err, &e) || e.Number != 3 {
		t.Errorf("reading: %v", err)
	}
	// The store was repaired.
	events := s.Events()
	l.errs = nil
	if m, err := s.ReadSegment(t.Context(), 3); err != nil || len(m.Frames) == 0 || len(s.Missing()) != 1 {
		t.Errorf("reading again: %v, missing %v", err, s.Missing())
	}
	if !slices.Equal(events, s.Events()) {
		t.Errorf("events %+v", s.Events())
	}
}

// TestTooMuch: what would fill the memory is refused.
func TestTooMuch(t *testing.T) {
	full := &Session{tracks: make([]trackState, maxTracks-1)}
	for n, want := range []bool{true, true, false} {
		if got := full.believable(&media.Index{Tracks: make([]media.Track, n)}); got != want {
			t.Errorf("%d tracks more: %v", n, got)
		}
	}
	src := longMeeting(t)
	for name, source := range map[string]Source{"index": indexed(t, src, 12), "segments": src} {
		for _, weight := range []int64{0, maxBytesKnown} {
			s := &Session{src: source, byUID: make(map[uint64]int), indexes: make(map[int]bool), bytesKnown: weight}
			if err := s.list(source.Segments(), nil); err != nil {
				t.Fatal(err)
			}
			if err := s.learn(t.Context()); errors.Is(err, errWeight) != (weight > 0) {
				t.Errorf("%s: %v", name, err)
			}
			if took := s.bytesKnown - weight; weight == 0 && took < 5*eventBytes+22*trackBytes {
				t.Errorf("%s: weight %d", name, took)
			}
		}
	}
}

// TestBrief: a list of recordings costs the indexes and a segment or two, and
// what was left out is there when it is wanted.
func TestBrief(t *testing.T) {
	for name, tt := range map[string]struct {
		indexes []int
		read    []int
	}{
		"all indexed": {[]int{0, 1, 2, 3}, nil},
		"a live end":  {[]int{0, 1}, []int{11}},
		"no indexes":  {nil, []int{0, 11}},
	} {
		t.Run(name, func(t *testing.T) {
			l := indexed(t, longMeeting(t), 3)
			maps.DeleteFunc(l.indexes, func(n int, _ []byte) bool { return !slices.Contains(tt.indexes, n) })
			want := open(t, l.memSource)
			var log readLog
			log.of(l.memSource)
			s, err := Open(t.Context(), l, Options{Recording: testID, Brief: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := log.numbers(); !slices.Equal(got, tt.read) {
				t.Errorf("segments %v are read, want %v", got, tt.read)
			}
			if !s.Start().Equal(want.Start()) || s.Duration().Round(time.Second) != time.Minute || len(s.Missing()) != 0 || s.Events()[0].Text != "room" {
				t.Errorf("start %v, duration %v, missing %v, events %+v", s.Start(), s.Duration(), s.Missing(), s.Events())
			}
			for i, seg := range s.Segments() {
				if at := time.Duration(i) * 5 * time.Second; seg.State != Readable || (seg.From-at).Abs() > 100*time.Millisecond {
					t.Errorf("%+v", seg)
				}
			}
			whole, err := s.Follow(t.Context(), l)
			if err != nil {
				t.Fatal(err)
			}
			same(t, whole, want)
			if got := frames(t, s); !reflect.DeepEqual(got, frames(t, want)) {
				t.Errorf("%d frames differ", len(got))
			}
			same(t, s, want)
		})
	}
}
