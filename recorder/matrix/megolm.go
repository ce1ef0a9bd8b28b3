package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

var (
	errNoRoomKey  = errors.New("no key came for the message")
	errReplayed   = errors.New("the message was another event before")
	errNotMembers = errors.New("there is nobody in the room that can read it")
)

// roomKey takes a key that a device gave for its messages in a room. Called locked.
func (s *state) roomKey(m *Message) {
	var v struct {
		Algorithm id.Algorithm `json:"algorithm"`
		Room      id.RoomID    `json:"room_id"`
		ID        id.SessionID `json:"session_id"`
		Key       string       `json:"session_key"`
	}
	if json.Unmarshal(m.Content, &v) != nil || v.Algorithm != id.AlgorithmMegolmV1 || v.Room == "" || v.Key == "" {
		return
	}
	g, err := olm.NewInboundGroupSession([]byte(v.Key))
	if err != nil || g.ID() != v.ID || s.group(v.Room, v.ID, m.Sender) != nil { // the first one counts
		return
	}
	// Each has so many, so that nobody pushes out another's.
	count, oldest := 0, -1
	for i, o := range s.groups {
		if o.sender == m.Sender {
			if count++; oldest < 0 {
				oldest = i
			}
		}
	}
	if count >= maxGroupsUser {
		s.groups = slices.Delete(s.groups, oldest, oldest+1)
	}
	s.groups = append(last(s.groups, maxGroups-1), &group{InboundGroupSession: g, room: v.Room, id: v.ID, senderKey: m.Identity, signing: m.Signing, sender: m.Sender})
}

// group returns a session that its sender gave. Who got it from them can pass it on, and
// must not keep theirs out by that.
func (s *state) group(room id.RoomID, session id.SessionID, sender id.UserID) *group {
	for _, g := range s.groups {
		if g.room == room && g.id == session && g.sender == sender {
			return g
		}
	}
	return nil
}

// A RoomEvent is an event of a room, as far as it could be decrypted.
type RoomEvent struct {
	*event.Event
	rtc.Author
	relates json.RawMessage // m.relates_to beside what is encrypted: the homeserver's word
	again   bool            // of one that came encrypted: it came before, and says nothing new
}

