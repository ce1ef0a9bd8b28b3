package members

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

// ErrLeft is returned by Wait when the member is out of the room.
var ErrLeft = errors.New("the member has left the room")

// Participants returns the identities of all others that the member ever saw
// in the room, sorted.
func (m *Member) Participants() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.seen))
}

// Seen tells when the participant was first listed to this member, and when it
// left, the zero time if it has not. ok is false for one never seen.
func (m *Member) Seen(identity string) (from, left time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, ok = m.seen[identity]
	return from, m.left[identity], ok
}

// Attributes returns the participant's attributes as last seen, nil if it was
// never seen.
func (m *Member) Attributes(identity string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.attrs[identity])
}

// Messages returns the chat texts that arrived on the topic lk.chat, in order.
func (m *Member) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.messages)
}

// Wait returns nil as soon as cond, called whenever the member saw something
// new, is true. It returns ctx's error, or ErrLeft, when that comes first.
//
//	err := m.Wait(ctx, func() bool { return len(m.Messages()) > 0 })
func (m *Member) Wait(ctx context.Context, cond func() bool) error {
	for {
		m.mu.Lock()
		changed := m.changed
		m.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-m.done:
			if cond() {
				return nil
			}
			return ErrLeft
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wake lets Wait look again. m.mu is held.
func (m *Member) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// callbacks are called by the SDK, from its own goroutines.
func (m *Member) callbacks() *lksdk.RoomCallback {
	cb := lksdk.NewRoomCallback()
	cb.OnParticipantConnected = func(p *lksdk.RemoteParticipant) { m.note(p) }
	cb.OnParticipantDisconnected = func(p *lksdk.RemoteParticipant) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.left[p.Identity()] = time.Now()
		m.proof.left(p.Identity())
		m.wake()
	}
	cb.OnDataPacket = func(data lksdk.DataPacket, from lksdk.DataReceiveParams) {
		if p, ok := data.(*lksdk.UserDataPacket); ok {
			m.proof.receive(p.Topic, from.SenderIdentity, p.Payload)
		}
	}
	cb.OnAttributesChanged = func(_ map[string]string, p lksdk.Participant) { m.note(p) }
	cb.OnDisconnected = m.end
	return cb
}

// note remembers that p is in the room, as it is now.
func (m *Member) note(p lksdk.Participant) {
	if m.room.LocalParticipant != nil && p.Identity() == m.room.LocalParticipant.Identity() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seen[p.Identity()]; !ok {
		m.seen[p.Identity()] = time.Now()
	}
	delete(m.left, p.Identity())
	m.proof.joined(p.Identity())
	m.attrs[p.Identity()] = maps.Clone(p.Attributes())
	m.wake()
}

// onChat runs in a goroutine of the SDK's, which Leave's Disconnect ends.
func (m *Member) onChat(r *lksdk.TextStreamReader, from string) {
	text := r.ReadAll()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, Message{From: from, Text: text, At: time.Now()})
	m.wake()
}
