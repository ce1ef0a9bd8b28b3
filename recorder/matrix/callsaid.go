package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// callReaction is the event by which Element Call shows an emoji for a moment.
const callReaction = "io.element.call.reaction"

// raisedHand is the emoji that raises a hand in Element Call: as a reaction to one's
// own membership, until it is taken back.
const raisedHand = "🖐"

// Bounds of what people do.
const (
	maxHands = 1000
	maxEmoji = 64 // bytes
	maxHeard = 5000
)

// A hand is one that is raised, under the ID of the event that raised it.
type hand struct {
	Target
	by id.UserID
}

// said takes in an event by which somebody said something. Called locked.
func (c *Call) said(e RoomEvent) {
	var r struct {
		To struct {
			Type  string     `json:"rel_type"`
			Event id.EventID `json:"event_id"`
			Key   string     `json:"key"`
			Reply struct {
				Event id.EventID `json:"event_id"`
			} `json:"m.in_reply_to"`
		} `json:"m.relates_to"`
		Body  string          `json:"body"`
		Kind  string          `json:"msgtype"`
		Emoji string          `json:"emoji"`
		New   json.RawMessage `json:"m.new_content"`
	}
	raw := e.Content.VeryRaw
	if len(raw) > maxMessage || json.Unmarshal(raw, &r) != nil || len(r.To.Event) > maxName || len(r.To.Reply.Event) > maxName {
		return
	}
	out := CallEvent{ID: string(e.ID), Caller: c.writer(e), Sent: time.UnixMilli(e.Timestamp), Encrypted: e.Encrypted}
	switch e.Type.Type {
	case event.EventMessage.Type:
		out.Kind, out.Text, out.To = Chat, r.Body, string(r.To.Reply.Event)
		if r.To.Type == "m.replace" {
			var n struct {
				Body string `json:"body"`
			}
			if json.Unmarshal(r.New, &n) != nil {
				return
			}
			out.Text, out.To, out.Edits = n.Body, string(r.To.Event), true
		} else if out.To != "" {
			out.Text = withoutQuote(out.Text)
		}
		if r.Kind != "m.text" && r.Kind != "m.emote" && r.Kind != "m.notice" || e.Sender == c.a.state.User && r.Kind == "m.notice" {
			return
		}
	case event.EventReaction.Type:
		out.Kind, out.Text, out.To = Reaction, r.To.Key, string(r.To.Event)
		if t, ok := c.membership(r.To.Event); ok && t.User == e.Sender && strings.HasPrefix(r.To.Key, raisedHand) {
			if len(c.hands) >= maxHands {
				return
			}
			c.hands[e.ID] = hand{t, e.Sender}
			out.Kind, out.Caller = Hand, c.who(t)
		}
	case callReaction:
		out.Kind, out.Text, out.To = Reaction, r.Emoji, string(r.To.Event)
	default:
		return
	}
	if out.Text == "" || out.Kind != Chat && len(out.Text) > maxEmoji {
		return
	}
	c.emit(out)
}

// membership returns whose membership an event is.
func (c *Call) membership(e id.EventID) (Target, bool) {
	for t, cl := range c.callers {
		if cl.entry.Event == e && e != "" {
			return t, true
		}
	}
	return Target{}, false
}

// writer returns who wrote an event: the device, if that is proved.
func (c *Call) writer(e RoomEvent) Caller {
	t := Target{User: e.Sender}
	if e.Encrypted {
		t.Device = c.a.sender(e.Sender, e.Identity, e.Signing)
	}
	return c.who(t)
}

// redaction takes in that something was taken back: a raised hand, a sticky
// membership. Called locked.
func (c *Call) redaction(e *event.Event) {
	var r struct {
		Redacts id.EventID `json:"redacts"`
	}
	if e.Redacts == "" && json.Unmarshal(e.Content.VeryRaw, &r) == nil {
		e.Redacts = r.Redacts // where newer rooms have it
	}
	if e.Redacts == "" {
		return
	}
	c.roster.Redact(e.Redacts)
	c.own.redacted(e.Redacts)
	if h, ok := c.hands[e.Redacts]; ok {
		delete(c.hands, e.Redacts)
		c.emit(CallEvent{Kind: Hand, Caller: c.who(h.Target), Lowered: true, ID: string(e.ID), To: string(e.Redacts), Sent: time.UnixMilli(e.Timestamp)})
	}
}

// withoutQuote takes out of an answer the lines of what it answers, which older
// clients put before it.
func withoutQuote(s string) string {
	rest := s
	for strings.HasPrefix(rest, "> ") {
		_, rest, _ = strings.Cut(rest, "\n")
	}
	if rest == s {
		return s
	}
	return strings.TrimPrefix(rest, "\n")
}

// Notice writes into the room, encrypted, and returns the event's ID. If this user
// may not write, the error is a *rtc.PowerError.
func (c *Call) Notice(ctx context.Context, text string) (id string, err error) {
	if err := c.MayNotice(); err != nil {
		return "", err
	}
	content := map[string]any{"msgtype": "m.notice", "body": text}
	c.mu.Lock()
	encrypted := c.room.Encrypted
	c.mu.Unlock()
	if encrypted {
		sent, err := c.a.Write(ctx, c.c.Room, event.EventMessage, content)
		if err == nil {
			c.heardBy(c.a.readers(c.c.Room))
		}
		return string(sent), loggedOut(err)
	}
	resp, err := c.a.client.SendMessageEvent(ctx, c.c.Room, event.EventMessage, content)
	if err != nil {
		return "", fmt.Errorf("could not write into the room: %w", loggedOut(err))
	}
	return string(resp.EventID), nil
}

// readers returns the devices that can read what is written into a room now.
func (a *Account) readers(room id.RoomID) (list []Target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.state.outbound[room]; o != nil {
		list = slices.Collect(maps.Keys(o.shared))
	}
	return list
}

func (c *Call) heardBy(list []Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range list {
		if len(c.heard) < maxHeard {
			c.heard[t] = true
		}
	}
}

// Heard reports whether a device can read a Notice of this call: who joined the room later
// cannot.
func (c *Call) Heard(user id.UserID, device id.DeviceID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.room.Encrypted || c.heard[Target{user, device}]
}

// MayNotice returns the *rtc.PowerError that Notice would return, or nil.
func (c *Call) MayNotice() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.weaknesses()[1]
}

// SetName changes what this user is called in this room alone; "" restores what it
// is called elsewhere.
func (c *Call) SetName(ctx context.Context, name string) error {
	if name == "" {
		resp, err := c.a.client.GetDisplayName(ctx, c.a.state.User)
		if err != nil {
			return fmt.Errorf("could not ask for the display name: %w", loggedOut(err))
		}
		name = resp.DisplayName
	}
	// What else the profile shows in this room stays.
	content := make(map[string]any)
	if err := c.a.client.StateEvent(ctx, c.c.Room, event.StateMember, string(c.a.state.User), &content); err != nil {
		return fmt.Errorf("could not ask for the display name: %w", loggedOut(err))
	}
	if content["membership"] != "join" {
		return ErrRemoved
	}
	if now, _ := content["displayname"].(string); now == name {
		return nil
	}
	content["displayname"] = name
	if name == "" {
		delete(content, "displayname")
	}
	if _, err := c.a.client.SendStateEvent(ctx, c.c.Room, event.StateMember, string(c.a.state.User), content); err != nil {
		return fmt.Errorf("could not set the display name: %w", loggedOut(err))
	}
	return nil
}
