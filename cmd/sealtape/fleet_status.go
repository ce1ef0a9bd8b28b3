package main

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// askedAtOnce is how many recorders are asked beside one another.
const askedAtOnce = 16

func fleetStatusCommand() *cli.Command {
	var o fleetStatusOptions
	return &cli.Command{
		Name:      "status",
		Usage:     "show which rooms should be recorded, which are, by whom, and what waits for the store",
		ArgsUsage: "[ROOM]",
		Description: `Asks the LiveKit server which rooms there are, and each recorder what it does. A recorder's
answer is signed: BY has the name on its card, if you pinned that card or one that approved
it. A name in brackets is what the recorder calls itself, or its identity in the room. BACKLOG
is what its store has not confirmed, in whole MiB; "?" if it does not answer.

With --policies it shows what the policies want, too. MISSING says since when a room should
be recorded and is not, as far as the server knows.

Exit code 3: a room should be recorded and is not.`,
		UsageText: `  sealtape fleet status --policies /etc/sealtape/policies
  sealtape fleet status board-may --json`,
		Flags:  append([]cli.Flag{o.policiesFlag()}, append(o.serverFlags(), o.JSONFlag())...),
		Action: flags.Action(&o, access.WithHome(runFleetStatus), flags.Argument{Name: "ROOM", To: &o.room, Optional: true}),
	}
}

type fleetStatusOptions struct {
	serverOptions
	flags.JSONOption
	room string
}

// A fleetRoomJSON is a room of "fleet status --json".
type fleetRoomJSON struct {
	Room      string              `json:"room"`
	SID       string              `json:"sid"`
	People    int                 `json:"people"`
	Policy    string              `json:"policy,omitempty"`
	Wanted    bool                `json:"wanted"`
	Undecided string              `json:"undecided,omitempty"`
	Off       bool                `json:"off"`
	Missing   bool                `json:"missing"`
	Since     *time.Time          `json:"missing_since,omitempty"`
	Recorders []fleetRecorderJSON `json:"recorders"`
}

type fleetRecorderJSON struct {
	Identity  string `json:"identity"`
	State     string `json:"state"`
	Recording string `json:"recording,omitempty"`
	Answered  bool   `json:"answered"`
	Name      string `json:"name,omitempty"`
	Words     string `json:"words,omitempty"`
	Verified  bool   `json:"verified"`
	Backlog   *int64 `json:"backlog_bytes,omitempty"`
}

func runFleetStatus(ctx context.Context, e *ui.Env, home *keys.Home, o *fleetStatusOptions) error {
	policies, err := o.policies()
	if err != nil {
		return err
	}
	server, err := o.open(e)
	if err != nil {
		return err
	}
	var names []string
	if o.room != "" {
		names = []string{o.room}
	}
	seen, err := watch.Survey(ctx, server, o.agent, policies, names...)
	if err != nil {
		return o.explainServer(err)
	}
	rooms := make([]fleetRoomJSON, len(seen))
	var g errgroup.Group
	g.SetLimit(askedAtOnce)
	for i, s := range seen {
		rooms[i] = fleetRoomOf(s)
		for j := range rooms[i].Recorders {
			g.Go(func() error {
				rooms[i].Recorders[j].ask(ctx, caller{server, home}, s.Name)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if o.JSON {
		if err := e.JSON(rooms); err != nil {
			return err
		}
	} else if err := showFleet(e, rooms); err != nil {
		return err
	}
	missing := 0
	for _, r := range rooms {
		if r.Missing {
			missing++
		}
	}
	if missing > 0 {
		return ui.ExitWith(ui.ExitIncomplete, nil)
	}
	return nil
}

func fleetRoomOf(s watch.Seen) fleetRoomJSON {
	r := fleetRoomJSON{Room: s.Name, SID: s.SID, People: s.People, Wanted: s.Policy != nil, Off: s.Off, Recorders: []fleetRecorderJSON{}}
	if s.Policy != nil {
		r.Policy = s.Policy.Name
	}
	if s.Err != nil {
		r.Undecided = s.Err.Error()
	}
	r.Missing = (r.Wanted || s.Err != nil) && len(s.Recorders) == 0
	if !s.Since.IsZero() {
		since := s.Since.UTC().Truncate(time.Second)
		r.Since = &since
	}
	for _, rec := range s.Recorders {
		r.Recorders = append(r.Recorders, fleetRecorderJSON{Identity: rec.Identity, State: rec.State, Recording: rec.Recording, Words: rec.Words})
	}
	return r
}

// ask fills in what the recorder answers itself.
func (r *fleetRecorderJSON) ask(ctx context.Context, c caller, room string) {
	a, verified, err := c.ask(ctx, room, r.Identity)
	if err != nil {
		return // what the server shows of it stays
	}
	backlog := int64(a.Backlog) << 20
	r.Answered, r.Verified, r.Backlog = true, verified, &backlog
	r.State, r.Recording, r.Name, r.Words = a.State, a.Recording, a.Card.Name, a.Card.Fingerprint().String()
}

// showFleet shows rooms as a table.
func showFleet(e *ui.Env, rooms []fleetRoomJSON) error {
	if len(rooms) == 0 {
		e.Notef("The server has no rooms now.")
		return nil
	}
	rows := [][]string{{"ROOM", "PEOPLE", "WANTED", "STATE", "MISSING", "BY", "BACKLOG", "RECORDING"}}
	for _, r := range rooms {
		wanted := cmp.Or(r.Policy, "-")
		switch {
		case r.Undecided != "":
			wanted = "two policies"
		case r.Off:
			wanted = "off"
		}
		missing := "-"
		if r.Missing {
			missing = "yes"
			if r.Since != nil {
				missing = ui.Length(time.Since(*r.Since))
			}
		}
		row := []string{ui.Clean(r.Room), strconv.Itoa(r.People), ui.Clean(wanted), "-", missing, "-", "-", "-"}
		if len(r.Recorders) == 0 {
			rows = append(rows, row)
		}
		for _, rec := range r.Recorders {
			by := "(" + ui.Clean(cmp.Or(rec.Name, rec.Identity)) + ")"
			if rec.Verified {
				by = ui.Clean(rec.Name)
			}
			backlog := "?"
			if rec.Backlog != nil {
				backlog = ui.Size(*rec.Backlog)
			}
			rows = append(rows, []string{row[0], row[1], row[2], cmp.Or(ui.Clean(rec.State), "?"), "-", by, backlog, cmp.Or(ui.Clean(rec.Recording), "-")})
		}
	}
	return e.Table(rows)
}
