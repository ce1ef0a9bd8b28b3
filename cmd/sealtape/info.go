package main

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

func infoCommand() *cli.Command {
	var o infoOptions
	return &cli.Command{
		Name:      "info",
		Usage:     "show who recorded, who was there, and what is missing",
		ArgsUsage: "ID",
		Description: `Shows names and participants as the room's server gave them: they are claims. To check
every byte, use "sealtape verify". ID may be the beginning of an ID, or "last".

--json prints everything for programs, with the timeline; it is described at
https://github.com/sealtape/sealtape/blob/main/cmd/sealtape/JSON.md

` + holeHelp + `

Exit codes:
  0  the recording is whole
  3  it is not closed, or lacks a second or more
  4  something of it is missing in the store or damaged, or the key that signed it was
     revoked
  5  no key of yours opens it; the command shows what anyone can see, without holes
A part that is not yours to open changes none of these.`,
		UsageText: `  sealtape info last
  sealtape info F2JE --timeline                   # the beginning of an ID is enough
  sealtape info last --json --store s3://meetings/2026`,
		Flags: []cli.Flag{o.StoreFlag(), o.JSONFlag(),
			&cli.BoolFlag{Name: "timeline", Destination: &o.timeline, Usage: "show all that happened, event by event"}},
		Action: flags.Action(&o, access.WithStore(runInfo), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type infoOptions struct {
	flags.Unchecked
	flags.StoreOption
	flags.JSONOption
	id       string
	timeline bool
}

// RecordingName returns what names the recording.
func (o *infoOptions) RecordingName() string { return o.id }

func runInfo(ctx context.Context, a *access.Access, o *infoOptions) error {
	e := a.Env
	id, err := a.Resolve(ctx, o.id)
	if err != nil {
		return err
	}
	// Without keys there is still something to show, and the reason why it is not more.
	identities, keysErr := a.Keys(ctx)
	if keysErr != nil && !errors.Is(keysErr, keys.ErrNoIdentity) && !errors.Is(keysErr, terminal.ErrNone) {
		return keysErr
	}
	t, err := a.OpenTape(ctx, id, identities, nil)
	if err != nil {
		return err
	}
	i, d, err := info(ctx, a, t)
	if err != nil {
		return err
	}
	if o.JSON {
		if trust := d.Trust(); trust.Outcome != tape.Whole {
			i.Problems = append(i.Problems, trust.Say("recording "+id))
		}
		err = e.JSON(i)
	} else {
		err = show.Info(e, i, o.timeline)
	}
	if err != nil {
		return err
	}
	v := d.Verdict()
	if v.Outcome != tape.Locked {
		return ui.Outcome{ID: id, Verdict: v}.Err()
	}
	if errors.Is(keysErr, terminal.ErrNone) {
		return keysErr
	}
	return ui.NoKey(id, keysErr)
}

// holeHelp explains the reasons of holes, for the help.
const holeHelp = `Each hole has a reason. Some were wanted, and the recording misses nothing by them:
  paused        the recording was paused
  consent       the person had not agreed to be recorded
  unverified    the recorder did not know yet who the person is, or their client had
                not heard yet that it records
All others mean that something is missing:
  it came late, or never arrived           start, key-frame, loss, bandwidth, reconnect, asleep
  it did not open, or came unencrypted     no-key, auth, plaintext
  it could not be kept                     codec, format, too-many-tracks, spool-full, fault`

// info describes a recording, with how many readers it has at most, and the grants
// that one can see.
func info(ctx context.Context, a *access.Access, t *tape.Tape) (*show.InfoJSON, *tape.Description, error) {
	d, err := t.Describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	i := show.InfoOf(d)
	i.RecorderCard = a.RecorderCard(t.Recording().Signers(), d.RecorderCard)
	for n, readers := range t.ReadersAtMost(ctx) {
		i.Epochs[n].Readers = readers
	}
	if i.Grants, err = grants(ctx, a, t.Recording()); err != nil {
		return nil, nil, err
	}
	if i.Attachments, err = attachments(ctx, t); err != nil {
		return nil, nil, err
	}
	if i.Meeting, err = meetingOf(ctx, a, d); err != nil {
		return nil, nil, err
	}
	return i, d, ctx.Err()
}

// meetingLooks is in how many recordings of a store the others of a meeting are looked for.
const meetingLooks = 200

// meetingOf returns where a recording belongs among those of its store.
func meetingOf(ctx context.Context, a *access.Access, d *tape.Description) (*show.MeetingJSON, error) {
	all, partly, err := others(ctx, a, d, meetingLooks)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	m := show.MeetingOf(tape.Places(all)[d.ID])
	if partly && m == nil {
		m = &show.MeetingJSON{Parts: []string{}, Breakouts: []string{}}
	}
	if partly {
		m.Partly = true
	}
	return m, nil
}

// others describes the recordings of d's store at a glance, d among them. Of a store with more
// than most it describes those that d names alone, and partly is true; 0 means all. A link leads
// to no others, and nothing is found where the store lists nothing.
func others(ctx context.Context, a *access.Access, d *tape.Description, most int) (all []*tape.Description, partly bool, err error) {
	if a.Invitation() != nil || d.Start.IsZero() && d.Segments > 0 {
		return nil, false, nil
	}
	var ids []string
	for id, err := range archive.IDs(ctx, a.Store) {
		if err != nil {
			return nil, false, nil
		}
		if ids = append(ids, id); most > 0 && len(ids) > most {
			ids, partly = nil, true
			for _, id := range []string{d.Follows, d.FollowsToo, d.PartOf} {
				if id != "" {
					ids = append(ids, id)
				}
			}
			break
		}
	}
	all = []*tape.Description{d}
	identities, _ := a.Keys(ctx) // they were asked for, or there are none
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listParallel)
	for _, id := range ids {
		if id == d.ID {
			continue
		}
		g.Go(func() error {
			other, err := glance(gctx, a, id, identities)
			if err != nil || errors.Is(other.Err, fs.ErrNotExist) {
				return gctx.Err() // it is not here, or cannot be looked at
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, other)
			return nil
		})
	}
	return all, partly, g.Wait()
}
