package ui

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestOutcome: each verdict has one exit code, one text and the remedy of its gravest
// reason, whichever command comes to it.
func TestOutcome(t *testing.T) {
	long := tape.Holes(nil, nil, []media.Event{{Type: media.EventHole, Track: 1, To: 6 * media.WideHole, Reason: media.HoleLoss}})
	for _, tt := range []struct {
		findings   tape.Findings
		code       int
		text, hint string
	}{
		{tape.Findings{State: archive.StateClosed, Key: true}, 0, "", ""},
		{tape.Findings{State: archive.StateClosed, Key: true, Holes: long}, ExitIncomplete,
			"recording ID has a hole of a second or more", "see where and why: sealtape info ID"},
		{tape.Findings{State: archive.StateOpen, Key: true, Holes: long}, ExitIncomplete,
			"recording ID is not closed; has a hole of a second or more", "sealtape recover --store STORE"},
		{tape.Findings{State: archive.StateCut, Key: true}, ExitIncomplete, "recording ID was cut: its recorder died", "what there is is genuine"},
		{tape.Findings{State: archive.StateClosed, Key: true, Missing: 1}, ExitUnverified, "recording ID lacks 1 object in the store", "sealtape verify ID"},
		{tape.Findings{State: archive.StateClosed, Key: true, Problems: 2}, ExitUnverified, "recording ID is not what was recorded: 2 problems", "look for a copy"},
		{tape.Findings{State: archive.StateClosed}, ExitNoKey, "recording ID is not yours to open", "only its readers can open it"},
		{tape.Findings{State: archive.StateClosed, Key: true, Signers: []tape.Signer{{Who: "Ada", Revoked: true}}}, ExitUnverified,
			"recording ID is signed by Ada", "ask who recorded"},
		{tape.Findings{State: archive.StateClosed, Withheld: []int{2}, WithheldBy: tape.Signer{Who: "Bob"}}, ExitUnverified,
			"epoch 2 of recording ID was granted by Bob, which does not count", "share it with you again"},
	} {
		err := Outcome{ID: "ID", Verdict: tt.findings.Verdict()}.Err()
		if tt.code == 0 {
			if err != nil {
				t.Errorf("%+v: %v", tt.findings, err)
			}
			continue
		}
		if err == nil || err.Error() != tt.text {
			t.Errorf("%+v: %v, want %q", tt.findings, err, tt.text)
			continue
		}
		if code, hints := Explain(err); code != tt.code || len(hints) != 1 || !strings.Contains(hints[0].String(), tt.hint) {
			t.Errorf("%s: exit code %d, %q, want %d, %q", tt.text, code, hints, tt.code, tt.hint)
		}
	}
}
