package calls

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// A User is an account at the homeserver. Its own client here is a device without
// encryption, which makes rooms and sets what is not encrypted in them.
type User struct {
	ID       string // @name:server
	Password string
	client   *mautrix.Client
}

// Register makes an account whose name begins with name, and which no other test
// has.
func (s *Servers) Register(ctx context.Context, name string) (*User, error) {
	s.mu.Lock()
	s.names++
	name = fmt.Sprintf("%s%d", strings.ToLower(name), s.names)
	s.mu.Unlock()
	c, err := mautrix.NewClient(s.URL, "", "")
	if err != nil {
		return nil, err
	}
	c.Log = zerolog.Nop()
	u := &User{Password: "the password of " + name, client: c}
	resp, err := c.RegisterDummy(ctx, &mautrix.ReqRegister[any]{Username: name, Password: u.Password, InitialDeviceDisplayName: "test"})
	if err != nil {
		return nil, fmt.Errorf("registering %s: %w", name, err)
	}
	c.UserID, c.DeviceID, c.AccessToken = resp.UserID, resp.DeviceID, resp.AccessToken
	u.ID = string(resp.UserID)
	return u, nil
}

// A Room says what a room is like. The zero value is an encrypted one in which
// everybody may be a member of calls, and write; nobody is invited.
type Room struct {
	Name  string
	Alias string // "weekly" of #weekly:server; "" for none
	// Invite are the IDs of users.
	Invite []string
	// Clear leaves the room without encryption.
	Clear bool
	// CallPower is the power that it takes to be a member of a call, TextPower that
	// for encrypted events, which are messages and sticky memberships.
	CallPower, TextPower int
}

// CreateRoom makes a room and returns its ID.
func (u *User) CreateRoom(ctx context.Context, r Room) (string, error) {
	req := &mautrix.ReqCreateRoom{Preset: "private_chat", Name: r.Name, RoomAliasName: r.Alias,
		PowerLevelOverride: &event.PowerLevelsEventContent{Events: map[string]int{
			"org.matrix.msc3401.call.member": r.CallPower, event.EventEncrypted.Type: r.TextPower}}}
	for _, user := range r.Invite {
		req.Invite = append(req.Invite, id.UserID(user))
	}
	if !r.Clear {
		req.InitialState = []*event.Event{{Type: event.StateEncryption,
			Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}}
	}
	resp, err := u.client.CreateRoom(ctx, req)
	if err != nil {
		return "", fmt.Errorf("creating a room: %w", err)
	}
	return string(resp.RoomID), nil
}

// Join joins a room to which the user was invited.
func (u *User) Join(ctx context.Context, room string) error {
	_, err := u.client.JoinRoomByID(ctx, id.RoomID(room))
	return err
}

// Invite invites a user to a room.
func (u *User) Invite(ctx context.Context, room, user string) error {
	_, err := u.client.InviteUser(ctx, id.RoomID(room), &mautrix.ReqInviteUser{UserID: id.UserID(user)})
	return err
}

// Kick removes a user from a room.
func (u *User) Kick(ctx context.Context, room, user string) error {
	_, err := u.client.KickUser(ctx, id.RoomID(room), &mautrix.ReqKickUser{UserID: id.UserID(user)})
	return err
}

// SetPower gives a user a power in a room.
func (u *User) SetPower(ctx context.Context, room, user string, power int) error {
	const kind = "m.room.power_levels"
	all, err := u.State(ctx, room, kind)
	if err != nil {
		return err
	}
	levels := all[""]
	users, ok := levels["users"].(map[string]any)
	if !ok {
		users = make(map[string]any)
		levels["users"] = users
	}
	users[user] = power
	return u.SetState(ctx, room, kind, "", levels)
}

// SetState sends a state event, as a device without encryption can.
func (u *User) SetState(ctx context.Context, room, kind, key string, content any) error {
	_, err := u.client.SendStateEvent(ctx, id.RoomID(room), event.Type{Type: kind, Class: event.StateEventType}, key, content)
	return err
}

// State returns the content of a room's state events of a type, by their keys.
func (u *User) State(ctx context.Context, room, kind string) (map[string]map[string]any, error) {
	all, err := u.client.State(ctx, id.RoomID(room))
	if err != nil {
		return nil, err
	}
	out := make(map[string]map[string]any)
	for key, e := range all[event.Type{Type: kind, Class: event.StateEventType}] {
		out[key] = e.Content.Raw
	}
	return out, nil
}

// CallMembers returns who is in the call of a room by state events: the keys of
// those that are not empty.
func (u *User) CallMembers(ctx context.Context, room string) ([]string, error) {
	all, err := u.State(ctx, room, "org.matrix.msc3401.call.member")
	if err != nil {
		return nil, err
	}
	var list []string
	for key, content := range all {
		if len(content) > 0 {
			list = append(list, key)
		}
	}
	return list, nil
}
