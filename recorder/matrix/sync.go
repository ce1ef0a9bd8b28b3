package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// A Batch is what one answer to /sync brought.
type Batch struct {
	// Messages are to-device events that are the caller's business: the encrypted
	// ones but those that this package handles, and what belongs to verifications.
	Messages []Message
	Rooms    []Room
	// First says that this is the first answer of this Sync: what it tells of rooms may
	// have happened long ago.
	First bool
}

// A Room is what is new in a room.
type Room struct {
	ID      id.RoomID
	Invited bool // by an event of State
	Left    bool // or banned
	// State is what changed before Timeline began; Gap says that between the last
	// Timeline and this one events are missing.
	State    []*event.Event
	Timeline []RoomEvent
	Gap      bool
}

// syncFilter leaves out what nobody here reads.
const syncFilter = `{"presence":{"types":[]},"account_data":{"types":[]},"room":{"timeline":{"limit":50},"ephemeral":{"types":[]},"account_data":{"types":[]}}}`

// How /sync is asked: how long the homeserver may wait for something to happen,
// and how long to wait after a failure. Most homeservers that are away are only
// started again, and who comes to a call then should not miss much of the recording.
const (
	syncTimeout  = 30 * time.Second
	firstBackoff = time.Second
	restartTime  = time.Minute // for which it stays at the first
	maxBackoff   = 30 * time.Second
	// minStep is how long one question takes, at least: a homeserver that does not wait
	// must not make this process write its state without end.
	minStep = 50 * time.Millisecond
)

// Sync follows what happens until the context ends, whose error it returns, or
// this device was logged out (ErrLoggedOut), or handle fails, whose error it
// returns, or the state cannot be written. If the homeserver cannot be reached, it
// goes on asking.
//
// handle gets what came, in order. What of Batch.Messages was given to a handle that
// did not return nil comes again, also in another process; events of rooms do not.
// Who asks for a verification meanwhile is refused: Verify does those.
func (a *Account) Sync(ctx context.Context, handle func(context.Context, *Batch) error) error {
	r := &refuser{a: a}
	return a.follow(ctx, nil, func(ctx context.Context, b *Batch) error {
		r.take(ctx, b, "")
		return handle(ctx, b)
	})
}

// follow is Sync without an answer to requests for verification. The messages that keep
// returns true for, if it is not nil, come again, to whoever follows next.
func (a *Account) follow(ctx context.Context, keep func(Message) bool, handle func(context.Context, *Batch) error) error {
	deliver := func(b *Batch) error { return a.deliver(ctx, b, keep, handle) }
	if err := deliver(&Batch{}); err != nil {
		return err
	}
	backoff, first, answered := firstBackoff, true, time.Now()
	for {
		least := time.NewTimer(minStep)
		batch, err := a.step(ctx, syncTimeout)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err == nil:
			backoff, batch.First, first, answered = firstBackoff, first, false, time.Now()
			if err := deliver(batch); err != nil {
				return err
			}
			select {
			case <-least.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		case errors.Is(err, ErrLoggedOut) || errors.Is(err, errSave):
			return err
		}
		a.log.Warn("the homeserver did not answer", "err", err, "again", backoff)
		timer := time.NewTimer(backoff + rand.N(backoff/4))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		if time.Since(answered) > restartTime+syncTimeout {
			backoff = min(2*backoff, maxBackoff)
		}
	}
}

// errSave is that of a state that could not be written: going on would lose what
// the homeserver then forgets.
var errSave = errors.New("the Matrix state could not be written")

// step asks once, takes in the answer and saves.
func (a *Account) step(ctx context.Context, timeout time.Duration) (*Batch, error) {
	a.mu.Lock()
	since := a.state.Next
	a.mu.Unlock()
	if since == "" {
		timeout = 0
	}
	ask, cancel := context.WithTimeout(ctx, timeout+time.Minute)
	defer cancel()
	request := syncRequest(since)
	request.Timeout = int(timeout.Milliseconds())
	resp, err := a.client.FullSyncRequest(ask, request)
	if err != nil {
		return nil, loggedOut(err)
	}
	if resp == nil || resp.NextBatch == "" {
		return nil, errors.New("the homeserver's answer is none")
	}
	batch, wedged := a.take(ctx, resp)
	a.mu.Lock()
	err = a.save()
	a.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSave, err)
	}
	// What follows may fail and is tried again: stale devices stay so, and the next
	// answer counts the one-time keys again.
	err = a.refresh(ctx)
	renew, faulty := a.keepFallback(wantsFallback(resp), time.Now())
	err = errors.Join(err, faulty)
	if left := resp.DeviceOTKCount.SignedCurve25519; left < minOneTime || renew {
		err = errors.Join(err, a.upload(ctx, left))
	}
	err = errors.Join(err, a.unwedge(ctx, wedged))
	if err != nil {
		a.log.Warn("could not keep up with devices", "err", loggedOut(err))
	}
	return batch, nil
}

