package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/order"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// leaveTime is how long a recorder has to leave after its dispatch was deleted: the server
// throws it out after some 6 s.
const leaveTime = 15 * time.Second

// signedHelp is about orders.
const signedHelp = `The order is signed with your key, and the recorder takes it if it was started with your
card: "operator: NAME" in its policy, or --operator. Neither the server nor a member can
forge, replay or reorder it. The recorder's answer is signed, too; its card, or the fleet's
that approved it, must be pinned here.`

func fleetStartCommand() *cli.Command {
	var o fleetStartOptions
	return &cli.Command{
		Name:      "start",
		Usage:     "have a room recorded",
		ArgsUsage: "ROOM",
		Description: `Dispatches a recorder to the room, under a policy of the workers. sealtape fleet watch sees to
it that the room stays recorded while people are in it, until the recording is over. It takes
back what "sealtape fleet stop" said. A worker whose policy of this name is not for this room
declines.`,
		UsageText: `  sealtape fleet start board-may --policy board`,
		Flags: append(o.serverFlags(),
			&cli.StringFlag{Name: "policy", Destination: &o.policy, Usage: "the `NAME` of a policy: that of its file, without .yaml"}),
		Action: flags.Action(&o, runFleetStart, flags.Argument{Name: "ROOM", To: &o.room}),
	}
}

type fleetStartOptions struct {
	serverOptions
	room, policy string
}

func (o *fleetStartOptions) Check() error {
	if o.policy == "" {
		return ui.Misuse("by which policy? --policy is missing")
	}
	if err := fleet.CheckName(o.policy); err != nil {
		return ui.Misuse("--policy: %w", err)
	}
	return o.serverOptions.Check()
}

func runFleetStart(ctx context.Context, e *ui.Env, o *fleetStartOptions) error {
	server, err := o.open(e)
	if err != nil {
		return err
	}
	id, err := server.Begin(ctx, o.room, o.agent, o.policy)
	if err != nil {
		return o.explainServer(err)
	}
	e.Printf("%s\n", ui.Clean(id))
	return nil
}

func fleetStopCommand() *cli.Command {
	var o fleetStopOptions
	return &cli.Command{
		Name:      "stop",
		Usage:     "end the recording of a room",
		ArgsUsage: "ROOM",
		Description: `Deletes the dispatches of recorders in the room, so that the server ends them, and notes on the
server that the room is not to be recorded while it is open, whatever policies say;
"sealtape fleet start" takes that back.

A recorder that lost its connection once has no dispatch any more that reaches it. If it does
not leave, it gets an order to stop. ` + signedHelp,
		UsageText: `  sealtape fleet stop board-may`,
		Flags:     o.serverFlags(),
		Action:    flags.Action(&o, access.WithHome(runFleetStop), flags.Argument{Name: "ROOM", To: &o.room}),
	}
}

type fleetStopOptions struct {
	serverOptions
	room string
}

func runFleetStop(ctx context.Context, e *ui.Env, home *keys.Home, o *fleetStopOptions) error {
	server, err := o.open(e)
	if err != nil {
		return err
	}
	seen, err := o.roomNow(ctx, server, o.room)
	if err != nil {
		return err
	}
	if !seen.Off {
		if _, err := server.Dispatch(ctx, o.room, watch.Off(o.agent), "{}"); err != nil {
			return o.explainServer(err)
		}
	}
	for _, d := range seen.Dispatches {
		err = errors.Join(err, server.Delete(ctx, o.room, d.ID))
	}
	if err != nil {
		return o.explainServer(err)
	}
	left, err := o.await(ctx, server, len(seen.Dispatches) > 0)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		e.Notef("The room is not recorded any more.")
		return nil
	}
	return orderAll(ctx, e, home, caller{server, home}, o.room, left, order.Stop)
}

