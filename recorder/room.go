package recorder

import (
	"context"
	"errors"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder/media"
)

// ErrEnded: the meeting is over for the recorder. Room.Accept returns it. Errors that wrap
// it say why.
var ErrEnded = errors.New("the room has ended")

// ErrAway: nothing can be sent to the room, because it is lost or over.
var ErrAway = errors.New("the recorder is away from the room")

// A Room is a meeting that the recorder has joined visibly. It is used like a
// net.Listener: Accept returns what happens, new tracks included, until Close or until
// the meeting ends. Package roomtest tests implementations. Package replay has one that
// needs no server.
type Room interface {
	// Name returns the room's name.
	Name() string

	// Announce tells the members what the recorder does. The first call returns when
	// every member present has had time to see it; before that, Accept returns no track.
	// Later calls tell the members about a change.
	Announce(ctx context.Context, text string) error

	// Accept waits for the next event and returns it. Events come in the order in which
	// they happened. The error wraps ErrEnded if the room has ended. If ctx ends first,
	// it is the error of ctx, and no event is lost. Only one goroutine calls Accept.
	Accept(ctx context.Context) (RoomEvent, error)

	// Close leaves the room. It is called once. Soon after it, Read of every Track
	// returns io.EOF. Accept returns an error that wraps ErrEnded once its queue is
	// empty.
	Close() error
}

// A Meeter is a Room whose server has an ID for each meeting in it: a room that ended and
// began again has another. "" means that it is not known. SID does not block.
type Meeter interface{ SID() string }

// EventDialed is the type of an event of a member who takes part by telephone: they
// pressed the key in Text, as an answer to a question. It is not put into the timeline.
const EventDialed media.EventType = "dialed"

// EventAnswered is the type of an event of a member who answered a question otherwise than
// by a line of the chat: Text is yes or no, Reason says how. It is not put into the timeline.
const EventAnswered media.EventType = "answered"

// EventStanding is the type of an event of a member of whom something else is known now than
// before, by means of the room. It is not put into the timeline: what the recorder makes of
// it is.
const EventStanding media.EventType = "standing"

// A RoomEvent is something that happened in a room.
type RoomEvent struct {
	// At is when it happened, on the recorder's clock.
	At time.Time
	// Type is one of media's EventJoin, EventLeave, EventTrack, EventMute,
	// EventUnmute, EventLost, EventReconnect, EventHole (a track that cannot be
	// recorded, with Reason), EventLeftOut (one that is not wanted), EventSpeaking,
	// EventChat, EventTranscription, EventStream, EventReaction, EventConsent, EventName, EventHand,
	// EventMetadata, EventQuality, EventServer and EventDropped (of a type in Reason), or
	// EventHeld or EventSent.
	//
	// If the connection to the room is lost, the Room itself finds the way back. It
	// reports EventLost, and all its tracks end soon after. When it is back, it reports
	// EventReconnect, then the members who came and the tracks that exist, and at the
	// end the members who have left. If the connection was only resumed and its tracks
	// go on, it reports only EventReconnect. A room on several servers reports either of
	// one Server, and only the tracks of that one end.
	Type media.EventType
	// Participant is the identity, Name the display name.
	Participant, Name string
	// By is the identity of the member who sent it, where that is not Participant: an
	// agent that writes down what others say. "" means Participant.
	By string
	// Visit is Member.Visit, for EventJoin and EventLeave of a Lister.
	Visit int
	// Track is the new track of an EventTrack. The recorder reads it until io.EOF.
	Track Track
	// TrackID is the ID of the track of an EventMute, EventUnmute, EventHeld, EventSent
	// or EventTranscription.
	TrackID string
	// Reason is set for EventHole, EventLeftOut, EventConsent, EventHand, EventQuality
	// and EventDropped. For EventReconnect it is media.ReconnectResume or
	// media.ReconnectRejoin, for EventStream the topic, and for an EventChat that was
	// cut media.TextCut.
	Reason string
	// Since is when the absence before an EventReconnect began, or the text of an
	// EventTranscription.
	Since time.Time
	// Text is what was written, or said, for EventChat, EventTranscription, EventReaction and EventConsent. For
	// EventStream it is the name of the file, for EventLeftOut the source, for EventName
	// the former display name, and for EventMetadata the room's metadata.
	Text string
	// Size is set for EventStream, and for an EventChat or EventTranscription that was
	// cut. In bytes.
	Size int64
	// Segment and Interim are of an EventTranscription. Versions of the same Segment by
	// the same sender replace one another; Interim says that another may follow. An
	// empty Text takes back what came before. Since is when the version began to come.
	Segment string
	Interim bool
	// Speakers are the identities of all who speak now, for EventSpeaking.
	Speakers []string
	// Server is TrackInfo.Server, for EventLost, EventReconnect and EventServer. Of the last,
	// Text is how far what it sends may be apart from what others send, as a time.Duration.
	Server string
	// Count is set for EventDropped. Its Participant is "" if the events were those of
	// several members or of none.
	Count int
	// Encrypted says that what a member wrote came under end-to-end encryption. If not,
	// the server can have written it. Generated says that a program wrote it in the
	// member's name, by its own word.
	Encrypted, Generated bool
	// Machine says, for EventJoin, that the member is not a person but another recorder
	// or an agent.
	Machine bool
}