func syncRequest(since string) mautrix.ReqSync {
	return mautrix.ReqSync{Since: since, FilterID: syncFilter, SetPresence: event.PresenceOffline}
}

// minOneTime is how many one-time keys should be at the homeserver, at least.
const minOneTime = 40

// take takes in an answer, all in memory.
func (a *Account) take(ctx context.Context, resp *mautrix.RespSync) (*Batch, map[id.Curve25519]id.UserID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state
	s.Next = resp.NextBatch // whoever saves from here on saves what it brought, too
	batch, wedged := &Batch{}, make(map[id.Curve25519]id.UserID)
	for _, user := range resp.DeviceLists.Changed {
		if p := s.Peers[user]; p != nil {
			p.Stale, p.away = true, time.Time{}
		}
	}
	for _, user := range resp.DeviceLists.Left {
		if p := s.Peers[user]; p != nil {
			p.Stale = true // no news come of them; what is known and pinned stays
		}
	}
	for _, e := range resp.ToDevice.Events {
		if e != nil {
			a.toDevice(e, wedged)
		}
	}
	// Of rooms that this account is not in, nothing is kept: anybody may invite.
	for room, r := range resp.Rooms.Invite {
		if r == nil {
			continue
		}
		batch.Rooms = append(batch.Rooms, Room{ID: room, Invited: true, State: stateEvents(r.State.Events)})
	}
	for room, r := range resp.Rooms.Leave {
		if r == nil {
			continue
		}
		batch.Rooms = append(batch.Rooms, Room{ID: room, Left: true, State: stateEvents(r.State.Events), Timeline: a.timeline(ctx, room, r.Timeline.Events), Gap: r.Timeline.Limited})
		s.leave(room)
	}
	for room, r := range resp.Rooms.Join {
		if r == nil {
			continue
		}
		// Sticky events that are not in the timeline come beside it, and are older.
		s.stick(room, r.Sticky.Events, r.Timeline.Events)
		events := append(slices.Clone(r.Sticky.Events), r.Timeline.Events...)
		batch.Rooms = append(batch.Rooms, Room{ID: room, State: a.states(ctx, room, r.State.Events), Timeline: a.timeline(ctx, room, events), Gap: r.Timeline.Limited})
	}
	return batch, wedged
}

// toDevice takes in a to-device event. One that somebody else is to handle goes
// into the inbox. Called locked.
func (a *Account) toDevice(e *event.Event, wedged map[id.Curve25519]id.UserID) {
	s := a.state
	if e.Type.Type != event.ToDeviceEncrypted.Type {
		switch {
		case strings.HasPrefix(e.Type.Type, "m.key.verification.") && len(e.Content.VeryRaw) <= maxMessage:
			s.put(Message{Sender: e.Sender, Type: e.Type.Type, Content: slices.Clone(e.Content.VeryRaw), Received: time.Now()})
		case rtc.IsKey(e.Type.Type): // to be told of, and not to be used
			s.put(Message{Sender: e.Sender, Type: e.Type.Type, Content: json.RawMessage(`{}`), Received: time.Now()})
		}
		return
	}
	var m *Message
	var key id.Curve25519
	var err error
	if fault := contain(func() { m, key, err = s.decrypt(e.Sender, e.Content.VeryRaw) }); fault != nil {
		err = fault
	}
	if err != nil {
		if errors.Is(err, errWedged) {
			wedged[key] = e.Sender
			a.trackSender(e.Sender)
		}
		a.log.Debug("a message from another device was dropped", "err", err)
		return
	}
	a.trackSender(m.Sender)
	if p := s.Peers[m.Sender]; p != nil && p.by(m.Identity, m.Signing) == nil {
		p.Stale, p.away = true, time.Time{} // a device that is not known yet
	}
	switch m.Type {
	case "m.room_key":
		if fault := contain(func() { s.roomKey(m) }); fault != nil {
			a.log.Warn("a room key could not be read", "err", fault)
		}
	case "m.dummy": // it made a new session, and that was all
	default:
		s.put(*m)
	}
}

