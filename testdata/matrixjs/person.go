package matrixjs

import (
	"context"
	"time"
)

// Join joins a room to which the person was invited.
func (p *Person) Join(ctx context.Context, room string) error { return do(ctx, p, "joinRoom", room) }

// An Entry says how a person is in a call.
type Entry struct {
	Service string `json:"service"` // URL of the token service of the SFU where they publish
	// Sticky makes the membership a sticky event, as Element Call's matrix_2_0 does; else
	// it is a state event.
	Sticky bool `json:"sticky"`
	// Oldest publishes at the oldest member's SFU, as old clients do. It must be Service.
	Oldest bool `json:"oldest"`
	// Hz is the tone that the microphone hears, Colour ("#f00") what the camera sees, 320x180
	// at 10 frames a second; 0 and "" publish none. Devices publishes Chromium's own fake
	// microphone and camera.
	Hz      float64 `json:"hz"`
	Colour  string  `json:"colour"`
	Devices bool    `json:"devices"`
	// Expires is how long the membership lasts unless it is extended, in milliseconds; 0 is
	// 4 hours.
	Expires int64 `json:"expires"`
	// RotationLimit is how many members a call has whose keys are not changed any more; 0 is
	// without limit.
	RotationLimit int `json:"rotationLimit"`
}

// Enter enters the call of a room that the person is in, or whose invitation they took; it
// returns once all is published. The device may have left the call before.
func (p *Person) Enter(ctx context.Context, room string, e Entry) error {
	return do(ctx, p, "enter", room, e)
}

// Leave leaves the call.
func (p *Person) Leave(ctx context.Context) error { return do(ctx, p, "leave") }

// CutOff cuts the person off, as a crash of their client does: nothing is asked of the
// homeserver any more, and the media end. With false requests go on.
func (p *Person) CutOff(ctx context.Context, yes bool) error { return do(ctx, p, "cutOff", yes) }

// Mute mutes the person's "microphone" or "camera", or no more.
func (p *Person) Mute(ctx context.Context, source string, muted bool) error {
	return do(ctx, p, "mute", source, muted)
}

// Say writes into a room, encrypted if the room is, and returns the event's ID. replyTo is
// the ID of an event that it answers, "" for none.
func (p *Person) Say(ctx context.Context, room, text, replyTo string) (string, error) {
	return ask[string](ctx, p, "say", room, text, replyTo)
}

// React reacts to an event in a room, by an emoji.
func (p *Person) React(ctx context.Context, room, event, key string) (string, error) {
	return ask[string](ctx, p, "react", room, event, key)
}

// Redact takes an event back.
func (p *Person) Redact(ctx context.Context, room, event string) error {
	return do(ctx, p, "redact", room, event)
}

// Raise raises the person's hand in the call, as Element Call does, and returns the ID of
// the event, to be redacted.
func (p *Person) Raise(ctx context.Context, room string) (string, error) {
	return ask[string](ctx, p, "raise", room)
}

// Cheer sends a reaction that others see float by in the call.
func (p *Person) Cheer(ctx context.Context, room, emoji string) error {
	return do(ctx, p, "cheer", room, emoji)
}

// Master returns the user's master key, unpadded base64.
func (p *Person) Master(ctx context.Context) (string, error) { return ask[string](ctx, p, "master") }

// Reset gives the user other cross-signing keys than they had, and signs this device with
// them.
func (p *Person) Reset(ctx context.Context) error { return do(ctx, p, "sign", true) }

// Trust is what a client shows of a user.
type Trust struct {
	Verified bool // the person compared emoji with them
	Changed  bool // their master key is not the one that was seen first
	Devices  map[string]struct {
		Signed   bool // by its user
		Verified bool
	}
}

// Trust returns what the person's client knows of a user, whose keys it asks for.
func (p *Person) Trust(ctx context.Context, user string) (Trust, error) {
	return ask[Trust](ctx, p, "trust", user)
}

// Verify asks a user to compare emoji: in a room that both are in or, without one, on a
// device of theirs. What others ask for is accepted at once. State has how it goes on.
func (p *Person) Verify(ctx context.Context, user, room, device string) error {
	return do(ctx, p, "verify", user, room, device)
}

// Confirm says whether the emoji of State are the same as the other's.
func (p *Person) Confirm(ctx context.Context, same bool) error {
	return do(ctx, p, "confirm", same)
}

// State returns what the person sees of a room and its call.
func (p *Person) State(ctx context.Context, room string) (State, error) {
	return ask[State](ctx, p, "state", room)
}

// Wait returns the first state for which cond is true or, with ctx's error, the last one.
func (p *Person) Wait(ctx context.Context, room string, cond func(State) bool) (State, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var last State
	for {
		s, err := p.State(ctx, room)
		if err != nil {
			return last, err
		}
		if last = s; cond(s) {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return last, context.Cause(ctx)
		}
	}
}
