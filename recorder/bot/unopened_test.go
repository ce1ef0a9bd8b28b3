package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestDoorkeeper: who runs the recorder hears whose media does not open, and why; the room
// hears whose, unless it is to hear only what is needed.
func TestDoorkeeper(t *testing.T) {
	var told []recorder.Unopened
	d := &doorkeeper{notices: true, tell: func(u recorder.Unopened) { told = append(told, u) }}
	ada := recorder.Unopened{Participant: "ada", Name: "Ada", Source: media.Microphone, Reason: media.HoleAuth,
		Cause: frame.CauseDerivation, Why: "their key is derived by HKDF, with 128 bits"}
	ben := recorder.Unopened{Participant: "ben", Source: media.Camera, Reason: media.HolePlaintext, Cause: frame.CausePlaintext, Why: "they are not encrypted"}
	notice := d.unopened([]recorder.Unopened{ada, ben})
	if want := "Ada (microphone) is not recorded: the recorder has no key that opens it. ben (camera) is not recorded: it is not end-to-end encrypted."; notice != want {
		t.Errorf("the room hears %q", notice)
	}
	if !slices.Equal(told, []recorder.Unopened{ada, ben}) {
		t.Errorf("told %+v", told)
	}
	if !slices.Equal(d.found(), []recorder.Unopened{ada, ben}) {
		t.Errorf("found %+v", d.found())
	}
	ada.Over = true
	if notice := d.unopened([]recorder.Unopened{ada}); notice != "Ada (microphone) is recorded again." {
		t.Errorf("the room hears %q", notice)
	}
	many := make([]recorder.Unopened, 20)
	for i := range many {
		many[i] = recorder.Unopened{Name: strings.Repeat("n", 100_000), Reason: media.HoleAuth}
	}
	if notice := d.unopened(many); len(notice) > 4000 || !strings.HasSuffix(notice, "The same is true of 15 more.") {
		t.Errorf("the room hears %d bytes: …%s", len(notice), notice[max(0, len(notice)-100):])
	}
	d.notices = false
	if notice := d.unopened([]recorder.Unopened{ben}); notice != "" {
		t.Errorf("the room hears %q", notice)
	}
}
