package ui

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

// An Outcome is how a command ends that looked at a recording: by the verdict on it.
type Outcome struct {
	ID string
	tape.Verdict
	Problems []archive.Problem // that verifying found
	Hint     Hint              // in place of what todo says
}

// Err returns the text, the exit code and the hint of an outcome, nil of a good one.
func (o Outcome) Err() error {
	if o.Outcome == tape.Whole {
		return nil
	}
	toDo := o.Hint
	if toDo.Why == "" {
		toDo = o.toDo()
	}
	return ExitWith(o.Outcome.ExitCode(), WithHints(errors.New(o.Say("recording "+o.ID)), toDo))
}

// toDo says what to do about the gravest reason.
func (o Outcome) toDo() Hint {
	switch o.Reasons[0].Lack {
	case tape.LackTrust:
		return revokedHint
	case tape.LackGrant:
		return grantHint
	case tape.LackGenuine:
		return problemHint(o.Problems)
	case tape.LackBytes, tape.LackObjects:
		return VerifyHint(o.ID)
	case tape.LackKey:
		return readersHint
	case tape.LackEnd:
		return Hint{"if it is not going on, finish it on the machine that recorded, with --store for each store that it is for", []string{"sealtape recover --store STORE"}}
	case tape.LackCut:
		return Hint{"what there is is genuine; see where it ends", []string{"sealtape info " + o.ID}}
	case tape.LackSpan:
		return Hint{"it is declared by the recorder; see where and why", []string{"sealtape info " + o.ID}}
	case tape.LackStore:
		return Hint{Why: "try again; the store did not give all of it"}
	}
	return Hint{}
}

// problemHint says what to do about the gravest problem.
func problemHint(ps []archive.Problem) Hint {
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(ps, func(p archive.Problem) bool { return slices.Contains(kinds, p.Kind) })
	}
	switch {
	case has(ProblemRevoked):
		return revokedHint
	case has(archive.ProblemForeignSigner, ProblemClaimed):
		return PinHint
	case has(archive.ProblemRolledBack, archive.ProblemForked):
		return rollbackHint
	case has(archive.ProblemMissing, archive.ProblemCorrupt, archive.ProblemTruncated, archive.ProblemSwapped):
		return Hint{Why: "look for a copy of these objects: an earlier version in the bucket, or the spool of the recorder"}
	case has(playback.ContradictionTags, playback.ContradictionMalformed, playback.ContradictionTrack, playback.ContradictionOrder,
		playback.ContradictionHole, playback.ContradictionKeyFrame, playback.ContradictionIndex):
		return Hint{Why: "this is what the recorder signed: it erred, or someone with its key made it up; ask who recorded"}
	case has(archive.ProblemUnreadable):
		return Hint{Why: "try again; the store did not give all of it, or does not let you read it"}
	case has(archive.ProblemAdded):
		return Hint{Why: "someone wrote to the store; what the recorder signed is not touched by it"}
	}
	return Hint{Why: "look for a copy, and ask who can write to the store"}
}

// ProblemClaimed: only an invitation says that the key that signed the head is a recorder's.
const ProblemClaimed = "claimed-signer"

// ProblemRevoked: the key that signed the head was revoked.
const ProblemRevoked = "revoked-signer"

// NoKey is the error for a recording that one's keys do not open; why is the
// error of loading them, if any.
func NoKey(id string, why error) error {
	if errors.Is(why, keys.ErrNoIdentity) {
		return ExitWith(ExitNoKey, fmt.Errorf("nothing to open recording %s with: %w", id, why))
	}
	return ExitWith(ExitNoKey, WithHints(fmt.Errorf("no key of yours opens recording %s", id), readersHint))
}
