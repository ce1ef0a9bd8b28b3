package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/urfave/cli/v2"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check that a recording is what its recorder signed",
		ArgsUsage: "ID",
		Description: `Reads every object of the recording and compares it with the signed log. This
takes no key, only the pinned card of the recorder. ID may be the start of one,
or "last".

Exit code 0: whole and closed. 3: genuine, but not closed properly. 4: something
is missing, changed, added, put back, or signed by someone who is not pinned.`,
		Flags:  []cli.Flag{storeFlag(), jsonFlag()},
		Action: verifyAction,
	}
}

// verifyJSON is the report in JSON.
type verifyJSON struct {
	ID            string        `json:"id"`
	OK            bool          `json:"ok"`
	State         archive.State `json:"state,omitempty"`
	Signers       []string      `json:"recorded_by"`
	Signed        int64         `json:"objects_signed"`
	Verified      int           `json:"objects_verified"`
	Bytes         int64         `json:"bytes"`
	Problems      []problemJSON `json:"problems"`
	Tail          []string      `json:"unsigned_tail"`
	CannotRuleOut []string      `json:"cannot_rule_out"`
}

type problemJSON struct {
	Kind   string `json:"kind"`
	Object string `json:"object"`
	Text   string `json:"text"`
}

func verifyAction(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "the ID of a recording")
	if err != nil {
		return err
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	id, err := a.resolve(c.Context, args[0])
	if err != nil {
		return err
	}
	store, finish, err := a.watched(c.Context, "verifying", id)
	if err != nil {
		return err
	}
	var problems []archive.Problem
	report, err := archive.Verify(c.Context, store, id, archive.Options{Verifiers: a.verifiers, Heads: a.heads},
		func(p archive.Problem) { problems = append(problems, p) })
	finish()
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", archive.ErrNotFound, id)
	}
	if err != nil {
		return err
	}
	slices.SortFunc(problems, func(a, b archive.Problem) int {
		return strings.Compare(a.Object+"\x00"+a.Kind, b.Object+"\x00"+b.Kind)
	})
	signers := a.signers(report.Signers)
	if c.Bool("json") {
		err = e.json(verifyResult(id, report, problems, signers))
	} else {
		err = e.showVerification(id, report, problems, signers)
	}
	switch {
	case err != nil:
		return err
	case !report.OK():
		return exitWith(exitUnverified, hinted(
			fmt.Errorf("recording %s is not what was recorded: %s", id, count(report.Problems, "problem")), problemHint(problems)))
	case report.Head.State == archive.StateOpen:
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s is not closed", id),
			"if it is not going on, sealtape recover on the machine that recorded finishes it"))
	case report.Head.State != archive.StateClosed:
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s was cut: its recorder died", id),
			"what there is is genuine; sealtape info shows where it ends"))
	}
	return nil
}

// problemHint says what to do about the gravest problem.
func problemHint(ps []archive.Problem) string {
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(ps, func(p archive.Problem) bool { return slices.Contains(kinds, p.Kind) })
	}
	switch {
	case has(archive.ProblemForeignSigner):
		return "if you know who recorded, pin their card: sealtape keys add FILE"
	case has(archive.ProblemRolledBack, archive.ProblemForked):
		return "the store shows another state than it did before: look for a copy, and ask who can write to it"
	case has(archive.ProblemMissing, archive.ProblemCorrupt, archive.ProblemTruncated, archive.ProblemSwapped):
		return "look for a copy of these objects: an earlier version in the bucket, or the spool of the recorder"
	case has(archive.ProblemUnreadable):
		return "try again; the store did not give all of it"
	case has(archive.ProblemAdded):
		return "someone wrote to the store; what the recorder signed is not touched by it"
	}
	return "look for a copy, and ask who can write to the store"
}

func verifyResult(id string, r archive.Report, problems []archive.Problem, signers []string) verifyJSON {
	v := verifyJSON{
		ID: id, OK: r.OK(), State: r.Head.State, Signers: signers,
		Signed: r.Head.Size, Verified: r.Objects, Bytes: r.Bytes,
		Problems: []problemJSON{}, Tail: []string{}, CannotRuleOut: r.CannotRuleOut,
	}
	for _, p := range problems {
		v.Problems = append(v.Problems, problemJSON(p))
	}
	for _, t := range r.Tail {
		v.Tail = append(v.Tail, t.Name)
	}
	return v
}

func (e *env) showVerification(id string, r archive.Report, problems []archive.Problem, signers []string) error {
	rows := [][]string{{"recording:", id}}
	if r.Head.Size > 0 {
		rows = append(rows,
			[]string{"recorded by:", strings.Join(signers, ", ")},
			[]string{"state:", stateText(r.Head.State)},
			[]string{"objects:", fmt.Sprintf("%d of %d are what was recorded (%s)", r.Objects, r.Head.Size, size(r.Bytes))})
	}
	if err := e.table(rows); err != nil {
		return err
	}
	if len(problems) > 0 {
		e.printf("\nproblems:\n")
	}
	for _, p := range problems {
		e.printf("  %s: %s: %s\n", clean(p.Object), p.Kind, clean(p.Text))
	}
	if len(r.Tail) > 0 {
		e.printf("\nnot signed yet:\n")
	}
	for _, t := range r.Tail {
		e.printf("  %s (%s)\n", clean(t.Name), size(t.Size))
	}
	if len(r.CannotRuleOut) > 0 {
		e.printf("\nnot ruled out:\n")
	}
	for _, s := range r.CannotRuleOut {
		e.printf("  %s\n", s)
	}
	switch {
	case !r.OK():
		e.printf("\nNOT verified\n")
	case r.Head.State == archive.StateClosed:
		e.printf("\nverified: whole and closed\n")
	default:
		e.printf("\nverified, but not complete\n")
	}
	return nil
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
