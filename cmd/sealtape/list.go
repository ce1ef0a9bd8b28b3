package main

import (
	"cmp"
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
	"github.com/sealtape/sealtape/keys"
)

// listParallel is how many recordings are looked at at once: each takes a few
// requests, and a bucket is far away.
const listParallel = 8

func listCommand() *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: "list the recordings in a store",
		Description: `Shows of each recording what its signed log tells, and of those that a key of
yours opens the start, the length and the room. Your passphrase is asked for on
a terminal; without it, the list shows what anyone can see.`,
		Flags:  []cli.Flag{storeFlag(), jsonFlag()},
		Action: listAction,
	}
}

// A listed is a line of the list.
type listed struct {
	ID       string     `json:"id"`
	State    string     `json:"state"` // open, closed, cut; unsigned, damaged or rolled-back if it cannot be trusted
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

func listAction(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	var ids []string
	for id, err := range archive.IDs(c.Context, a.store) {
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	var identities []age.Identity
	if len(ids) > 0 {
		if identities, err = a.keysIfAny(c.Context); err != nil {
			return err
		}
	}
	all := make([]listed, len(ids))
	g, ctx := errgroup.WithContext(c.Context)
	g.SetLimit(listParallel)
	for i, id := range ids {
		g.Go(func() (err error) {
			all[i], err = a.list(ctx, id, identities)
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
	if c.Bool("json") {
		return e.json(all)
	}
	return e.showList(all)
}

// keysIfAny returns the keys of one's identity, or none where there are none or
// nobody is there to open them.
func (a *access) keysIfAny(ctx context.Context) ([]age.Identity, error) {
	identities, err := a.keys(ctx)
	switch {
	case errors.Is(err, keys.ErrNoIdentity):
		return nil, nil
	case errors.Is(err, errNoTerminal):
		a.env.notef("sealtape: without your passphrase, the list shows what anyone can see; set %s", passphraseVar)
		return nil, nil
	}
	return identities, err
}

// list looks at one recording. What is wrong with it is told in its line; an
// error is about the store.
func (a *access) list(ctx context.Context, id string, identities []age.Identity) (listed, error) {
	l := listed{ID: id, Recorder: []string{}}
	// The head first, then the listing: of a recording that goes on, all that the
	// head names is there by then.
	rec, openErr := a.open(ctx, id, identities)
	sizes := make(map[string]int64)
	for info, err := range archive.List(ctx, a.store, id+"/") {
		if errors.Is(err, archive.ErrDenied) { // the others can be looked at
			openErr = cmp.Or(openErr, err)
			break
		} else if err != nil {
			return l, err
		}
		sizes[strings.TrimPrefix(info.Name, id+"/")] = info.Size
		l.Bytes += info.Size
	}
	if openErr != nil {
		if ctx.Err() != nil {
			return l, ctx.Err()
		}
		l.State, l.Problem = brokenState(openErr), openErr.Error()
		return l, nil
	}
	for _, e := range rec.Entries() {
		if _, ok := sizes[e.Name]; !ok {
			l.Missing++
		}
	}
	l.State, l.Segments = string(rec.Head().State), len(rec.Segments())
	l.Recorder = a.signers(rec.Signers())
	if err := a.distrust(rec); err != nil {
		l.Problem, l.Distrusted = err.Error(), true
	}
	if len(identities) == 0 {
		return l, nil
	}
	s, err := summarize(ctx, rec)
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	if err == nil {
		start, duration := s.start.UTC(), s.duration.Seconds()
		l.Opens, l.Start, l.Duration, l.Room, l.Follows = true, &start, &duration, s.room, s.follows
	} else if !errors.Is(err, archive.ErrNoKey) || errors.Is(err, archive.ErrRevokedGrant) {
		l.Problem, l.Withheld = err.Error(), errors.Is(err, archive.ErrRevokedGrant)
	}
	return l, nil
}

// brokenState names, in a word, why a recording does not open.
func brokenState(err error) string {
	var back *archive.RollbackError
	var fork *archive.ForkError
	switch {
	case errors.Is(err, archive.ErrForeignSigner):
		return "unsigned"
	case errors.As(err, &back), errors.As(err, &fork):
		return "rolled-back"
	}
	return "damaged"
}

func (e *env) showList(all []listed) error {
	if len(all) == 0 {
		e.notef("No recordings yet.")
		return nil
	}
	rows := [][]string{{"ID", "STATE", "SEGMENTS", "SIZE", "START", "LENGTH", "ROOM"}}
	unsigned, damaged, open, withheld := 0, 0, 0, 0
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
		case l.State == "unsigned":
			unsigned++
		case l.State == "damaged", l.State == "rolled-back":
			damaged++
		}
		row := []string{l.ID, state, strconv.Itoa(l.Segments), size(l.Bytes), "-", "-", "-"}
		if l.Opens {
			row[4], row[5] = l.Start.Local().Format("2006-01-02 15:04"), seconds(*l.Duration)
			if l.Room != "" {
				row[6] = clean(l.Room)
			}
			if l.Follows != "" {
				row[6] += ", follows " + l.Follows
			}
		}
		rows = append(rows, row)
	}
	if err := e.table(rows); err != nil {
		return err
	}
	if unsigned > 0 {
		e.notef("\n%s not signed by anyone whose card you pinned.\nhint: %s", wasWere(unsigned), pinHint)
	}
	if damaged > 0 {
		e.notef("\n%s not what was recorded.\nhint: sealtape verify ID says what is wrong", wasWere(damaged))
	}
	if withheld > 0 {
		e.notef("\n%s granted to you by a key that was revoked, which does not count.\nhint: sealtape info ID says by whose", wasWere(withheld))
	}
	if open > 0 {
		e.notef("\n%s open: going on, or left by a recorder that died. The store cannot tell which.\nhint: sealtape recover, where it was recorded, ends what a crash left", wasWere(open))
	}
	return nil
}

func wasWere(n int) string {
	if n == 1 {
		return "1 recording is"
	}
	return fmt.Sprintf("%d recordings are", n)
}
