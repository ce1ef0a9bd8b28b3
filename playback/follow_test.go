package playback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestFollow follows a meeting from its first segment to its last, with indexes
// that come late, and ends where one who opens it then is. Nothing is read twice.
func TestFollow(t *testing.T) {
	whole := indexed(t, longMeeting(t), 5)
	want := open(t, whole.memSource)
	src := &memSource{segments: make(map[int][]byte)}
	live := &memLedger{memSource: src, indexes: make(map[int][]byte)}
	var log readLog
	log.of(src)
	var s *Session
	for n := range 12 {
		if n == 8 {
			continue // it comes together with the next
		}
		for _, n := range []int{n - 1, n} {
			if n >= 0 {
				src.segments[n] = whole.segments[n]
			}
		}
		if n >= 6 { // an index that tells of nothing new
			live.indexes[0] = whole.indexes[0]
		}
		if n == 9 { // one that tells of some
			live.indexes[1] = whole.indexes[1]
		}
		if s == nil {
			s = open(t, live)
		} else {
			before, segments := s, s.Segments()
			next, err := s.Follow(t.Context(), live)
			if err != nil {
				t.Fatal(err)
			}
			if next.bytesKnown <= before.bytesKnown {
				t.Errorf("segment %d: weight %d after %d", n, next.bytesKnown, before.bytesKnown)
			}
			if s = next; s == before {
				t.Fatalf("segment %d: nothing new", n)
			}
			if !reflect.DeepEqual(before.Segments(), segments) {
				t.Errorf("segment %d: the earlier state changed", n)
			}
		}
		if again, err := s.Follow(t.Context(), live); again != s || err != nil {
			t.Errorf("segment %d: %v", n, err)
		}
		if got := len(s.Segments()); got != n+1 || s.Duration().Round(time.Second) != time.Duration(n+1)*5*time.Second {
			t.Errorf("segment %d: %d segments, %v", n, got, s.Duration())
		}
	}
	same(t, s, want)
	for n, times := range log.segments {
		if times > 1 {
			t.Errorf("segment %d is read %d times", n, times)
		}
	}
	// Index 1 told of segments 8 and 9.
	if got := log.numbers(); !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 10, 11}) {
		t.Errorf("segments %v are read", got)
	}
	if got := frames(t, s); !reflect.DeepEqual(got, frames(t, want)) {
		t.Errorf("%d frames differ", len(got))
	}
}

// TestFollowKeeps: the newest segment is there to be played without another trip.
func TestFollowKeeps(t *testing.T) {
	src := longMeeting(t)
	newest := src.segments[11]
	delete(src.segments, 11)
	s := open(t, src)
	src.segments[11] = newest
	s, err := s.Follow(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	var log readLog
	log.of(src)
	for range 2 {
		for _, n := range []int{10, 11} {
			if m, err := s.ReadSegment(t.Context(), n); err != nil || len(m.Frames) != 300 {
				t.Errorf("segment %d: %v", n, err)
			}
		}
	}
	if !maps.Equal(log.segments, map[int]int{10: 2, 11: 1}) {
		t.Errorf("read %v", log.segments)
	}
}

// TestFollowFailures: what failed in a moment is tried again, what is damaged or
// locked is not, and what was there must stay.
func TestFollowFailures(t *testing.T) {
	src := longMeeting(t)
	network := errors.New("no route to host")
	src.errs = map[int]error{3: network, 4: fmt.Errorf("hash: %w", ErrDamaged), 5: ErrLocked}
	s := open(t, src)
	var log readLog
	log.of(src)
	src.errs[3] = nil
	next, err := s.Follow(t.Context(), src)
	if err != nil || next == s || len(next.Missing()) != 2 || !slices.Equal(log.numbers(), []int{3}) {
		t.Errorf("%v, missing %v, read %v", err, next.Missing(), log.numbers())
	}
	if got := next.Events(); len(got) != 6 || !slices.IsSortedFunc(got, func(a, b media.Event) int { return int(a.Time - b.Time) }) {
		t.Errorf("events %+v", got)
	}
	if len(s.Missing()) != 3 {
		t.Errorf("the earlier state misses %v", s.Missing())
	}

	src.segments[12] = segment(t, 12, nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := next.Follow(ctx, src); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	delete(src.segments, 12)
	delete(src.segments, 11)
	if _, err := next.Follow(t.Context(), src); err == nil {
		t.Error("segments that go are no error")
	}
}
