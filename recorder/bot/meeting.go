package bot

import (
	"context"
	"log/slog"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
)

// A Meeting is a room to join. A kind of room makes it; package livekitroom makes those
// of LiveKit.
type Meeting struct {
	// Join joins the room visibly, as p says, and returns it. The error says why the
	// room may not or cannot be recorded. ctx limits the joining, not the stay. The bot
	// closes the Room. Required.
	Join func(ctx context.Context, p Presence) (Room, error)
	// Keys has the keys of the members' media. Nil means a room without end-to-end
	// encryption. Keys may be put into its Keyrings at any time until the Room is
	// closed.
	Keys recorder.KeyProvider
	// RoomKeys are the Keys of a room whose members make them and hand them to one
	// another. The bot takes part in that, by Presence.Receive and Room.Send, and fills
	// them. They are for one recording. Nil means that the Keys come from elsewhere.
	RoomKeys *RoomKeys
	// Known returns what the kind of room knows by itself of who a member is. It is asked
	// when they come, at each recorder.EventStanding of theirs, and twice a minute. It must
	// not wait. Nil means that the kind of room knows nothing.
	Known func(identity string) Known
	// Named are cards of people whom Known verifies if they come, because the operator said
	// who they are in this kind of room: by what they are called there. The room is told.
	Named map[string][]keys.Card
	// Server says where the room is, such as a URL. Rooms of one name on different
	// servers are different rooms. "" means that recordings of one meeting are
	// recognized by the name of the room alone.
	Server string
	// Notice is how long the first Announce gives members to see that they are recorded,
	// before anything is kept.
	Notice time.Duration
	// LeftOut is a sentence for the room about media that the recorder does not ask
	// for. "" means that it asks for all.
	LeftOut string
	// GoesOn reports whether the meeting may go on without the recorder, after the room
	// ended with cause, an error that wraps recorder.ErrEnded. Then the next recording
	// of the room names this one. Nil means that it never does.
	GoesOn func(cause error) bool
}

// Known is what a kind of room knows by itself of who a member is.
type Known struct {
	// Standing is media.VerifiedByMatrix, recorder.StandingClaimed, or "" for nothing.
	Standing string
	// Name is what somebody is called who is only claimed.
	Name string
	// Cards are those of the person, if they are verified: one for each of their devices.
	Cards []keys.Card
	// Named says that the operator said whose Cards these are: such a person is a reader
	// whatever Policy.Readers says.
	Named bool
}

// A Presence is what the bot shows and hears in a room from the moment of joining.
type Presence struct {
	// Attributes are shown to members beside the recorder, if the kind of room has
	// attributes: what the recorder does, and the fingerprint of its key.
	Attributes map[string]string
	// Receive must be called with every data message and the identity of its sender. ""
	// means a sender whom the server hides. It reports whether the message was for the
	// bot. It does not wait. Any goroutine may call it.
	Receive func(topic, from string, data []byte) bool
	// Call answers a remote procedure call, if the kind of room has any. from tells callers
	// apart. known is false for a method that there is not. Who called may see the error,
	// and so may the server. Any goroutine may call it; ctx limits how long it takes.
	Call func(ctx context.Context, method, from, payload string) (answer string, known bool, err error)
	// Before must be called with the ID of a recording where the room's server says that it is
	// of this meeting, and that its recorder is gone. It is believed by nobody who cannot check
	// it. It does not wait. Any goroutine may call it.
	Before func(id string)
	// Answer reports whether an event of the chat or a telephone is an answer that the
	// bot asked for. The last answer of each member must get through, whatever else they
	// send. Nil means that nobody is asked.
	Answer func(recorder.RoomEvent) bool
	// Reopen reports whether to join again a room that its server closed because nobody
	// was in it. attended says whether a person ever was in it.
	Reopen func(attended bool) bool
	// Log gets what happens. Names appear at debug level only.
	Log *slog.Logger
}

// A Room is a room that was joined. The bot is a member of it. It may also be a
// recorder.Waiter. Any goroutine may call its methods.
type Room interface {
	recorder.StateRoom
	recorder.Lister
	recorder.Connector

	// Identity returns the bot's own identity in the room.
	Identity() string
	// SID returns an ID of this meeting. A room that ended and began again has another
	// one. "" means that it is not known yet. SID does not block.
	SID() string
	// Tell writes a text to those who are present, and to nobody later.
	Tell(ctx context.Context, text string) error
	// Change writes news to those who are present: what has changed of what Announce
	// said. It writes standing to members who join later.
	Change(ctx context.Context, news, standing string) error
	// Send sends a data message reliably to these identities. No identities means all
	// members. The error wraps recorder.ErrAway if nothing can be sent now, or any more.
	Send(ctx context.Context, topic string, to []string, data []byte) error
	// SetAttributes adds attributes to those of the Presence. An empty value removes an
	// attribute. It does not wait.
	SetAttributes(map[string]string)
}
