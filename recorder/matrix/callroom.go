package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// ResolveRoom returns the ID of a room, and servers that know it, for an alias
// (#name:server) or an ID (!id:server, or !id). For an unknown alias the error is
// ErrNoRoom.
func (a *Account) ResolveRoom(ctx context.Context, aliasOrID string) (room id.RoomID, servers []string, err error) {
	_, server, _ := strings.Cut(aliasOrID, ":")
	switch {
	case len(aliasOrID) > maxName || len(aliasOrID) < 2:
	case aliasOrID[0] == '!':
		if server != "" {
			servers = []string{server}
		}
		return id.RoomID(aliasOrID), servers, nil
	case aliasOrID[0] == '#' && server != "":
		resp, err := a.client.ResolveAlias(ctx, id.RoomAlias(aliasOrID))
		switch {
		case errors.Is(err, mautrix.MNotFound):
			return "", nil, fmt.Errorf("%w: %s", ErrNoRoom, aliasOrID)
		case err != nil:
			return "", nil, fmt.Errorf("could not ask for %s: %w", aliasOrID, loggedOut(err))
		case resp == nil || len(resp.RoomID) < 2 || resp.RoomID[0] != '!' || len(resp.RoomID) > maxName:
			return "", nil, fmt.Errorf("could not ask for %s: the homeserver names no room", aliasOrID)
		}
		return resp.RoomID, resp.Servers[:min(len(resp.Servers), 5)], nil
	}
	return "", nil, fmt.Errorf("%w: %q is neither #name:server nor !id:server", ErrNoRoom, aliasOrID)
}

// joinRoom makes this user one who is in the room, and reads the room's state.
func (c *Call) joinRoom(ctx context.Context) error {
	err := c.load(ctx)
	if err == nil && c.isJoined() {
		return nil
	}
	if err != nil && !refusedBy(err) {
		return fmt.Errorf("could not read the room: %w", loggedOut(err))
	}
	_, err = c.a.client.JoinRoom(ctx, string(c.c.Room), &mautrix.ReqJoinRoom{Via: c.c.Servers})
	if refusedBy(err) {
		return ErrNotInvited
	}
	if err == nil {
		err = c.load(ctx)
	}
	if err != nil {
		return fmt.Errorf("could not join the room: %w", loggedOut(err))
	}
	if !c.isJoined() {
		return ErrNotInvited
	}
	return nil
}

func (c *Call) isJoined() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.room.Joined(c.a.state.User)
}

// refusedBy reports whether the homeserver does not let this user in, or knows no
// such room.
func refusedBy(err error) bool {
	e, ok := errors.AsType[mautrix.HTTPError](err)
	return ok && (e.IsStatus(http.StatusForbidden) || e.IsStatus(http.StatusNotFound))
}

// load reads the whole state of the room, in place of what is known of it.
func (c *Call) load(ctx context.Context) error {
	own := c.own.sent() // before asking: an answer that lacks it then says that it is gone
	c.mu.Lock()
	synced := c.synced
	c.mu.Unlock()
	events, err := c.a.client.StateAsArray(ctx, c.c.Room)
	if err != nil {
		return err
	}
	c.a.mu.Lock()
	events = c.a.states(ctx, c.c.Room, events)
	c.a.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.synced != synced {
		return errOvertaken
	}
	encrypted := c.room.Encrypted
	c.room = rtc.NewRoom()
	c.room.Encrypted = encrypted // it cannot be taken back, whatever the homeserver shows now
	c.roster.Forget()
	for _, e := range events {
		c.room.Take(e)
		c.roster.Take(e, rtc.Author{})
	}
	c.stale = false
	if own != "" {
		c.own.loaded(own, c.roster.Has(c.a.state.User, c.own.stateKey()))
	}
	return nil
}

// errOvertaken says that a sync brought news while the state was read, which may be
// newer.
var errOvertaken = errors.New("a sync was faster")

// reloadAfter is how long a homeserver is left alone that did not give a room's state.
const reloadAfter = 5 * time.Second

// reload reads the state again after a gap; if that fails, later.
func (c *Call) reload(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := c.load(ctx); err != nil && !errors.Is(err, errOvertaken) && ctx.Err() == nil {
		c.mu.Lock()
		c.reread = time.Now().Add(reloadAfter)
		c.mu.Unlock()
		c.a.log.Warn("could not read the room's state again", "err", loggedOut(err))
	}
}

