package main

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestNamedInAll(t *testing.T) {
	of := func(texts ...string) (events []media.Event) {
		for _, text := range texts {
			events = append(events, media.Event{Type: media.EventJoin}, media.Event{Type: media.EventEpoch, Text: text})
		}
		return events
	}
	for _, tt := range []struct {
		events []media.Event
		epochs int
		want   bool
	}{
		{of("Ada, Bob"), 1, true},
		{of("Bob", "Ada, Bob", "Bob, Carol"), 3, true},
		{of("Ada, Bob", "Ada"), 2, false},
		{of("Bob"), 2, false}, // of one nothing is told
		{of("Bobby, Ada"), 1, false},
		{of(), 1, false},
		{of(), 0, false},
	} {
		if got := namedInAll(tt.events, tt.epochs, "Bob"); got != tt.want {
			t.Errorf("%v of %d: %t", tt.events, tt.epochs, got)
		}
	}
}

func TestParseTerm(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"": 0, "15m": 15 * time.Minute, "2h": 2 * time.Hour, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour,
		"0d": -1, "-1d": -1, "d": -1, "59s": -1, "soon": -1, "7": -1, "1y": -1,
	} {
		got, err := parseTerm(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
}
