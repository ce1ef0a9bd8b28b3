package recorder_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A recorded is a recording that is over, as its readers find it. Its methods say what
// a test wants of it.
type recorded struct {
	*sink
	t      *testing.T
	report recorder.Report

	parsed bool
	frames []media.Frame
	events []media.Event
	tracks map[uint64]media.Track
}

// recorded returns what a sink got, of a recording that is over.
func (s *sink) recorded(t *testing.T) *recorded { return &recorded{sink: s, t: t} }

// near is by how much a time may be off what is wanted of it.
const near = 50 * time.Millisecond

func (o *recorded) parse() {
	o.t.Helper()
	if !o.parsed {
		o.frames, o.events, o.tracks = o.read(o.t)
		o.parsed = true
	}
}

// track returns the one track of a participant's medium.
func (o *recorded) track(participant string, source media.Source) *recordedTrack {
	o.t.Helper()
	o.parse()
	var found []media.Track
	for _, tr := range o.tracks {
		if tr.Participant == participant && tr.Source == source {
			found = append(found, tr)
		}
	}
	if len(found) != 1 {
		o.t.Fatalf("%d tracks are %s's %s, want one that goes on: %v", len(found), participant, source, o.tracks)
	}
	tr := &recordedTrack{Track: found[0], t: o.t, off: near}
	for _, f := range o.frames {
		if f.Track == tr.UID {
			tr.frames = append(tr.frames, f)
		}
	}
	for _, e := range find(o.events, media.EventHole) {
		if e.Track != tr.UID {
			continue
		}
		// A long hole is declared piece by piece.
		if n := len(tr.holes); n > 0 && tr.holes[n-1].to == e.From && tr.holes[n-1].reason == e.Reason {
			tr.holes[n-1].to = e.To
		} else {
			tr.holes = append(tr.holes, hole{e.From, e.To, e.Reason})
		}
	}
	return tr
}

// wantTracks wants so many tracks, in the segments and in the report.
func (o *recorded) wantTracks(n int) {
	o.t.Helper()
	o.parse()
	if len(o.tracks) != n || o.report.Tracks != n {
		o.t.Errorf("%d tracks, %d in the report, want %d: %v", len(o.tracks), o.report.Tracks, n, o.tracks)
	}
}

// find returns the events of a type.
func (o *recorded) find(typ media.EventType) []media.Event {
	o.t.Helper()
	o.parse()
	return find(o.events, typ)
}

// want wants n events of a type, and returns them; what is missing is zero.
func (o *recorded) want(typ media.EventType, n int) []media.Event {
	o.t.Helper()
	all := o.find(typ)
	if len(all) != n {
		o.t.Errorf("%d events of type %s, want %d: %+v", len(all), typ, n, all)
	}
	return slices.Grow(all, n)[:max(n, len(all))]
}

// wantNoHoles wants no hole in any track, or outside of them.
func (o *recorded) wantNoHoles() {
	o.t.Helper()
	o.want(media.EventHole, 0)
	o.wantIncomplete(false)
}

// wantIncomplete wants the report to say that something is missing, or that nothing is.
func (o *recorded) wantIncomplete(incomplete bool) {
	o.t.Helper()
	if o.report.Incomplete != incomplete {
		o.t.Errorf("incomplete: %t, want %t; holes %v", o.report.Incomplete, incomplete, o.report.Holes)
	}
}

// A recordedTrack is a track, with its frames and its holes.
type recordedTrack struct {
	media.Track
	t      *testing.T
	frames []media.Frame
	holes  []hole        // those that touch, and have one reason, are one
	off    time.Duration // by how much a hole may be off what is wanted
}

type hole struct {
	from, to time.Duration
	reason   string
}

func (h hole) String() string { return fmt.Sprintf("%v to %v: %s", h.from, h.to, h.reason) }

// wantFrames wants so many frames.
func (tr *recordedTrack) wantFrames(n int) *recordedTrack {
	tr.t.Helper()
	if len(tr.frames) != n {
		tr.t.Errorf("%s has %d frames, want %d", tr.Label(), len(tr.frames), n)
	}
	return tr
}

// wantOrder wants each frame later than the one before.
func (tr *recordedTrack) wantOrder() *recordedTrack {
	tr.t.Helper()
	for n := 1; n < len(tr.frames); n++ {
		if at, before := tr.frames[n].Time, tr.frames[n-1].Time; at <= before {
			tr.t.Errorf("%s: a frame at %v after one at %v", tr.Label(), at, before)
		}
	}
	return tr
}

// first is the time of the first frame, last that of the last.
func (tr *recordedTrack) first() time.Duration {
	tr.t.Helper()
	if len(tr.frames) == 0 {
		tr.t.Fatalf("%s has no frames", tr.Label())
	}
	return tr.frames[0].Time
}

func (tr *recordedTrack) last() time.Duration {
	tr.t.Helper()
	if len(tr.frames) == 0 {
		tr.t.Fatalf("%s has no frames", tr.Label())
	}
	return tr.frames[len(tr.frames)-1].Time
}

// wantFrame wants what a frame carries, whether it is a key frame, and when it is: not
// before at, and not a millisecond after it.
func (tr *recordedTrack) wantFrame(n int, data []byte, key bool, at time.Duration) {
	tr.t.Helper()
	if n >= len(tr.frames) {
		return // wantFrames says so
	}
	f := tr.frames[n]
	if !bytes.Equal(f.Data, data) || tr.Codec != media.Opus && f.Key != key {
		tr.t.Fatalf("%s: frame %d is %x, key %t, want %x, %t", tr.Label(), n, f.Data, f.Key, data, key)
	}
	if f.Time < at || f.Time > at+time.Millisecond {
		tr.t.Errorf("%s: frame %d is at %v, want %v", tr.Label(), n, f.Time, at)
	}
}

// wantNoFrames wants none from one time to another.
func (tr *recordedTrack) wantNoFrames(from, to time.Duration) *recordedTrack {
	tr.t.Helper()
	for _, f := range tr.frames {
		if f.Time >= from && f.Time < to {
			tr.t.Errorf("%s: a frame at %v was kept, want none from %v to %v", tr.Label(), f.Time, from, to)
		}
	}
	return tr
}

// exactly makes wantHole and wantHoles mean it to the millisecond.
func (tr *recordedTrack) exactly() *recordedTrack {
	tr.off = time.Millisecond
	return tr
}

// wantHole wants one hole.
func (tr *recordedTrack) wantHole(from, to time.Duration, reason string) *recordedTrack {
	tr.t.Helper()
	return tr.wantHoles(hole{from, to, reason})
}

// wantHoles wants these holes and no others.
func (tr *recordedTrack) wantHoles(want ...hole) *recordedTrack {
	tr.t.Helper()
	same := func(got, want hole) bool {
		return got.reason == want.reason && (got.from-want.from).Abs() <= tr.off && (got.to-want.to).Abs() <= tr.off
	}
	if !slices.EqualFunc(tr.holes, want, same) {
		tr.t.Errorf("%s: holes are [%s], want [%s]", tr.Label(), list(tr.holes), list(want))
	}
	return tr
}

func list[T fmt.Stringer](all []T) string {
	var s []string
	for _, x := range all {
		s = append(s, x.String())
	}
	return strings.Join(s, ", ")
}