// read decrypts an event of a room. One that cannot be decrypted stays what it is,
// m.room.encrypted. Called locked.
func (s *state) read(room id.RoomID, e *event.Event) (RoomEvent, error) {
	e.RoomID = room
	if e.Type.Type != event.EventEncrypted.Type || e.StateKey != nil {
		return RoomEvent{Event: e}, nil
	}
	var c struct {
		Algorithm  id.Algorithm `json:"algorithm"`
		Session    id.SessionID `json:"session_id"`
		Ciphertext string       `json:"ciphertext"`
		// Some say only here what an event relates to, where the homeserver could
		// change it.
		Relates json.RawMessage `json:"m.relates_to"`
	}
	if json.Unmarshal(e.Content.VeryRaw, &c) != nil || c.Algorithm != id.AlgorithmMegolmV1 || len(c.Ciphertext) > 2*maxMessage {
		return RoomEvent{Event: e}, errNoRoomKey
	}
	g := s.group(room, c.Session, e.Sender)
	if g == nil {
		return RoomEvent{Event: e}, errNoRoomKey
	}
	plain, index, err := g.Decrypt([]byte(c.Ciphertext))
	if err != nil {
		return RoomEvent{Event: e}, errNoRoomKey
	}
	again, ok := s.once(groupIndex{Session: c.Session, Index: index, Event: e.ID, Time: e.Timestamp, Sender: e.Sender})
	if !ok {
		return RoomEvent{Event: e}, errReplayed
	}
	var p struct {
		Room    id.RoomID       `json:"room_id"`
		Type    string          `json:"type"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(plain, &p) != nil || p.Room != room || p.Type == "" {
		return RoomEvent{Event: e}, errForged
	}
	out := *e
	out.Type = event.Type{Type: p.Type, Class: event.MessageEventType}
	out.Content = event.Content{VeryRaw: p.Content}
	if err := json.Unmarshal(p.Content, &out.Content.Raw); err != nil {
		return RoomEvent{Event: e}, errForged
	}
	return RoomEvent{Event: &out, Author: rtc.Author{Encrypted: true, Identity: g.senderKey, Signing: g.signing}, relates: c.Relates, again: again}, nil
}

// once remembers which event a message is, and reports whether it came before, and was no
// other one then. mautrix's own store cannot be restored.
func (s *state) once(g groupIndex) (again, ok bool) {
	for _, o := range s.Indices {
		if o.Session == g.Session && o.Index == g.Index && o.Sender == g.Sender {
			return true, o == g
		}
	}
	s.Indices = append(last(s.Indices, maxIndices-1), g)
	return false, true
}

// An outbound is this device's own Megolm session in a room.
type outbound struct {
	olm.OutboundGroupSession
	since  time.Time
	shared map[Target]bool
}

// A session is used for so many messages and so long, as the Matrix specification
// suggests where a room does not.
const (
	maxUse = 100
	maxAge = 7 * 24 * time.Hour
)

// Write sends an encrypted event into a room. Those devices can read it that are
// signed by their users and known by now (MSC4153): none that only the homeserver
// vouches for.
func (a *Account) Write(ctx context.Context, room id.RoomID, kind event.Type, content any, extra ...mautrix.ReqSendEvent) (id.EventID, error) {
	a.mu.Lock()
	users := a.state.members(room)
	a.track(users...)
	a.mu.Unlock()
	if err := a.refresh(ctx); err != nil {
		return "", err
	}
	key, to := a.shareWith(room, users)
	var sent []Target
	var err error
	if len(to) > 0 {
		if sent, err = a.Send(ctx, "m.room_key", key, to...); err != nil {
			return "", err
		}
	}
	a.mu.Lock()
	for _, t := range sent {
		if o := a.state.outbound[room]; o != nil && o.ID() == key["session_id"] {
			o.shared[t] = true
		}
	}
	encrypted, err := a.encryptRoom(room, kind, content)
	a.mu.Unlock()
	if err != nil {
		return "", err
	}
	resp, err := a.client.SendMessageEvent(ctx, room, event.EventEncrypted, encrypted, extra...)
	if err != nil {
		return "", fmt.Errorf("could not send to the room: %w", err)
	}
	return resp.EventID, nil
}

// members returns who is in a room or invited to it. That of the store returns those who
// left, too. Called locked.
func (s *state) members(room id.RoomID) (users []id.UserID) {
	for user, m := range s.Rooms.Members[room] {
		if m != nil && (m.Membership == event.MembershipJoin || m.Membership == event.MembershipInvite) {
			users = append(users, user)
		}
	}
	return users
}

// shareWith returns the key of the room's session and who lacks it. Who is gone
// must not read what comes: then there is a new session.
func (a *Account) shareWith(room id.RoomID, users []id.UserID) (key map[string]any, to []Target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	want := make(map[Target]bool)
	for _, user := range users {
		p := a.state.Peers[user]
		if p == nil {
			continue
		}
		for name, d := range p.Devices {
			if p.standing(d) >= Signed && (user != a.state.User || name != a.state.Device) {
				want[Target{user, name}] = true
			}
		}
	}
	o := a.state.outbound[room]
	if o != nil {
		for t := range o.shared {
			if !want[t] {
				o = nil
				break
			}
		}
	}
	if o == nil || o.MessageIndex() >= maxUse || time.Since(o.since) > maxAge {
		s, err := olm.NewOutboundGroupSession()
		if err != nil {
			return nil, nil
		}
		o = &outbound{OutboundGroupSession: s, since: time.Now(), shared: make(map[Target]bool)}
		a.state.outbound[room] = o
	}
	for _, t := range slices.Collect(maps.Keys(want)) {
		if !o.shared[t] {
			to = append(to, t)
		}
	}
	return map[string]any{"algorithm": id.AlgorithmMegolmV1, "room_id": room, "session_id": o.ID(), "session_key": o.Key()}, to
}

// encryptRoom encrypts an event for a room. Called locked.
func (a *Account) encryptRoom(room id.RoomID, kind event.Type, content any) (any, error) {
	o := a.state.outbound[room]
	if o == nil {
		return nil, errNotMembers
	}
	plain, err := json.Marshal(map[string]any{"room_id": room, "type": kind.Type, "content": content})
	if err != nil {
		return nil, err
	}
	body, err := o.Encrypt(plain)
	if err != nil {
		return nil, err
	}
	_, identity, err := a.state.account.IdentityKeys()
	if err != nil {
		return nil, err
	}
	return map[string]any{"algorithm": id.AlgorithmMegolmV1, "ciphertext": string(body), "session_id": o.ID(),
		"sender_key": identity, "device_id": a.state.Device}, nil
}
