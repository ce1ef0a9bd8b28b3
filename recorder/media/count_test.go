package media

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestCount: however a timeline declares its holes, in pieces, twice, out of order,
// counting them one by one is as merging them all, and people and tracks are those
// that it tells of.
func TestCount(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var events []Event
		var c Count
		add := func(e Event) {
			events = append(events, e)
			c.Event(e)
		}
		for i := range 300 {
			from := time.Duration(i)*100*time.Millisecond - time.Duration(rnd.Int64N(int64(20*time.Second)))
			from = max(0, from)
			add(Event{Type: EventHole, Track: rnd.Uint64N(3), From: from, To: from + time.Duration(rnd.Int64N(int64(300*time.Millisecond))),
				Participant: []string{"ada", "ben"}[rnd.IntN(2)], Reason: []string{HoleLoss, HolePaused, HoleKeyFrame, ""}[rnd.IntN(4)]})
			if rnd.IntN(10) == 0 {
				add(Event{Type: EventHole, From: from, To: from}) // none
			}
		}
		for i := range events { // as they are read
			e := &events[i]
			e.From, e.To = e.From.Round(time.Millisecond), e.To.Round(time.Millisecond)
		}
		want := make(map[string]time.Duration)
		for _, h := range Holes(events) {
			want[h.Reason] += h.To - h.From
		}
		if got := c.Holes(); !maps.Equal(got, want) || c.Incomplete() != (len(WideHoles(events)) > 0) {
			t.Fatalf("seed %d: holes %v, want %v; incomplete %v", seed, got, want, c.Incomplete())
		}
		sums := make(map[string]time.Duration)
		for _, m := range c.Missing() {
			sums[m.Reason] += m.Time
		}
		if !maps.Equal(sums, want) {
			t.Fatalf("seed %d: by whose they are %v, want %v", seed, sums, want)
		}
		if c.People() != 0 || c.Tracks() != 0 {
			t.Errorf("%d people, %d tracks", c.People(), c.Tracks())
		}
	}
	var of Count
	for _, e := range []Event{
		{Type: EventJoin, Participant: "ada", Name: "Ada"}, {Type: EventName, Participant: "ada", Name: "Ada L.", Text: "Ada"},
		{Type: EventHole, Participant: "ada", Track: 1, To: time.Second, Reason: HoleLoss},
		{Type: EventHole, Participant: "ada", Track: 2, To: time.Second, Reason: HoleLoss},
		{Type: EventHole, Participant: "eve", To: 5 * time.Second, Reason: HoleTooMany},
		{Type: EventHole, To: 3 * time.Second, Reason: HoleAsleep},
	} {
		of.Event(e)
	}
	if got, want := of.Missing(), []Missing{{"eve", "", HoleTooMany, 5 * time.Second}, {"", "", HoleAsleep, 3 * time.Second},
		{"ada", "Ada L.", HoleLoss, 2 * time.Second}}; !slices.Equal(got, want) {
		t.Errorf("missing: %+v, want %+v", got, want)
	}
	var c Count
	for _, e := range []Event{
		{Type: EventStart, Text: "room"}, {Type: EventJoin, Participant: "ada"}, {Type: EventLeave, Participant: "ada"},
		{Type: EventJoin, Participant: "ada"}, {Type: EventTrack, Participant: "ada", Track: 1}, {Type: EventTrack, Participant: "ada", Track: 1},
		{Type: EventTrack, Participant: "ben", Track: 2}, {Type: EventChat, Participant: "eve", Text: "hi"}, {Type: EventHole, Track: 7, To: time.Second},
	} {
		c.Event(e)
	}
	c.Track(Track{UID: 2, Participant: "ben"})
	c.Track(Track{UID: 3, Participant: "cy"})
	if c.People() != 3 || c.Tracks() != 3 || !c.Incomplete() {
		t.Errorf("%d people, %d tracks, incomplete %v", c.People(), c.Tracks(), c.Incomplete())
	}
}

// TestCountIsBounded: no room makes it remember without end.
func TestCountIsBounded(t *testing.T) {
	var c Count
	const n = maxCounted + 1000
	for i := range n {
		c.Event(Event{Type: EventTrack, Participant: fmt.Sprint(i), Track: uint64(i + 1)})
		at := time.Duration(i) * 3 * time.Second
		c.Event(Event{Type: EventHole, Track: 1, From: at, To: at + 10*time.Millisecond, Reason: HoleLoss})
	}
	if c.People() != n || c.Tracks() != n || c.Holes()[HoleLoss] != n*10*time.Millisecond || c.Incomplete() {
		t.Errorf("%d people, %d tracks, %v", c.People(), c.Tracks(), c.Holes())
	}
	if len(c.people) > maxCounted || len(c.tracks) > maxCounted || len(c.holes[holesOf{1, "", HoleLoss}].spans) > maxUnion {
		t.Error("it remembers too much")
	}
}

func TestAnnounced(t *testing.T) {
	for _, source := range []Source{Microphone, Camera, Screen, ScreenAudio, Unknown} {
		want := Track{UID: 4, Participant: "ada", Name: "Ada (camera)", Source: source}
		got, ok := Announced(Event{Type: EventTrack, Participant: want.Participant, Name: want.Name, Track: want.UID, Text: want.Label()})
		if !ok || got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for _, e := range []Event{{Type: EventTrack}, {Type: EventTrackEnd, Track: 4}} {
		if got, ok := Announced(e); ok {
			t.Errorf("%+v tells of %+v", e, got)
		}
	}
}
