package bot

import (
	"context"
	"log/slog"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

// A Meeting is a room that is to be joined: what a kind of room brings. Package
// livekitroom makes those of LiveKit.
type Meeting struct {
	// Join joins the room, visibly, as p says, and returns it, or why it may not or
	// cannot be recorded. ctx bounds the joining, not the stay; the bot closes the
	// Room. Required.
	Join func(ctx context.Context, p Presence) (Room, error)
	// Keys opens what members send under end-to-end encryption. The zero value is a
	// room without. Whoever learns keys on the way puts them into its Keyrings, at any
	// time from when the Meeting was made until the Room is closed.
	Keys recorder.KeyProvider
	// Server says where the room is, such as by a URL: a room of the same name on
	// another one is another. Without it, recordings of one meeting that follow one
	// another are told by the room's name alone.
	Server string
	// Notice is how long the first Announce gives members to see that they are recorded,
	// before anything is kept.
	Notice time.Duration
	// LeftOut tells the room, in a sentence, what it asks no media of; "" is nothing.
	LeftOut string
	// GoesOn reports whether the meeting may go on without the recorder, where its
	// room ended with an error that wraps recorder.ErrEnded: then the next recording
	// names this one. Nil is never.
	GoesOn func(cause error) bool
}

// A Presence is what the bot shows and hears in a room from the moment of joining.
type Presence struct {
	// Attributes are shown to members beside the recorder, as far as the kind of room
	// has such: what it does and the fingerprint of its key.
	Attributes map[string]string
	// Receive takes every data message, with the identity of its sender, "" for one
	// whom the server hides, and reports whether it was the bot's. It does not wait,
	// and may be called by any goroutine.
	Receive func(topic, from string, data []byte) bool
	// Answer reports whether an event of a chat or a telephone is an answer that the
	// bot asked for: the last of each member must get through whatever else they send.
	// Nil: nobody is asked.
	Answer func(recorder.RoomEvent) bool
	// Reopen reports whether to come back to a room that its server closed because
	// nobody was in it any more, or yet; attended is whether a person ever was.
	Reopen func(attended bool) bool
	// Log takes what happens, names at debug level only.
	Log *slog.Logger
}

// A Room is a room that was joined: a recorder.Room in which the bot is somebody. It
// may be a recorder.Waiter, too. Its methods may be called from any goroutine.
type Room interface {
	recorder.StateRoom
	recorder.Lister
	recorder.Connector

	// Identity is the bot's own in the room.
	Identity() string
	// SID names this meeting in the room: one that ended and began again has another.
	// It is "" while it is not known, and does not block.
	SID() string
	// Tell says something to those who are present, and to nobody later.
	Tell(ctx context.Context, text string) error
	// Change says to those who are present what has changed of what Announce told, and
	// to whoever joins later how things stand.
	Change(ctx context.Context, news, standing string) error
	// Send sends a data message, reliably, to these identities, or to all without any.
	// Where nothing can be sent now, or any more, its error wraps recorder.ErrAway.
	Send(ctx context.Context, topic string, to []string, data []byte) error
	// SetAttributes shows members attributes beside those of the Presence. An empty
	// value takes one away. It does not wait.
	SetAttributes(map[string]string)
}
