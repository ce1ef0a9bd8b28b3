package matrix

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/token"
)

// A Health is what the homeserver says of an account's device.
type Health struct {
	Signed      bool   // cross-signed: by the user's self-signing key, and that by Master
	Master      string // the user's master key that others are shown, "" for none
	OneTimeKeys int    // that others have not used yet
	Delayed     bool   // it has delayed events (MSC4140): it ends a membership for who died
	Sticky      bool   // it has sticky events (MSC4354)
	Rooms       []RoomHealth
}

// A RoomHealth is a room that the account is in, or is invited to.
type RoomHealth struct {
	ID, Alias, Name string // the last two "" for none
	Invited         bool   // and not in it: then nothing else is known
	// Lacks are what a recorder would need there: ErrNotEncrypted, a *rtc.PowerError.
	Lacks []error
	// Services are the token services that members of its call name now, rtc.MaxServices at most.
	Services []string
}

// maxRooms bounds the rooms of a Health.
const maxRooms = 1000

// lookFilter has what a RoomHealth is made of, and nobody's messages.
const lookFilter = `{"presence":{"types":[]},"account_data":{"types":[]},"room":{"timeline":{"limit":1},"ephemeral":{"types":[]},"account_data":{"types":[]},` +
	`"state":{"types":["m.room.name","m.room.canonical_alias","m.room.encryption","m.room.power_levels","m.room.create","org.matrix.msc3401.call.member"]}}}`

// Health asks the homeserver of an account how it stands, and changes nothing there or
// here: also while another process uses the account. If the device was logged out, the
// error is ErrLoggedOut.
func (h Home) Health(ctx context.Context, user string) (Health, error) {
	a, err := h.peek(user)
	if err != nil {
		return Health{}, err
	}
	defer a.client.Client.CloseIdleConnections()
	var out Health
	if err := a.askKeys(ctx, &out); err != nil {
		return Health{}, loggedOut(err)
	}
	versions, err := a.client.Versions(ctx)
	if err != nil {
		return Health{}, fmt.Errorf("could not ask what the homeserver can: %w", err)
	}
	out.Delayed, out.Sticky = versions.UnstableFeatures["org.matrix.msc4140"], versions.UnstableFeatures["org.matrix.msc4354"]
	// Without a place to go on from, the homeserver forgets nothing that it tells.
	resp, err := a.client.FullSyncRequest(ctx, mautrix.ReqSync{FilterID: lookFilter, SetPresence: event.PresenceOffline})
	if err != nil {
		return Health{}, fmt.Errorf("could not ask for the rooms: %w", loggedOut(err))
	}
	for room, r := range resp.Rooms.Invite {
		if r == nil {
			continue
		}
		out.add(a, room, true, r.State.Events)
	}
	for room, r := range resp.Rooms.Join {
		if r == nil {
			continue
		}
		out.add(a, room, false, slices.Concat(r.State.Events, r.Timeline.Events))
	}
	slices.SortFunc(out.Rooms, func(a, b RoomHealth) int { return cmp.Or(cmp.Compare(a.Alias, b.Alias), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// askKeys asks for the device's keys as others see them.
func (a *Account) askKeys(ctx context.Context, out *Health) error {
	answer, err := a.query(ctx, []id.UserID{a.state.User})
	if err != nil {
		return err
	}
	signing, identity, err := a.state.account.IdentityKeys()
	if err != nil {
		return err
	}
	own, err := a.publicMaster()
	if err != nil {
		return err
	}
	p := &peer{First: own}
	if fault := contain(func() {
		p.take(a.state.User, answer.Devices[a.state.User], answer.Master[a.state.User], answer.Self[a.state.User], a.userSigning())
	}); fault != nil {
		return fault
	}
	d := p.by(identity, signing)
	out.Master, out.Signed = string(p.Master), own != "" && d != nil && d.ID == a.state.Device && p.standing(d) != Unsigned
	var left struct {
		Counts map[string]int `json:"one_time_key_counts"`
	}
	if _, err := a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "upload"), struct{}{}, &left); err != nil {
		return fmt.Errorf("could not ask for the one-time keys: %w", err)
	}
	out.OneTimeKeys = left.Counts["signed_curve25519"]
	return nil
}

// add adds a room, as its state says.
func (out *Health) add(a *Account, room id.RoomID, invited bool, events []*event.Event) {
	if len(out.Rooms) == maxRooms {
		return
	}
	r, state := RoomHealth{ID: string(room), Invited: invited}, rtc.NewRoom()
	for _, e := range events {
		if e == nil || e.StateKey == nil {
			continue
		}
		e.RoomID = room
		state.Take(e)
		switch {
		case e.Type.Type == "m.room.name":
			r.Name = rtc.PlainName(text(e, "name"))
		case e.Type.Type == "m.room.canonical_alias":
			r.Alias = rtc.PlainName(text(e, "alias"))
		case e.Type.Type == rtc.StateMember.Type && e.Sender != a.state.User:
			if m, left, err := rtc.ReadMember(e); err == nil && !left {
				for _, s := range m.Services {
					if !slices.Contains(r.Services, s) && len(r.Services) < rtc.MaxServices {
						r.Services = append(r.Services, s)
					}
				}
			}
		}
	}
	if !invited {
		if !state.Encrypted {
			r.Lacks = append(r.Lacks, ErrNotEncrypted)
		}
		r.Lacks = append(r.Lacks, state.Lacks(a.state.User)...)
	}
	out.Rooms = append(out.Rooms, r)
}

// A Trial is what a token service gave for a room.
type Trial struct {
	LiveKit string // URL of the server that it leads to
	Data    bool   // the token lets its owner send data
}

// TryService asks a token service for a token for a room's call, as a member of it by a state
// event would, and does not use it. listed are the services that may be asked, as in a
// CallConfig. What the service says is a *token.Error.
func (h Home) TryService(ctx context.Context, user, room, service string, listed []string) (Trial, error) {
	a, err := h.peek(user)
	if err != nil {
		return Trial{}, err
	}
	defer a.client.Client.CloseIdleConnections()
	if err := a.reach(listed).Check(ctx, service); err != nil {
		return Trial{}, &token.Error{Service: service, Err: err}
	}
	openID, err := (&Call{a: a}).openID(ctx)
	if err != nil {
		return Trial{}, err
	}
	t, err := token.Ask(ctx, a.reach(listed), service, "/sfu/get", map[string]any{"room": room, "device_id": a.state.Device, "openid_token": openID})
	if err != nil {
		return Trial{}, err
	}
	return Trial{LiveKit: t.URL, Data: t.AllowsData()}, nil
}

// text returns a field of an event's content that is a text.
func text(e *event.Event, field string) string {
	s, _ := e.Content.Raw[field].(string)
	return s
}