// Events of a room that are not in the timeline, because its holes say the same.
const (
	EventHeld media.EventType = "held" // the server has stopped sending a track, because it lacks bandwidth
	EventSent media.EventType = "sent" // it sends the track again
)

// A Track is a track of the room, as the room delivers it.
type Track interface {
	Info() TrackInfo

	// Read returns the next packet in order of arrival. It returns io.EOF when
	// the track has ended or its room is closed. Only one goroutine calls it.
	Read() (Packet, error)

	// RequestKeyFrame asks the sender for a key frame (RTCP PLI, RFC 4585). It does not
	// block. The caller limits how often it asks.
	RequestKeyFrame()
}

// An Ender is a Track that reports when it has ended in its room. A member may publish a
// track again before Read of the old one has returned io.EOF: for example if they come
// back by another connection before the server noticed that they were gone. With an
// Ender, the new track continues the old one. Without, the two may become two tracks.
type Ender interface {
	Track
	// Ended reports whether the track has ended. Any goroutine may call it at any time.
	Ended() bool
}

// TrackInfo is what a room knows of a track.
type TrackInfo struct {
	// ID is the ID of the track in its room.
	ID string
	// Participant is the sender's identity, Name the display name.
	Participant, Name string
	Source            media.Source
	Codec             media.Codec
	// Server names the server that sends the track, if the room has several. Each has a
	// wall clock of its own.
	Server string
	// ClockRate is the RTP clock in ticks a second.
	ClockRate int
	// Channels is the number of audio channels. It is 0 for video.
	Channels int
	// RED says that the packets of an Opus track carry redundant audio (RFC 2198).
	RED bool
	// Encrypted says that the track was published under end-to-end encryption.
	Encrypted bool
	// SenderKind says what publishes the track, as the room says: one of the Sender
	// constants. "" means a person's client.
	SenderKind string
	// Wanted is when the room asked the server for the track, or when it was unmuted
	// after that. What was published between Wanted and the first packet is missing.
	// Zero means that it is not known.
	Wanted time.Time
	// Offered is when the server was ready to send the track. What did not come after
	// that was not sent. Zero means that it is not known.
	Offered time.Time
	// PacketTrailer says that frames have an unauthenticated trailer after the
	// encrypted part (LiveKit's "LKTS"), which must be cut off.
	PacketTrailer bool
	// SIFTrailer marks frames that the server injects. Nil means that there are none.
	SIFTrailer []byte
}

// Senders that may have no keys: the values of TrackInfo.SenderKind.
const (
	SenderSIP     = "sip"     // a caller by telephone
	SenderIngress = "ingress" // a stream from outside the room
	SenderAgent   = "agent"   // a program that takes part
	SenderOther   = "other"   // another machine
)

// A Packet is one RTP packet with its time of arrival, and the sender reports that came
// after the packet before it.
type Packet struct {
	RTP     *rtp.Packet
	Arrival time.Time
	Reports []SenderReport
}

// A SenderReport pairs a wall clock with an RTP time stamp (RFC 3550, 6.4.1).
// The wall clock must be one clock for all tracks of one TrackInfo.Server.
type SenderReport struct {
	NTP     time.Time
	RTP     uint32
	Arrival time.Time
}
