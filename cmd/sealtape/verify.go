package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check that a recording is what its recorder signed",
		ArgsUsage: "ID",
		Description: `Reads every object of the recording and compares it with the signed log. This
takes no key, only the pinned card of the recorder. ID may be the start of one,
or "last".

With --quick it takes the word of an S3 store for what it holds, and downloads
only what the store keeps no SHA-256 of: in a folder that is everything. Bytes
that changed beneath the store then go unnoticed, and so does a store that lies.

With --sample 5% it reads that share of the objects, drawn anew each time, and sees of
the others whether they are there: for large archives, every week another share.

With --deep, and a key, it also decrypts everything and holds it against itself:
tags, the order of frames, declared holes, indexes. It says what it cannot tell.

Exit code 0: whole and closed. 3: genuine, but not closed properly, or with --deep
a hole of a second or more is declared. 4: something is missing, changed, added,
put back, signed by someone who is not pinned, or contradicts itself. 5: --deep,
and no key of yours opens any of it.`,
		Flags: []cli.Flag{
			storeFlag(),
			&cli.BoolFlag{Name: "quick", Usage: "take the store's checksums instead of downloading"},
			&cli.StringFlag{Name: "sample", Usage: "read only this `SHARE` of the objects, such as 5%"},
			&cli.BoolFlag{Name: "deep", Usage: "decrypt everything, too, and check it"},
			jsonFlag(),
		},
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
	Unread        int           `json:"objects_unread"` // verified by the store's checksum alone
	Listed        int           `json:"objects_listed"` // not verified, only listed by the store
	Bytes         int64         `json:"bytes"`
	Problems      []problemJSON `json:"problems"`
	Tail          []string      `json:"unsigned_tail"`
	CannotRuleOut []string      `json:"cannot_rule_out"`
	Deep          *deepJSON     `json:"deep,omitempty"` // with --deep
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
	share := 0.0
	if s := c.String("sample"); c.IsSet("sample") {
		if c.Bool("quick") || c.Bool("deep") {
			return usagef(c, "--sample, --quick and --deep exclude one another: they read different things")
		}
		if share, err = parseShare(s); err != nil {
			return usagef(c, "--sample: %w", err)
		}
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	id, err := a.resolve(c.Context, args[0])
	if err != nil {
		return err
	}
	report, problems, err := a.verify(c.Context, id, c.Bool("quick"), share)
	if err != nil {
		return err
	}
	hint := ""
	for i, p := range problems {
		if p.Kind != archive.ProblemForeignSigner {
			continue
		}
		if by := a.memberSigned(c.Context, id); by != "" {
			problems[i].Text += ": " + by
			hint = memberHint
		}
	}
	var deep *deepReport
	if c.Bool("deep") && !slices.ContainsFunc(problems, hidesAll) {
		if deep, err = a.verifyDeep(c.Context, id, problems); err != nil && report.OK() {
			return err
		} else if err != nil {
			e.notef("sealtape: nothing was decrypted: %v", err)
		}
	}
	if deep != nil {
		problems = append(problems, deep.problems...)
		report.Problems += len(deep.problems)
		report.CannotRuleOut = append(deep.cannot, report.CannotRuleOut...)
	}
	for _, p := range a.revokedSigners(report.Signers) {
		problems = append(problems, p)
		report.Problems++
	}
	slices.SortFunc(problems, func(a, b archive.Problem) int {
		return strings.Compare(a.Object+"\x00"+a.Kind, b.Object+"\x00"+b.Kind)
	})
	signers := a.signers(report.Signers)
	if c.Bool("json") {
		err = e.json(verifyResult(id, report, problems, signers, deep))
	} else {
		err = e.showVerification(id, report, problems, signers, deep)
	}
	switch {
	case err != nil:
		return err
	case !report.OK():
		return exitWith(exitUnverified, hinted(
			fmt.Errorf("recording %s is not what was recorded: %s", id, count(report.Problems, "problem")), cmp.Or(hint, problemHint(problems))))
	case report.Head.State == archive.StateOpen:
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s is not closed", id),
			"if it is not going on, sealtape recover on the machine that recorded finishes it"))
	case report.Head.State != archive.StateClosed:
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s was cut: its recorder died", id),
			"what there is is genuine; sealtape info shows where it ends"))
	case deep != nil && deep.Incomplete:
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s has a hole of a second or more", id),
			"it is declared by the recorder; sealtape info shows where and why"))
	}
	return nil
}

// parseShare reads a share in percent.
func parseShare(s string) (float64, error) {
	p, ok := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(p, 64)
	if !ok || err != nil || !(f > 0 && f <= 100) {
		return 0, fmt.Errorf("%q is no share: want a percentage, such as 5%%", s)
	}
	return f / 100, nil
}

