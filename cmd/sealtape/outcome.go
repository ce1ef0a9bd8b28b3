package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

// An outcome is how a command ends that looked at a recording: by the verdict on it.
type outcome struct {
	id string
	tape.Verdict
	problems []archive.Problem // that verifying found
	hint     hint              // in place of what todo says
}

// err returns the text, the exit code and the hint of an outcome, nil of a good one.
func (o outcome) err() error {
	if o.Outcome == tape.Whole {
		return nil
	}
	toDo := o.hint
	if toDo.why == "" {
		toDo = o.toDo()
	}
	return exitWith(o.Outcome.ExitCode(), withHints(errors.New(o.Say("recording "+o.id)), toDo))
}

// distrust returns an error if a recording is signed by these, and all were revoked.
func (a *access) distrust(id string, signers []string) error {
	d := tape.Description{}
	for _, key := range signers {
		d.Signers = append(d.Signers, a.signer(key))
	}
	return outcome{id: id, Verdict: d.Trust()}.err()
}

// noKey is the error for a recording that one's keys do not open; why is the
// error of loading them, if any.
func noKey(id string, why error) error {
	if errors.Is(why, keys.ErrNoIdentity) {
		return exitWith(exitNoKey, fmt.Errorf("nothing to open recording %s with: %w", id, why))
	}
	return exitWith(exitNoKey, withHints(fmt.Errorf("no key of yours opens recording %s", id), readersHint))
}

// locked tells how many readers a recording has that one's keys do not open, and
// returns noKey's error.
func (a *access) locked(ctx context.Context, t *tape.Tape, why error) error {
	for _, line := range readersText(t.Recording().Epochs(), t.ReadersAtMost(ctx)) {
		a.env.notef("%s", line)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return noKey(t.ID(), why)
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
			line += fmt.Sprintf(": sealed to at most %s", count(readers[i], "reader"))
		}
		if j > i+1 {
			line += " each"
		}
		lines = append(lines, line)
		i = j
	}
	return lines
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