// put adds to the inbox, which keeps the newest, and of one sender so many only: anybody may send.
// Where there is no room for all, those go first who share no room with this account.
func (s *state) put(m Message) {
	if len(m.Content) == 0 || len(m.Content) > maxContent || !json.Valid(m.Content) {
		return
	}
	count, oldest, size := 0, -1, len(m.Content)
	for i, o := range s.Inbox {
		size += len(o.Content)
		if o.Sender == m.Sender && o.Encrypted == m.Encrypted {
			if count++; oldest < 0 {
				oldest = i
			}
		}
	}
	if count >= maxOfSender {
		size -= len(s.Inbox[oldest].Content)
		s.Inbox = slices.Delete(s.Inbox, oldest, oldest+1)
	}
	s.Inbox = append(s.Inbox, m)
	for size > maxInboxBytes || len(s.Inbox) > maxInbox {
		drop := max(0, slices.IndexFunc(s.Inbox, func(m Message) bool { return !s.meets(m.Sender) }))
		size -= len(s.Inbox[drop].Content)
		s.Inbox = slices.Delete(s.Inbox, drop, drop+1)
	}
}

// states takes in state events. Called locked.
func (a *Account) states(ctx context.Context, room id.RoomID, events []*event.Event) []*event.Event {
	out := stateEvents(events)
	for _, e := range out {
		a.stateEvent(ctx, room, e)
	}
	return out
}

// stateEvents returns those that are state events.
func stateEvents(events []*event.Event) []*event.Event {
	var out []*event.Event
	for _, e := range events {
		if e != nil && e.StateKey != nil {
			e.Type.Class = event.StateEventType
			out = append(out, e)
		}
	}
	return out
}

// leave forgets a room that this account is not in any more.
func (s *state) leave(room id.RoomID) {
	delete(s.Rooms.Members, room)
	delete(s.Rooms.MembersFetched, room)
	delete(s.Rooms.PowerLevels, room)
	delete(s.Rooms.Encryption, room)
	delete(s.Rooms.Create, room)
	delete(s.Rooms.JoinRules, room)
	delete(s.Rooms.HistoryVisibility, room)
	delete(s.Sticky, room)
	delete(s.outbound, room)
}

func (a *Account) stateEvent(ctx context.Context, room id.RoomID, e *event.Event) {
	e.RoomID, e.Type.Class = room, event.StateEventType
	// Content that is not what its type says stays raw.
	if err := e.Content.ParseRaw(e.Type); err != nil && !errors.Is(err, event.ErrUnsupportedContentType) && !errors.Is(err, event.ErrContentAlreadyParsed) {
		return
	}
	kept := e
	if m, ok := e.Content.Parsed.(*event.MemberEventContent); ok && m != nil {
		// Names are roomState's, and may be long.
		of := *e
		of.Content.Parsed, kept = &event.MemberEventContent{Membership: m.Membership}, &of
	}
	mautrix.UpdateStateStore(ctx, a.state.Rooms, kept)
}

// timeline takes in the events of a room's timeline. Called locked.
func (a *Account) timeline(ctx context.Context, room id.RoomID, events []*event.Event) []RoomEvent {
	var out []RoomEvent
	for _, e := range events {
		if e == nil {
			continue
		}
		if e.StateKey != nil {
			a.stateEvent(ctx, room, e)
		}
		var r RoomEvent
		var err error
		if fault := contain(func() { r, err = a.state.read(room, e) }); fault != nil {
			r, err = RoomEvent{Event: e}, fault
		}
		if err != nil {
			a.log.Debug("an event of a room could not be read", "err", err)
		}
		out = append(out, r)
	}
	return out
}

// deliver gives a batch to handle, with all messages that wait but those that are kept.
func (a *Account) deliver(ctx context.Context, batch *Batch, keep func(Message) bool, handle func(context.Context, *Batch) error) error {
	a.mu.Lock()
	var kept []Message
	for _, m := range a.state.Inbox {
		if keep != nil && keep(m) {
			kept = append(kept, m)
		} else {
			batch.Messages = append(batch.Messages, m)
		}
	}
	a.mu.Unlock()
	if len(batch.Messages) == 0 && len(batch.Rooms) == 0 && !batch.First {
		return nil
	}
	if err := handle(ctx, batch); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state.Inbox = kept // only Sync adds to it
	if len(batch.Messages) == 0 {
		return nil
	}
	if err := a.save(); err != nil {
		return fmt.Errorf("%w: %w", errSave, err)
	}
	return nil
}
