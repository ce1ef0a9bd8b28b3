package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/playback/tape"
)

// listParallel is how many recordings are read at once: each takes a few requests, and a
// bucket is far away.
const listParallel = 8

func listCommand() *cli.Command {
	var o listOptions
	return &cli.Command{
		Name:  "list",
		Usage: "list the recordings in a store",
		Description: `Shows what the signed log says of each recording. If a key of yours opens a recording, the
list also shows its start, its length, its title and its room. On a terminal, the command
asks for your passphrase. Without the passphrase, the list shows what anyone can see, and
does not know which media is missing.

One meeting may be in several recordings, since a recorder died, and its breakout rooms in
others. MEETING says so, if one recorder, or recorders of one fleet, signed all of them.

The exit code is 0, whatever the recordings lack, so that one old recording does not fail
every script. The table shows the state of each recording, and --json its verdict, too.
"sealtape info ID" exits with the verdict on one recording.`,
		UsageText: `  sealtape list --store ./meetings
  sealtape list --store s3://meetings/2026 --json`,
		Flags:  []cli.Flag{o.StoreFlag(), o.JSONFlag()},
		Action: flags.Action(&o, access.WithStore(runList)),
	}
}

type listOptions struct {
	flags.Unchecked
	flags.StoreOption
	flags.JSONOption
}

func runList(ctx context.Context, a *access.Access, o *listOptions) error {
	e := a.Env
	var ids []string
	for id, err := range archive.IDs(ctx, a.Store) {
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	var identities []age.Identity
	if len(ids) > 0 {
		var err error
		if identities, err = a.KeysIfAny(ctx); err != nil {
			return err
		}
	}
	all, described := make([]show.Listed, len(ids)), make([]*tape.Description, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listParallel)
	for i, id := range ids {
		g.Go(func() error {
			d, err := glance(gctx, a, id, identities)
			if err == nil {
				all[i], described[i] = show.ListedOf(d), d
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	places := tape.Places(described)
	for i := range all {
		all[i].Meeting = show.MeetingOf(places[all[i].ID])
	}
	starts := make(map[string]time.Time)
	for _, l := range all {
		if l.Start != nil {
			starts[l.ID] = *l.Start
		}
	}
	a.NoteStarts(starts)
	slices.SortStableFunc(all, func(x, y show.Listed) int {
		switch {
		case x.Start == nil && y.Start == nil:
			return strings.Compare(x.ID, y.ID)
		case x.Start == nil:
			return -1
		case y.Start == nil:
			return 1
		}
		return x.Start.Compare(*y.Start)
	})
	if o.JSON {
		return e.JSON(all)
	}
	return show.List(e, all)
}

// glance describes one recording. What is wrong with it is told in its line; an
// error is about the store.
func glance(ctx context.Context, a *access.Access, id string, identities []age.Identity) (*tape.Description, error) {
	t, err := a.OpenTape(ctx, id, identities, nil)
	if err != nil {
		d := tape.Unopened(id, err)
		for info, lerr := range archive.List(ctx, a.Store, id+"/") {
			if errors.Is(lerr, archive.ErrDenied) {
				break // the others can be looked at
			} else if lerr != nil {
				return nil, lerr
			}
			d.Bytes += info.Size
		}
		if d.State == "" && !errors.Is(err, archive.ErrDenied) {
			return nil, err
		}
		return d, ctx.Err()
	}
	d, err := t.Glance(ctx)
	if err != nil && ctx.Err() == nil && d != nil {
		d.Problems, err = append(d.Problems, err.Error()), nil
	}
	return d, err
}
