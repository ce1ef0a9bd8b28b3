package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

func pruneCommand() *cli.Command {
	var o pruneOptions
	return &cli.Command{
		Name:      "prune",
		Usage:     "remove old recordings from a store",
		ArgsUsage: "--older-than AGE | --keep N",
		Description: `Shows what it would remove. With --yes it removes it, which cannot be undone. This needs no
key, but the pinned card of the recorder. The command leaves alone, and does not count,
recordings that are not closed, that nobody signed whose card you pinned, or that a revoked
key signed. The keys of a recording go first. After an interruption, run the command again.
From a bucket, all versions go.

If a disk damaged a recording, this machine keeps what is left of it in quarantine. That goes
with the recording, or when it is older than AGE.

The age of a recording counts from when its head was stored, by the store's clock: from its
end, or from when it was copied here. What the store retains (object lock) stays, and is
shown; that is no failure.`,
		UsageText: `  sealtape prune --older-than 90d --store ./meetings        # only shows
  sealtape prune --older-than 90d --yes --store ./meetings
  sealtape prune --keep 100 --yes --store s3://meetings/2026`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "older-than", Destination: &o.olderThan, Usage: "remove what is older than `AGE`: 90d, 12w, 36h"},
			&cli.IntFlag{Name: "keep", Usage: "keep the `N` newest recordings, remove the others"},
			&cli.BoolFlag{Name: "yes", Destination: &o.yes, Usage: "remove, do not only show"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runPrune)),
	}
}

type pruneOptions struct {
	flags.StoreOption
	olderThan string
	keep      *int // nil: not said
	yes       bool

	age time.Duration // what olderThan says, 0 for nothing
}

func (o *pruneOptions) Rest(c *cli.Context) {
	if n := c.Int("keep"); c.IsSet("keep") {
		o.keep = &n
	}
}

func (o *pruneOptions) Check() (err error) {
	switch {
	case (o.olderThan != "") == (o.keep != nil):
		return ui.Misuse("prune needs either --older-than AGE or --keep N")
	case o.keep != nil && *o.keep < 1:
		return ui.Misuse("--keep: %d is not a number of recordings from 1", *o.keep)
	case o.keep == nil:
		if o.age, err = parseAge(o.olderThan); err != nil {
			return ui.Misuse("--older-than: %v", err)
		}
	}
	return nil
}

func runPrune(ctx context.Context, a *access.Access, o *pruneOptions) error {
	e := a.Env
	genuine := archive.Options{Verifiers: a.Recorders, Heads: a.Heads}
	all, err := archive.Survey(ctx, a.Store, genuine)
	if err != nil {
		return err
	}
	now := time.Now()
	var old []archive.Surveyed
	over := 0
	for _, r := range all { // those that are over are first, the oldest at the start
		if r.Err != nil {
			e.Notef("%s is left alone: %v", r.ID, r.Err)
			continue
		}
		if ps := a.RevokedSigners(r.Signers); len(ps) > 0 {
			// A thief's takes the place of none that is genuine, and one that may be evidence stays.
			e.Notef("%s is left alone: %s", r.ID, ps[0].Text)
			continue
		}
		over++
		if o.age == 0 || now.Sub(r.Stored) > o.age {
			old = append(old, r)
		}
	}
	if o.age == 0 {
		old = old[:max(0, over-*o.keep)]
	}
	aside, err := archive.Quarantine(a.Home.SpoolDir())
	if err != nil {
		return err
	}
	aside = slices.DeleteFunc(aside, func(q archive.Quarantined) bool {
		goes := slices.ContainsFunc(old, func(r archive.Surveyed) bool { return r.ID == q.ID })
		return !goes && (o.age == 0 || now.Sub(q.Since) <= o.age)
	})
	if len(old) == 0 && len(aside) == 0 {
		e.Notef("Nothing to remove: %s kept.", ui.Count(over, "recording"))
		return nil
	}
	if !o.yes {
		return showPrune(ctx, a, old, aside, over)
	}
	err = prune(ctx, a, old, genuine)
	for _, q := range aside {
		if err != nil {
			break
		}
		if err = archive.RemoveQuarantined(a.Home.SpoolDir(), q.ID); err == nil {
			e.Printf("%s removed from quarantine here, %s\n", q.ID, ui.Count(q.Files, "file"))
		}
	}
	return err
}

// showPrune shows what would be removed.
func showPrune(ctx context.Context, a *access.Access, old []archive.Surveyed, aside []archive.Quarantined, over int) error {
	rows := [][]string{{"WOULD GO", "STATE", "STORED", "OBJECTS", "SIZE"}}
	var total int64
	for _, r := range old {
		objects, bytes := 0, int64(0)
		for info, err := range archive.List(ctx, a.Store, r.ID+"/") {
			if errors.Is(err, archive.ErrDenied) {
				a.Env.Warnf("%s: not all of it is counted: %v", r.ID, err)
				break
			} else if err != nil {
				return err
			}
			objects++
			bytes += info.Size
		}
		total += bytes
		rows = append(rows, []string{r.ID, string(r.Head.State), r.Stored.Local().Format("2006-01-02 15:04"), strconv.Itoa(objects), ui.Size(bytes)})
	}
	for _, q := range aside {
		rows = append(rows, []string{q.ID, "in quarantine here", q.Since.Local().Format("2006-01-02 15:04"), strconv.Itoa(q.Files), ""})
	}
	if err := a.Env.Table(rows); err != nil {
		return err
	}
	a.Env.Notef("%s of %d would go, %s. Nothing was removed: --yes does it.", ui.Count(len(old), "recording"), over, ui.Size(total))
	return nil
}

// prune removes recordings. It reports one that fails, and goes on with the others.
func prune(ctx context.Context, a *access.Access, old []archive.Surveyed, o archive.Options) error {
	var failed []error
	for _, r := range old {
		err := archive.Remove(ctx, a.Store, r.ID, o)
		var retained *archive.RetainedError
		switch {
		case ctx.Err() != nil:
			return ui.Hinted(ctx.Err(), r.ID+" may be removed in part, and opens no more then; run it again to go on")
		case err == nil:
			a.Env.Printf("%s removed\n", r.ID)
		case errors.As(err, &retained) && retained.Until.IsZero():
			a.Env.Printf("%s retained by the store\n", r.ID)
		case errors.As(err, &retained):
			a.Env.Printf("%s retained by the store until %s\n", r.ID, retained.Until.Local().Format("2006-01-02 15:04"))
		default:
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	for _, err := range failed[:len(failed)-1] {
		a.Env.Warnf("%v", err)
	}
	return failed[len(failed)-1]
}

// parseAge reads a time span: as Go writes it, or a number of days or weeks.
func parseAge(s string) (time.Duration, error) {
	var d time.Duration
	var err error
	day := 24 * time.Hour
	if n, unit := s[:max(0, len(s)-1)], s[max(0, len(s)-1):]; unit == "d" || unit == "w" {
		var i int
		if i, err = strconv.Atoi(n); i > 100_000 {
			err = errors.New("too long")
		}
		if unit == "w" {
			day *= 7
		}
		d = time.Duration(i) * day
	} else {
		d, err = time.ParseDuration(s)
	}
	if err != nil || d <= 0 || strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("%.40q is no age, want 90d, 12w or 36h", s)
	}
	return d, nil
}
