package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
)

func repairCommand() *cli.Command {
	var o repairOptions
	return &cli.Command{
		Name:      "repair",
		Usage:     "put back what one store has lost of a recording from another",
		ArgsUsage: "ID --store STORE --store STORE",
		Description: `Reads the recording in every store. What one store has lost, or has damaged, comes from
another store that has it: segments, indexes, epochs, log, head and grants. This needs no
key, only the pinned card of the recorder, whose signed log says what belongs there. The
command touches nothing else. A store that has none of the recording gets all of it.

--quick trusts the checksums of S3 stores, as verify does, and says for how many objects.

Exit codes:
  3  the recording is not closed; the command leaves it alone
  4  no store has all of it, or something that is not replaced, such as a folder, is in the
     place of an object; all else was put back`,
		UsageText: `  sealtape repair last --store ./meetings --store /mnt/archive
  sealtape repair F2JE --quick --store s3://meetings/2026 --store s3://copies/2026`,
		Flags: []cli.Flag{
			flags.StoresFlag(),
			&cli.BoolFlag{Name: "quick", Destination: &o.quick, Usage: "take the stores' checksums instead of downloading"},
		},
		Action: flags.Action(&o, runRepair, flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type repairOptions struct {
	flags.StoresOption
	id    string
	quick bool
}

func (o *repairOptions) Check() error {
	if len(o.Stores) < 2 {
		return ui.Misuse("from where to where? --store takes two or more")
	}
	return nil
}

// openForRepair opens the stores of o, and finds the recording in the first store that has
// it. It makes a missing store only once it is known that there is something to put there.
func openForRepair(ctx context.Context, e *ui.Env, o *repairOptions) (a *access.Access, id string, named []bot.Store, err error) {
	var missing error
	for _, name := range o.Stores {
		s, err := access.OpenStore(ctx, e, name, false)
		if errors.Is(err, archive.ErrNoStore) && !strings.Contains(name, "://") {
			missing = err
		} else if err != nil {
			return nil, "", nil, err
		}
		named = append(named, bot.Store{Store: s, Name: name})
	}
	err = missing
	for _, s := range named {
		if s.Store == nil || id != "" {
			continue
		}
		if a, err = access.OpenTo(e, archive.Retry(s.Store, archive.RetryConfig{OnRetry: e.Retrying})); err != nil {
			return nil, "", nil, err
		}
		if id, err = a.Resolve(ctx, o.id); err != nil && !errors.Is(err, archive.ErrNotFound) {
			return nil, "", nil, err
		}
	}
	if id == "" {
		return nil, "", nil, err // the last store's
	}
	for i, s := range named {
		if s.Store == nil {
			if named[i].Store, err = access.OpenStore(ctx, e, s.Name, true); err != nil {
				return nil, "", nil, err
			}
		}
	}
	if _, err := access.StoresID(o.Stores); err != nil {
		return nil, "", nil, err
	}
	return a, id, bot.Retry(named, archive.RetryConfig{OnRetry: e.Retrying}), nil
}

func runRepair(ctx context.Context, e *ui.Env, o *repairOptions) error {
	a, id, named, err := openForRepair(ctx, e, o)
	if err != nil {
		return err
	}
	var stores []archive.Store
	for _, s := range named {
		stores = append(stores, s.Store)
	}
	put, inTheWay, lost := 0, 0, make(map[string]bool)
	genuine := archive.Options{Verifiers: a.Counting(a.Recorders), Heads: a.Heads}
	report, err := archive.RepairStores(ctx, stores, id, archive.RepairOptions{Options: genuine, Quick: o.quick, Report: func(r archive.Repair) {
		switch {
		case errors.Is(r.Err, archive.ErrConflict):
			inTheWay++
			e.Warnf("%s: %s could not be put back: %v", ui.Clean(named[r.Store].Name), ui.Clean(r.Name), r.Err)
			return
		case r.Err != nil:
			lost[r.Name] = true
			return
		}
		put++
		e.Printf("%s: %s put back\n", ui.Clean(named[r.Store].Name), ui.Clean(r.Name))
	}})
	switch {
	case ctx.Err() != nil:
		return ui.Hinted(ctx.Err(), "what was put back stays; run it again to go on")
	case errors.Is(err, archive.ErrNotOver):
		return ui.ExitWith(ui.ExitIncomplete, ui.Hinted(err, "if it is not going on, finish it on the machine that recorded, with the stores that it was recorded to", access.RecoverCommandFor(o.Stores)))
	case errors.Is(err, archive.ErrForeignSigner):
		// It may be signed by one that counts no more, which is not to spread.
		for _, s := range stores {
			if rec, oerr := archive.Open(ctx, s, id, archive.Options{Verifiers: a.Recorders}); oerr == nil {
				return cmp.Or(a.Distrust(rec.Head().ID, rec.Signers()), err)
			}
		}
		return err
	case err != nil:
		return err
	}
	for name := range lost {
		e.Warnf("%s: no store has it as it was recorded", ui.Clean(name))
	}
	if len(lost) > 0 {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(fmt.Errorf("recording %s is not whole: of %s no store has what was recorded", id, ui.Count(len(lost), "object")),
			"look for another copy, and name it with --store, too"))
	}
	if inTheWay > 0 {
		return ui.ExitWith(ui.ExitUnverified, ui.Hinted(fmt.Errorf("recording %s is not whole: something else is in the place of %s", id, ui.Count(inTheWay, "object")),
			"remove what is there, and repair again"))
	}
	now := ""
	if put > 0 {
		now = " now"
	}
	if report.Unread > 0 {
		e.Printf("%s is whole in all %d stores%s, by the checksums that stores keep of %s: those were not read\n", id, len(stores), now, ui.Count(report.Unread, "object"))
		return nil
	}
	e.Printf("%s is whole in all %d stores%s\n", id, len(stores), now)
	return nil
}
