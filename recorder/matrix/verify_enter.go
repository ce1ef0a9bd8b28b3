package matrix

import (
	"context"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// invitedFilter is for a look at what this account was invited to.
const invitedFilter = `{"presence":{"types":[]},"account_data":{"types":[]},"room":{"timeline":{"limit":1,"types":[]},"state":{"types":[]},"ephemeral":{"types":[]},"account_data":{"types":[]}}}`

// invitations enters the rooms that they invited this account to before: Sync tells
// of each invitation once.
func (w *verifier) invitations(ctx context.Context) error {
	resp, err := w.a.client.FullSyncRequest(ctx, mautrix.ReqSync{FilterID: invitedFilter, SetPresence: event.PresenceOffline})
	if err != nil {
		return fmt.Errorf("could not ask for invitations: %w", loggedOut(err))
	}
	for room, r := range resp.Rooms.Invite {
		if r == nil {
			continue
		}
		if err := w.enter(ctx, room, true, r.State.Events); err != nil {
			return err
		}
	}
	return nil
}

// enter enters a room that they invite to: their client makes one to ask in, if
// there is none for the two. Others' invitations are left alone.
func (w *verifier) enter(ctx context.Context, room id.RoomID, invited bool, state []*event.Event) error {
	if !invited || w.entered >= maxEntered {
		return nil
	}
	for _, e := range state {
		if e == nil || e.Type.Type != event.StateMember.Type || e.StateKey == nil || *e.StateKey != string(w.own.User) || e.Sender != w.other.User {
			continue
		}
		w.entered++
		if _, err := w.a.client.JoinRoomByID(ctx, room); err != nil {
			w.a.log.Warn("could not enter a room of who is to be verified", "room", room, "err", loggedOut(err))
		}
		return nil
	}
	return nil
}
