package media

import (
	"testing"
	"time"
)

// Pieces of one hole are one, and a hole of a second or more makes a recording incomplete,
// unless the recorder was asked to pause.
func TestHoles(t *testing.T) {
	hole := func(track uint64, from, to int, reason string) Event {
		return Event{Type: EventHole, Track: track, Reason: reason,
			From: time.Duration(from) * time.Millisecond, To: time.Duration(to) * time.Millisecond}
	}
	tests := []struct {
		name       string
		events     []Event
		holes      int
		incomplete bool
	}{
		{"none", nil, 0, false},
		{"other events", []Event{{Type: EventMute, To: time.Hour}}, 0, false},
		{"short", []Event{hole(1, 0, 999, "loss")}, 1, false},
		{"one second", []Event{hole(1, 0, 1000, "loss")}, 1, true},
		{"in pieces", []Event{hole(1, 0, 500, "loss"), hole(1, 500, 1000, "loss")}, 1, true},
		{"in pieces, out of order, a rounding apart", []Event{hole(1, 501, 1000, "loss"), hole(1, 0, 500, "loss")}, 1, true},
		{"pieces for two reasons", []Event{hole(1, 0, 500, "loss"), hole(1, 500, 1000, "key-frame")}, 2, true},
		{"of two tracks", []Event{hole(1, 0, 500, "loss"), hole(2, 500, 1000, "loss")}, 2, false},
		{"with a pause", []Event{hole(1, 0, 500, "loss"), hole(1, 600, 1100, "loss")}, 2, false},
		{"the recorder paused", []Event{hole(1, 0, 5000, "paused"), hole(1, 5000, 5600, "key-frame")}, 2, false},
		{"one within another", []Event{hole(1, 0, 1000, "loss"), hole(1, 100, 200, "loss")}, 1, true},
		{"backwards", []Event{hole(1, 5000, 1000, "loss")}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Holes(tt.events); len(got) != tt.holes {
				t.Errorf("%d holes %v, want %d", len(got), got, tt.holes)
			}
			if got := len(WideHoles(tt.events)) > 0; got != tt.incomplete {
				t.Errorf("incomplete is %v", got)
			}
		})
	}
}