// takeRoom takes in what is new in the room. Called locked.
func (c *Call) takeRoom(r Room, first bool) {
	if r.Invited {
		return
	}
	c.synced++
	for _, e := range r.State {
		c.event(RoomEvent{Event: e}, false)
	}
	if r.Gap {
		c.stale = true
		if !first {
			c.emit(CallEvent{Kind: Cut})
		}
	}
	for _, e := range r.Timeline {
		c.event(e, !first)
	}
	if r.Left {
		c.over = "it left"
		for _, e := range append(slices.Clone(r.State), events(r.Timeline)...) {
			if e.Type.Type == event.StateMember.Type && e.StateKey != nil && *e.StateKey == string(c.a.state.User) {
				c.over = removal(e, c.a.state.User)
			}
		}
		c.emit(CallEvent{Kind: Removed, Reason: c.over})
	}
	for i, weak := range c.weaknesses() {
		if weak != nil && c.weak[i] == nil {
			c.emit(CallEvent{Kind: Powerless, Reason: weak.Error()})
		}
		c.weak[i] = weak
	}
}

func events(list []RoomEvent) []*event.Event {
	var out []*event.Event
	for _, e := range list {
		out = append(out, e.Event)
	}
	return out
}

// removal says in words how a user came to be out of the room.
func removal(e *event.Event, user id.UserID) string {
	var m struct {
		Membership string `json:"membership"`
		Reason     string `json:"reason"`
	}
	if json.Unmarshal(e.Content.VeryRaw, &m) != nil || e.Sender == user {
		return "it left"
	}
	out := "removed by " + rtc.PlainName(string(e.Sender))
	if m.Membership == "ban" {
		out = "banned by " + rtc.PlainName(string(e.Sender))
	}
	if reason := rtc.PlainName(m.Reason); reason != "" {
		out += " (" + reason + ")"
	}
	return out
}

// event takes in an event of the room. What people do counts if it is live. Called
// locked.
func (c *Call) event(e RoomEvent, live bool) {
	if e.Event == nil {
		return
	}
	if e.StateKey != nil {
		c.room.Take(e.Event)
	}
	n, isMember := c.roster.Take(e.Event, e.Author)
	c.ownEvent(e, n, isMember)
	if isMember || e.StateKey != nil {
		return
	}
	switch e.Type.Type {
	case event.EventEncrypted.Type:
		if slices.ContainsFunc(c.unread, func(u unread) bool { return u.event.ID == e.ID }) {
			return
		}
		c.keepUnread(unread{event: e.Event, since: time.Now(), live: live})
	case event.EventRedaction.Type:
		c.redaction(e.Event)
	default:
		if live && !e.again { // else a yes of another meeting could be delivered in this one
			c.said(e)
		}
	}
}

// ownEvent looks whether an event is of this device's membership. A sticky one of
// ours cannot be decrypted, as nobody gave us our own key. Called locked.
func (c *Call) ownEvent(e RoomEvent, n rtc.Entry, isMember bool) {
	switch {
	case isMember && n.User == c.a.state.User:
		c.own.saw(ownEvent{id: e.ID, key: n.Key, sticky: n.Sticky, left: n.Left, since: n.Since})
	case e.Type.Type == rtc.StateMember.Type && e.StateKey != nil: // one that says nothing replaced what was there
		c.own.saw(ownEvent{id: e.ID, key: *e.StateKey, left: true})
	case e.Sender == c.a.state.User && e.Type.Type == event.EventEncrypted.Type:
		c.own.saw(ownEvent{id: e.ID, sticky: true})
	}
}

// An unread event is one whose key did not come yet.
type unread struct {
	event *event.Event
	since time.Time
	live  bool
}

// keepUnread keeps an event whose key may come; of each sender so many, so that what one makes
// up does not push out others'. Called locked.
func (c *Call) keepUnread(u unread) {
	count, oldest := 0, -1
	for i, o := range c.unread {
		if o.event.Sender == u.event.Sender {
			if count++; oldest < 0 {
				oldest = i
			}
		}
	}
	if count >= maxUnreadOf {
		c.unread = slices.Delete(c.unread, oldest, oldest+1)
	}
	c.unread = append(last(c.unread, maxUnread-1), u)
}

const (
	maxUnread   = 200
	maxUnreadOf = 50 // of a sender
	unreadFor   = 5 * time.Minute
	lateKey     = 10 * time.Second
)

// retry tries to decrypt again what could not be decrypted. Called locked.
func (c *Call) retry() {
	list := c.unread
	c.unread = nil
	for _, u := range list {
		ends, sticky := u.since.Add(unreadFor), u.event.Sticky != nil
		if sticky {
			ends = u.event.GetStickyUntil()
		}
		if time.Now().After(ends) {
			continue
		}
		if e := c.a.reread(c.c.Room, u.event); e.Type.Type != event.EventEncrypted.Type {
			c.event(e, u.live)
			continue
		}
		c.unread = append(c.unread, u)
		// A sticky event of somebody who joined the call before this device was in the
		// room: its key never comes.
		if sticky && c.room.Joined(u.event.Sender) && u.event.Sender != c.a.state.User && time.Since(u.since) > lateKey {
			c.refuse(Target{User: u.event.Sender}, "a membership of theirs cannot be read, as they joined the call before this device could have its key: they should join again")
		}
	}
}
