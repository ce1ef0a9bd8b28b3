package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// Whoever runs a recorder learns at its end of each reason for which something is
// missing, whose it is and what to do; a log for machines learns it without names.
func TestEveryCauseIsNamed(t *testing.T) {
	const s = time.Second
	rep := recorder.Report{Frames: 100, Incomplete: true,
		Holes: map[string]time.Duration{media.HoleAuth: 12 * s, media.HoleTooMany: 9 * s, media.HolePlaintext: 3 * s, media.HoleLoss: 300 * time.Millisecond},
		Missing: []media.Missing{{Participant: "eve", Name: "Eve\n", Reason: media.HoleTooMany, Time: 9 * s}, {Participant: "ada", Name: "Ada", Reason: media.HoleAuth, Time: 6 * s}, {Participant: "ben", Reason: media.HoleAuth, Time: 6 * s},
			{Participant: "cy", Name: "Cy", Reason: media.HolePlaintext, Time: 3 * s}, {Participant: "dee", Name: "Dee", Reason: media.HoleLoss, Time: 300 * time.Millisecond}}}
	found := []recorder.Unopened{{Participant: "ada", Name: "Ada", Reason: media.HoleAuth, Cause: frame.CauseDerivation, Why: "their key is derived by HKDF"}}
	if got, want := missingText(rep, true), `9.0s too-many-tracks (Eve ), 12.0s auth (Ada and ben), 3.0s plaintext (Cy), 0.3s loss (Dee)`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	hints := ui.Texts(holeHints(rep, found, true))
	for i, want := range []string{`Eve  published more tracks`, "media of Ada did not open; their key is derived by HKDF; with --e2ee-key-file",
		"some frames of ben did not open", "Cy published without end-to-end encryption"} {
		if i >= len(hints) || !strings.HasPrefix(hints[i], want) {
			t.Errorf("hints are %q,\nwant %q in place %d", hints, want, i)
		}
	}
	if len(hints) != 4 {
		t.Errorf("hints are %q", hints)
	}
	err := ui.WithHints(ui.ExitWith(ui.ExitIncomplete, nil), holeHints(rep, found, true)...)
	if code, said := explained(err); code != ui.ExitIncomplete || !slices.Equal(said, hints) {
		t.Errorf("exit code %d, hints %q", code, said)
	}
	for _, text := range append(ui.Texts(holeHints(rep, found, false)), missingText(rep, false)) {
		for _, name := range []string{"Ada", "ben", "Cy", "Dee", "Eve"} {
			if strings.Contains(text, name) {
				t.Errorf("the log names %s: %s", name, text)
			}
		}
	}
	small := recorder.Report{Holes: map[string]time.Duration{media.HoleKeyFrame: s}, Missing: []media.Missing{{Participant: "ada", Reason: media.HoleKeyFrame, Time: s}}}
	if hints := ui.Texts(holeHints(small, nil, true)); !slices.Equal(hints, []string{"sealtape info shows every hole"}) {
		t.Errorf("hints are %q", hints)
	}
	many := missingReason{whose: []media.Missing{{Name: "a"}, {Name: "b"}, {Name: "a"}, {Name: "c"}, {Participant: "d"}, {Name: "e"}}}
	if got := many.names(true); got != "a, b, c and 2 more" {
		t.Errorf("got %q", got)
	}
}