// verify checks what can be checked without a key: all of it, or a share that is
// not 0.
func (a *access) verify(ctx context.Context, id string, quick bool, share float64) (report archive.Report, problems []archive.Problem, err error) {
	o := archive.Options{Verifiers: a.verifiers, Heads: a.heads}
	add := func(p archive.Problem) { problems = append(problems, p) }
	switch {
	case quick:
		report, err = archive.VerifyQuick(ctx, a.store, id, o, add)
	case share > 0:
		report, err = archive.VerifySample(ctx, a.store, id, o, share, add)
	default:
		store, finish, werr := a.watched(ctx, "verifying", id)
		if werr != nil {
			return report, nil, werr
		}
		report, err = archive.Verify(ctx, store, id, o, add)
		finish()
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %s", archive.ErrNotFound, id)
	}
	return report, problems, err
}

// problemRevoked: the key that signed the head was revoked.
const problemRevoked = "revoked-signer"

// revokedSigners returns a problem for each key that was revoked, if no other has
// signed: a signature has no time, so none can be told from a thief's.
func (a *access) revokedSigners(names []string) (problems []archive.Problem) {
	for _, n := range names {
		if !a.revoked[n] {
			return nil
		}
		problems = append(problems, archive.Problem{Kind: problemRevoked, Object: "head", Text: "signed by " + a.people[n]})
	}
	return problems
}

// hidesAll reports whether a problem leaves nothing that could be decrypted:
// what the recorder recorded is not known.
func hidesAll(p archive.Problem) bool {
	switch p.Kind {
	case archive.ProblemForeignSigner, archive.ProblemBadHead, archive.ProblemBadLog, archive.ProblemRolledBack, archive.ProblemForked:
		return true
	}
	return p.Object == "head"
}

// problemHint says what to do about the gravest problem.
func problemHint(ps []archive.Problem) string {
	has := func(kinds ...string) bool {
		return slices.ContainsFunc(ps, func(p archive.Problem) bool { return slices.Contains(kinds, p.Kind) })
	}
	switch {
	case has(problemRevoked):
		return "whoever has the key could have made this recording: ask who recorded, and look for a copy from before"
	case has(archive.ProblemForeignSigner):
		return pinHint
	case has(archive.ProblemRolledBack, archive.ProblemForked):
		return "the store shows another state than it did before: look for a copy, and ask who can write to it"
	case has(archive.ProblemMissing, archive.ProblemCorrupt, archive.ProblemTruncated, archive.ProblemSwapped):
		return "look for a copy of these objects: an earlier version in the bucket, or the spool of the recorder"
	case has(playback.ContradictionTags, playback.ContradictionMalformed, playback.ContradictionTrack, playback.ContradictionOrder,
		playback.ContradictionHole, playback.ContradictionKeyFrame, playback.ContradictionIndex):
		return "this is what the recorder signed: it erred, or someone with its key made it up; ask who recorded"
	case has(archive.ProblemUnreadable):
		return "try again; the store did not give all of it, or does not let you read it"
	case has(archive.ProblemAdded):
		return "someone wrote to the store; what the recorder signed is not touched by it"
	}
	return "look for a copy, and ask who can write to the store"
}

func verifyResult(id string, r archive.Report, problems []archive.Problem, signers []string, deep *deepReport) verifyJSON {
	v := verifyJSON{
		ID: id, OK: r.OK(), State: r.Head.State, Signers: signers,
		Signed: r.Head.Size, Verified: r.Objects, Unread: r.Unread, Listed: r.Listed, Bytes: r.Bytes,
		Problems: []problemJSON{}, Tail: []string{}, CannotRuleOut: r.CannotRuleOut,
	}
	for _, p := range problems {
		v.Problems = append(v.Problems, problemJSON(p))
	}
	for _, t := range r.Tail {
		v.Tail = append(v.Tail, t.Name)
	}
	if deep != nil {
		v.Deep = deep.json()
	}
	return v
}

func (e *env) showVerification(id string, r archive.Report, problems []archive.Problem, signers []string, deep *deepReport) error {
	rows := [][]string{{"recording:", id}}
	if r.Head.Size > 0 {
		rows = append(rows,
			[]string{"recorded by:", strings.Join(signers, ", ")},
			[]string{"state:", stateText(r.Head.State)},
			[]string{"objects:", fmt.Sprintf("%d of %d are what was recorded (%s)", r.Objects, r.Head.Size, howRead(r))})
	}
	if deep != nil {
		rows = append(rows, deep.rows()...)
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
	case r.Listed > 0 && r.Head.State == archive.StateClosed:
		e.printf("\nverified as far as it was read: closed\n")
	case r.Unread > 0 && r.Head.State == archive.StateClosed && deep == nil: // which reads them
		e.printf("\nverified by the store's checksums: closed; the bytes of %s were not read\n", count(r.Unread, "object"))
	case r.Head.State == archive.StateClosed && (deep == nil || !deep.Incomplete):
		e.printf("\nverified: whole and closed\n")
	default:
		e.printf("\nverified, but not complete\n")
	}
	return nil
}

// howRead says how objects were verified.
func howRead(r archive.Report) string {
	if r.Listed > 0 {
		return fmt.Sprintf("%d only listed, %s read", r.Listed, size(r.Bytes))
	}
	if r.Unread > 0 {
		return fmt.Sprintf("%d by the store's checksums, %s read", r.Unread, size(r.Bytes))
	}
	return size(r.Bytes)
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
