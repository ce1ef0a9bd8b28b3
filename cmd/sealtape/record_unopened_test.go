package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestUnopenedLines: who runs the recorder hears whose media does not open, why and
// what mends it.
func TestUnopenedLines(t *testing.T) {
	ada := recorder.Unopened{Participant: "ada", Name: "Ada", Source: media.Microphone, Reason: media.HoleAuth,
		Cause: frame.CauseDerivation, Why: "their key is derived by HKDF, with 128 bits"}
	ben := recorder.Unopened{Participant: "ben", Source: media.Camera, Reason: media.HolePlaintext, Cause: frame.CausePlaintext, Why: "they are not encrypted"}
	text := strings.Join(append(unopenedLines(ada), unopenedLines(ben)...), "\n")
	for _, want := range []string{"Ada (microphone) is not recorded: its frames do not open; their key is derived by HKDF", `"derivation": "hkdf"`, "ben (camera)", "--no-e2ee"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	ada.Over = true
	if got := unopenedLines(ada); !slices.Equal(got, []string{"Ada (microphone) is recorded again"}) {
		t.Errorf("%q", got)
	}
	for _, c := range []frame.CauseKind{frame.CausePassphrase, frame.CauseDerivation, frame.CauseBits, frame.CauseSalt, frame.CauseRatchet,
		frame.CauseIndex, frame.CauseNoKey, frame.CausePlaintext} {
		if causeHint(c) == "" {
			t.Errorf("no hint for %s", c)
		}
	}
}