// await returns who still records: at once, or where somebody was told to leave, after the
// time that they may take.
func (o *fleetStopOptions) await(ctx context.Context, server *watch.LiveKit, told bool) ([]watch.Recorder, error) {
	deadline := time.Now().Add(leaveTime)
	for {
		seen, err := o.roomNow(ctx, server, o.room)
		if err != nil {
			var gone *noRoomError
			if errors.As(err, &gone) {
				return nil, nil
			}
			return nil, err
		}
		if len(seen.Recorders) == 0 || !told || time.Now().After(deadline) {
			return seen.Recorders, nil
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A noRoomError is about a room that is not open.
type noRoomError struct{ room string }

func (e *noRoomError) Error() string {
	return fmt.Sprintf("the server has no room %s now", words.Quote(e.room))
}

// roomNow returns how a room is now.
func (o *serverOptions) roomNow(ctx context.Context, server *watch.LiveKit, room string) (watch.Seen, error) {
	seen, err := watch.Survey(ctx, server, o.agent, nil, room)
	if err != nil {
		return watch.Seen{}, o.explainServer(err)
	}
	if len(seen) == 0 {
		return watch.Seen{}, ui.Hinted(&noRoomError{room}, "see which there are", "sealtape fleet status")
	}
	return seen[0], nil
}

func fleetPauseCommand() *cli.Command {
	return orderCommand(order.Pause, "pause the recording of a room: nothing is kept until it goes on",
		"The room is told, and a pause is no hole. It lasts until \"sealtape fleet resume\", or SIGUSR1.")
}

func fleetResumeCommand() *cli.Command {
	return orderCommand(order.Resume, "let the recording of a room go on", "The room is told before anything is kept.")
}

func orderCommand(do, usage, about string) *cli.Command {
	var o fleetOrderOptions
	return &cli.Command{
		Name:        do,
		Usage:       usage,
		ArgsUsage:   "ROOM",
		Description: about + "\n\n" + signedHelp,
		UsageText:   `  sealtape fleet ` + do + ` board-may`,
		Flags:       o.serverFlags(),
		Action: flags.Action(&o, access.WithHome(func(ctx context.Context, e *ui.Env, home *keys.Home, o *fleetOrderOptions) error {
			server, err := o.open(e)
			if err != nil {
				return err
			}
			seen, err := o.roomNow(ctx, server, o.room)
			if err != nil {
				return err
			}
			if len(seen.Recorders) == 0 {
				return fmt.Errorf("nobody records the room %s", words.Quote(o.room))
			}
			return orderAll(ctx, e, home, caller{server, home}, o.room, seen.Recorders, do)
		}), flags.Argument{Name: "ROOM", To: &o.room}),
	}
}

type fleetOrderOptions struct {
	serverOptions
	room string
}

// orderAll has all recorders of a room do something, and prints what they do then.
func orderAll(ctx context.Context, e *ui.Env, home *keys.Home, c caller, room string, recorders []watch.Recorder, do string) error {
	id, err := access.LoadIdentity(ctx, e, home)
	if err != nil {
		return err
	}
	for _, r := range recorders {
		a, terr := c.tell(ctx, room, r.Identity, do, id.Signer())
		if terr != nil {
			err = errors.Join(err, explainOrder(terr, r.Identity))
			continue
		}
		e.Printf("%s: %s\n", ui.Clean(a.Card.Name), a.State)
	}
	return err
}

// explainOrder adds to what became of an order what to do about it.
func explainOrder(err error, identity string) error {
	var stranger *strangerError
	if errors.As(err, &stranger) {
		return ui.Hinted(err, "pin its card, or that of the fleet that approved it; what it does is not known before", "sealtape keys add FILE")
	}
	said := err.Error()
	switch {
	case strings.Contains(said, order.ErrForbidden.Error()):
		return ui.Hinted(fmt.Errorf("the recorder %s takes no orders from you", words.Quote(identity)),
			"where it runs, pin your card and put its name after operator: in the policy, for recordings that begin then")
	case strings.Contains(said, order.ErrStale.Error()):
		return ui.Hinted(errors.New("another order came in between"), "look what it does, and try again", "sealtape fleet status")
	}
	return fmt.Errorf("nobody knows whether the recorder %s did that: %w", words.Quote(identity), err)
}
