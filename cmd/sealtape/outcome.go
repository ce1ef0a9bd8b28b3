package main

import (
	"context"
	"fmt"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// distrust returns an error if a recording is signed by these, and all were revoked.
func (a *access) distrust(id string, signers []string) error {
	d := tape.Description{}
	for _, key := range signers {
		d.Signers = append(d.Signers, a.signer(key))
	}
	return ui.Outcome{ID: id, Verdict: d.Trust()}.Err()
}

// locked tells how many readers a recording has that one's keys do not open, and
// returns noKey's error.
func (a *access) locked(ctx context.Context, t *tape.Tape, why error) error {
	for _, line := range readersText(t.Recording().Epochs(), t.ReadersAtMost(ctx)) {
		a.env.Notef("%s", line)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ui.NoKey(t.ID(), why)
}

// readersText says how many readers epochs have, those alike in one line.
func readersText(epochs []archive.EpochInfo, readers []int) []string {
	var lines []string
	for i := 0; i < len(epochs); {
		j := i + 1
		for j < len(epochs) && readers[j] == readers[i] {
			j++
		}
		var numbers []int
		for _, ep := range epochs[i:j] {
			numbers = append(numbers, ep.Number)
		}
		line := epochsText(numbers)
		if readers[i] == 0 {
			line += ": how many readers it is sealed to cannot be told"
		} else {
			line += fmt.Sprintf(": sealed to at most %s", ui.Count(readers[i], "reader"))
		}
		if j > i+1 {
			line += " each"
		}
		lines = append(lines, line)
		i = j
	}
	return lines
}

// nothingText says of a recording without a segment that nothing is in it.
func nothingText(s archive.State) string {
	if !s.Final() {
		return "nothing: nothing was kept yet"
	}
	return "nothing: it ended before anything was kept"
}

// nothingKept is the error of a recording without a segment, for what reads those.
func nothingKept(t *tape.Tape) error {
	s := t.Recording().Head().State
	why := "its recorder was stopped, or died, while the room was being told; there is nothing else to find"
	if !s.Final() {
		why = "it goes on, and the room is being told; or its recorder died meanwhile"
	}
	return ui.ExitWith(ui.ExitIncomplete, ui.Hinted(fmt.Errorf("recording %s holds %s", t.ID(), nothingText(s)), why))
}

// stateText says how a recording ended.
func stateText(s archive.State) string {
	switch s {
	case archive.StateClosed:
		return "closed"
	case archive.StateCut:
		return "cut (the recorder died)"
	case archive.StateOpen:
		return "open (going on, or its recorder vanished)"
	}
	return "not known"
}

// A verdictJSON says what a recording comes to.
type verdictJSON struct {
	Verdict    string   `json:"verdict"`
	Lacks      []string `json:"lacks"`
	HolesKnown bool     `json:"holes_known"`
}

func verdictOf(v tape.Verdict, holesKnown bool) verdictJSON {
	j := verdictJSON{Verdict: string(v.Outcome), Lacks: []string{}, HolesKnown: holesKnown}
	for _, r := range v.Reasons {
		j.Lacks = append(j.Lacks, string(r.Lack))
	}
	return j
}

// holesUnknown is said of holes where no key opens the timeline.
const holesUnknown = "not known without a key"
