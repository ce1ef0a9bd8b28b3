package livekitroom

import (
	"fmt"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// What is not recorded is said to the room.
func TestLeftOut(t *testing.T) {
	for _, tt := range []struct {
		s    livekit.Selection
		want string
	}{
		{livekit.Selection{}, ""},
		{livekit.Selection{MaxVideo: 720}, ""},
		{livekit.Selection{MaxVideo: 360, NoScreen: true}, "Shared screens are not recorded."},
		{livekit.Selection{AudioOnly: true}, "Only sound is recorded."},
		{livekit.Selection{AudioOnly: true, NoScreen: true}, "Only microphones are recorded."},
		{livekit.Selection{NoVideo: true}, "Cameras are not recorded."},
		{livekit.Selection{NoVideo: true, NoScreen: true}, "Cameras and shared screens are not recorded."},
	} {
		if got := Meeting(livekit.Config{Selection: tt.s}, nil).LeftOut; got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.s, got, tt.want)
		}
	}
}

// A room without keys has none, and not some that are nil.
func TestMeetingKeys(t *testing.T) {
	if m := Meeting(livekit.Config{}, nil); m.Keys != nil {
		t.Errorf("keys %v", m.Keys)
	}
	k, err := PassphraseKeys([]byte("of the room"))
	if err != nil {
		t.Fatal(err)
	}
	if m := Meeting(livekit.Config{URL: "wss://meet.example.org"}, k); m.Keys == nil || m.Server != "wss://meet.example.org" {
		t.Errorf("%+v", m)
	}
}

// A meeting that its recorder lost, or was thrown out of, may go on without it.
func TestGoesOn(t *testing.T) {
	for _, tt := range []struct {
		cause error
		want  bool
	}{
		{nil, false}, {recorder.ErrEnded, false}, {livekit.ErrRemoved, false}, {livekit.ErrMoved, false},
		{livekit.ErrReplaced, true}, {livekit.ErrLost, true}, {livekit.ErrHid, true}, {livekit.ErrGagged, true},
		{fmt.Errorf("%w: %w", livekit.ErrLost, livekit.ErrToken), true},
	} {
		if got := Meeting(livekit.Config{}, nil).GoesOn(tt.cause); got != tt.want {
			t.Errorf("%v: %v", tt.cause, got)
		}
	}
}
