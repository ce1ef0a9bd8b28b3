package livekit

import (
	"testing"
	"time"
)

// LiveKit lets join for a moment the room that it has just closed, into which nobody
// else comes: the recorder takes that for no room to be in.
func TestDoomed(t *testing.T) {
	for _, tt := range []struct {
		sid    string
		closed time.Duration
		want   bool
	}{
		{"RM_closed", 12 * time.Millisecond, true},
		{"RM_closed", time.Minute, false}, // a server that gives a room its name for good
		{"RM_new", 12 * time.Millisecond, false},
		{"", 12 * time.Millisecond, false}, // it has not said
	} {
		if got := isClosing(tt.sid, "RM_closed", tt.closed); got != tt.want {
			t.Errorf("%v after the end of RM_closed, %q is given up: %v", tt.closed, tt.sid, got)
		}
	}
	if isClosing("", "", 0) {
		t.Error("rooms without a name are taken for one")
	}
}
