package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

func verifyCommand() *cli.Command {
	var o verifyOptions
	return &cli.Command{
		Name:      "verify",
		Usage:     "check that a recording is what its recorder signed",
		ArgsUsage: "ID",
		Description: `Reads every object of the recording and compares it with the signed log. This needs no key,
only the pinned card of the recorder. ID may be the beginning of an ID, or "last".

--quick trusts the checksums of an S3 store, and downloads only what the store has no
SHA-256 of. In a folder, that is everything. --quick does not notice bytes that changed
beneath the store, nor a store that lies.

--sample 5% reads 5% of the objects, others each time, and checks that the rest are there.
Run it every week on a large archive.

--deep decrypts everything, too, and checks that tags, frames, declared holes and indexes
agree with one another. It needs a key, and says what it cannot check. --quick --deep
downloads only what your keys open, and only once.

Holes are declared inside of what is sealed. The command shows them with --deep, and if your
key opens without a question: it has no passphrase, or SEALTAPE_PASSPHRASE holds it. With
such a key, it also checks who granted you what you open. "sealtape info" shows your grants.

Exit codes:
  0  closed, and nothing is known to be missing
  3  genuine, but not closed, or a second or more is missing
  4  something is missing in the store, was changed, added or put back, contradicts itself,
     or was signed or granted by a key that is not pinned or was revoked
  5  with --deep: no key of yours opens any of it
A part that is not yours to open changes none of these.`,
		UsageText: `  sealtape verify last --store ./meetings
  sealtape verify F2JE --deep
  sealtape verify last --sample 5% --json --store s3://meetings/2026`,
		Flags: []cli.Flag{
			o.StoreFlag(),
			&cli.BoolFlag{Name: "quick", Destination: &o.quick, Usage: "take the store's checksums instead of downloading"},
			&cli.StringFlag{Name: "sample", Destination: &o.sample, Usage: "read only this `SHARE` of the objects, such as 5%"},
			&cli.BoolFlag{Name: "deep", Destination: &o.deep, Usage: "decrypt everything, too, and check it"},
			o.JSONFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runVerify), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type verifyOptions struct {
	flags.StoreOption
	flags.JSONOption
	id, sample  string
	quick, deep bool

	share float64 // what sample says, 0 for all
}

// RecordingName returns what names the recording.
func (o *verifyOptions) RecordingName() string { return o.id }

func (o *verifyOptions) Check() (err error) {
	if o.sample == "" {
		return nil
	}
	if o.quick || o.deep {
		return ui.Misuse("--sample excludes --quick and --deep: it reads a share, and they all or nothing")
	}
	if o.share, err = parseShare(o.sample); err != nil {
		return ui.Misuse("--sample: %w", err)
	}
	return nil
}

func runVerify(ctx context.Context, a *access.Access, o *verifyOptions) error {
	e := a.Env
	id, err := a.Resolve(ctx, o.id)
	if err != nil {
		return err
	}
	report, problems, err := verify(ctx, a, id, o.quick, o.share)
	if err != nil {
		return err
	}
	var toDo ui.Hint
	for i, p := range problems {
		if p.Kind != archive.ProblemForeignSigner {
			continue
		}
		if by := a.MemberSigned(ctx, id); by != "" {
			problems[i].Text += ": " + by
			toDo = ui.MemberHint
		}
	}
	var deep *show.DeepReport
	if o.deep && !slices.ContainsFunc(problems, hidesAll) {
		if deep, err = verifyDeep(ctx, a, id, problems); err != nil && report.OK() {
			return err
		} else if err != nil {
			e.Notef("sealtape: nothing was decrypted: %v", err)
		}
	}
	if deep != nil {
		problems = append(problems, deep.Problems...)
		report.Problems += len(deep.Problems)
		report.CannotRuleOut = append(deep.Cannot, report.CannotRuleOut...)
	}
	for _, p := range append(a.RevokedSigners(report.Signers), a.ClaimedSigners(report.Signers)...) {
		problems = append(problems, p)
		report.Problems++
	}
	slices.SortFunc(problems, func(a, b archive.Problem) int {
		return strings.Compare(a.Object+"\x00"+a.Kind, b.Object+"\x00"+b.Kind)
	})
	v := show.Verification{ID: id, Report: report, Problems: problems, Signers: a.Signers(report.Signers), Approver: a.Approvers(report.Signers), Deep: deep}
	if err := learn(ctx, a, &v); err != nil {
		return err
	}
	end := ui.Outcome{ID: id, Verdict: v.Findings().Verdict(), Problems: v.Problems, Hint: toDo}
	if o.JSON {
		err = e.JSON(v.JSON(end.Verdict))
	} else {
		err = show.Verify(e, v, end.Verdict)
	}
	if err != nil {
		return err
	}
	return end.Err()
}

// learn adds what one's keys open of the recording, if its log is genuine and keys are at
// hand.
func learn(ctx context.Context, a *access.Access, v *show.Verification) error {
	if slices.ContainsFunc(v.Problems, hidesAll) {
		return nil
	}
	identities := a.Identities // after --deep
	if v.Deep == nil {
		identities = a.KeysAtHand()
	}
	if len(identities) == 0 {
		return nil
	}
	t, err := a.OpenTape(ctx, v.ID, identities, nil)
	if err == nil {
		v.Content, err = t.Describe(ctx)
	}
	var corrupt *archive.CorruptError
	if errors.As(err, &corrupt) && corrupt.Name == "shares/"+a.Share+".age" {
		v.Problems = append(v.Problems, archive.Problem{Kind: archive.ProblemCorrupt, Object: corrupt.Name, Text: err.Error()})
		v.Report.Problems++
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		a.Env.Notef("sealtape: holes could not be looked for: %v", err)
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

// verify checks what can be checked without a key: all objects, or a share of them if
// that is not 0.
func verify(ctx context.Context, a *access.Access, id string, quick bool, share float64) (report archive.Report, problems []archive.Problem, err error) {
	o := a.VerifyOptions()
	add := func(p archive.Problem) { problems = append(problems, p) }
	switch {
	case quick:
		report, err = archive.VerifyQuick(ctx, a.Store, id, o, add)
	case share > 0:
		report, err = archive.VerifySample(ctx, a.Store, id, o, share, add)
	default:
		store, finish, werr := a.Watched(ctx, "verifying", id)
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

// hidesAll reports whether nothing can be decrypted because of a problem: it is not known
// what the recorder recorded.
func hidesAll(p archive.Problem) bool {
	switch p.Kind {
	case archive.ProblemForeignSigner, archive.ProblemBadHead, archive.ProblemBadLog, archive.ProblemRolledBack, archive.ProblemForked:
		return true
	}
	return p.Object == "head"
}
