package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// listParallel is how many recordings are looked at at once: each takes a few
// requests, and a bucket is far away.
const listParallel = 8

func listCommand() *cli.Command {
	var o listOptions
	return &cli.Command{
		Name:  "list",
		Usage: "list the recordings in a store",
		Description: `Shows of each recording what its signed log tells, and of those that a key of
yours opens the start, the length and the room. Your passphrase is asked for on
a terminal; without it, the list shows what anyone can see, and not what is missing in
the media.

The exit code is 0 whatever it lists: one old recording that lacks something would
otherwise fail every script that looks for another. What each comes to is in its line
and, with --json, in its verdict; sealtape info ID ends with that.`,
		Flags:  []cli.Flag{o.StoreFlag(), o.JSONFlag()},
		Action: flags.Action(&o, access.WithStore(runList)),
	}
}

// A listed is a line of the list.
type listed struct {
	ID    string `json:"id"`
	State string `json:"state"` // open, closed, cut; foreign-signer, damaged or rolled-back if it cannot be trusted
	verdictJSON
	Missing  int        `json:"missing_objects"`
	Segments int        `json:"segments"`
	Bytes    int64      `json:"bytes"`
	Recorder []string   `json:"recorded_by"`
	Opens    bool       `json:"opens"` // a key of yours opens at least a part
	Start    *time.Time `json:"start,omitempty"`
	Duration *float64   `json:"duration,omitempty"` // seconds
	Room     string     `json:"room,omitempty"`
	Follows  string     `json:"follows,omitempty"`
	Problem  string     `json:"problem,omitempty"`
	// Distrusted: the key of its signature was revoked, or counted by such a one alone.
	Distrusted bool `json:"distrusted,omitempty"`
	// Withheld: only a key that was revoked granted it.
	Withheld bool `json:"withheld,omitempty"`
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
	all := make([]listed, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listParallel)
	for i, id := range ids {
		g.Go(func() error {
			d, err := glance(gctx, a, id, identities)
			if err == nil {
				all[i] = listedOf(d)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.SortStableFunc(all, func(x, y listed) int {
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
	return showList(e, all)
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

func listedOf(d *tape.Description) listed {
	v := d.Verdict()
	l := listed{
		ID: d.ID, State: string(d.State), verdictJSON: verdictOf(v, d.HolesKnown), Missing: len(d.Missing), Segments: d.Segments, Bytes: d.Bytes,
		Recorder: whoSigned(d.Signers), Opens: d.Opens == tape.AccessAll || d.Opens == tape.AccessPart, Room: d.Room, Follows: d.Follows,
		Distrusted: v.Lacks(tape.LackTrust) && d.Err == nil, Withheld: len(d.Withheld) > 0,
	}
	if l.State == "" {
		l.State = "unknown"
	}
	if !d.Start.IsZero() {
		start, duration := d.Start.UTC(), d.Duration.Seconds()
		l.Start, l.Duration = &start, &duration
	}
	switch trust := d.Trust(); {
	case d.Err != nil:
		l.Problem = d.Err.Error()
	case trust.Outcome != tape.Whole:
		l.Problem = trust.Say("recording " + d.ID)
	case len(d.Problems) > 0:
		l.Problem = d.Problems[0]
	}
	return l
}

func showList(e *ui.Env, all []listed) error {
	if len(all) == 0 {
		e.Notef("No recordings yet.")
		return nil
	}
	rows := [][]string{{"ID", "STATE", "SEGMENTS", "SIZE", "START", "LENGTH", "ROOM"}}
	foreign, damaged, open, withheld, incomplete, unknown := 0, 0, 0, 0, 0, 0
	for _, l := range all {
		state := l.State
		if l.State == string(archive.StateOpen) {
			open++
		}
		if l.Distrusted {
			state += ", signer revoked"
			damaged++
		}
		if l.Withheld {
			state += ", granter revoked"
			withheld++
		}
		switch {
		case l.Missing > 0:
			state += fmt.Sprintf(", %d missing", l.Missing)
			damaged++
		case l.State == string(tape.StateForeign):
			foreign++
		case l.Verdict == string(tape.Damaged) && !l.Distrusted && !l.Withheld:
			if l.Opens || l.Segments > 0 { // its state is what its head says
				state += ", damaged"
			}
			damaged++
		case l.State == string(archive.StateClosed) && l.Verdict == string(tape.Incomplete):
			state += ", incomplete"
			incomplete++
		case l.Verdict == string(tape.Locked):
			unknown++
		}
		row := []string{l.ID, state, strconv.Itoa(l.Segments), ui.Size(l.Bytes), "-", "-", "-"}
		if l.Start != nil {
			row[4], row[5] = l.Start.Local().Format("2006-01-02 15:04"), seconds(*l.Duration)
			if l.Room != "" {
				row[6] = ui.Clean(l.Room)
			}
			if l.Follows != "" {
				row[6] += ", follows " + l.Follows
			}
		}
		rows = append(rows, row)
	}
	if err := e.Table(rows); err != nil {
		return err
	}
	if foreign > 0 {
		e.Notef("\n%s not signed by anyone whose card you pinned.\n%s", wasWere(foreign), strings.Join(ui.PinHint.Lines(), "\n"))
	}
	if damaged > 0 {
		e.Notef("\n%s not what was recorded.\nhint: sealtape verify ID says what is wrong", wasWere(damaged))
	}
	if incomplete > 0 {
		e.Notef("\n%s incomplete: a second or more is missing.\nhint: sealtape info ID says what, and why", wasWere(incomplete))
	}
	if unknown > 0 {
		e.Notef("\nOf %s holes are %s.", ui.Count(unknown, "recording"), holesUnknown)
	}
	if withheld > 0 {
		e.Notef("\n%s granted to you by a key that was revoked, which does not count.\nhint: sealtape info ID says by whose", wasWere(withheld))
	}
	if open > 0 {
		e.Notef("\n%s open: going on, or left by a recorder that died. The store cannot tell which.\nhint: sealtape recover, where it was recorded, ends what a crash left", wasWere(open))
	}
	return nil
}

func wasWere(n int) string {
	if n == 1 {
		return "1 recording is"
	}
	return fmt.Sprintf("%d recordings are", n)
}
