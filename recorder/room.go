package recorder

import (
	"context"
	"errors"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder/media"
)

// ErrEnded is what Room.Accept returns when the meeting is over for the
// recorder. Errors that wrap it say why.
var ErrEnded = errors.New("the room has ended")

// ErrAway: nothing can be sent to a room, for it is lost or over.
var ErrAway = errors.New("the recorder is away from the room")

// A Room is a meeting that the recorder has joined, visibly. It is used like
// a net.Listener: Accept hands out what happens, tracks among it, until Close
// or until the meeting ends. Package roomtest tests implementations; package
// replay is one that needs no server.
type Room interface {
	// Name is the room's name.
	Name() string

	// Announce tells the members what the recorder is about to do and returns
	// when every member present had time to see it: no track is accepted
	// before. Later calls tell of a change.
	Announce(ctx context.Context, text string) error

	// Accept waits for the next event, in the order they happened. It returns
	// an error that wraps ErrEnded when the room has ended and ctx's error when
	// that ends first, and loses no event by that. Only one goroutine calls it.
	Accept(ctx context.Context) (RoomEvent, error)

	// Close leaves the room, once. Every Track's Read returns io.EOF soon after,
	// and Accept returns an error that wraps ErrEnded once the queue is empty.
	Close() error
}

// EventDialed is the type of an event that a Room may have of one who takes part by
// telephone: they pressed the key in Text, an answer to something they were asked.
// It is not put into the timeline.
const EventDialed media.EventType = "dialed"

// A RoomEvent is something that happened in a room.
type RoomEvent struct {
	// At is when, on the recorder's clock.
	At time.Time
	// Type is one of media's EventJoin, EventLeave, EventTrack, EventMute,
	// EventUnmute, EventLost, EventReconnect, EventHole (a track that cannot be
	// recorded, with Reason), EventLeftOut (one that is not wanted), EventSpeaking,
	// EventChat, EventStream, EventReaction, EventConsent, EventName, EventHand,
	// EventMetadata, EventQuality and EventDropped (of a type in Reason), or EventHeld
	// or EventSent.
	//
	// A room that is lost, for which the room itself finds the way back, is told
	// of by EventLost: all its tracks end soon after. When it is back comes
	// EventReconnect, then those who came and the tracks there are, and in the
	// end who is not there any more. Where a connection was resumed, and its
	// tracks go on, there is an EventReconnect alone.
	Type media.EventType
	// Participant is the identity, Name the display name.
	Participant, Name string
	// Visit is the Member's, for EventJoin and EventLeave of a Lister.
	Visit int
	// Track is set for EventTrack: the recorder reads it until io.EOF.
	Track Track
	// TrackID names the track of an EventMute, EventUnmute, EventHeld or EventSent.
	TrackID string
	// Reason is set for EventHole, EventLeftOut, EventConsent, EventHand, EventQuality
	// and EventDropped, for EventReconnect: media.ReconnectResume or
	// media.ReconnectRejoin, for EventStream: the topic, and for an EventChat that was
	// cut: media.TextCut.
	Reason string
	// Since is when an EventReconnect's absence began.
	Since time.Time
	// Text is what was written, for EventChat, EventReaction and EventConsent, the
	// file's name, for EventStream, the source, for EventLeftOut, the former display
	// name, for EventName, and the room's metadata, for EventMetadata.
	Text string
	// Size is set for EventStream, and for an EventChat that was cut.
	Size int64
	// Speakers are the identities of all who speak now, for EventSpeaking.
	Speakers []string
	// Count is set for EventDropped, whose Participant is "" where it is not one
	// member's.
	Count int
	// Encrypted is set for what a member wrote under end-to-end encryption: else the
	// server can have written it. Generated is set for what a program wrote in their
	// name, as that says.
	Encrypted, Generated bool
	// Machine is set for the EventJoin of a member who is not a person: another
	// recorder or an agent.
	Machine bool
}

// Events of a room that the timeline does not have: its holes have them.
const (
	EventHeld media.EventType = "held" // the server does not send a track any more, for want of bandwidth
	EventSent media.EventType = "sent" // it does again
)

// A Track is a remote track as the room delivers it.
type Track interface {
	Info() TrackInfo

	// Read returns the next packet in order of arrival. It returns io.EOF when
	// the track has ended or its room is closed. Only one goroutine calls it.
	Read() (Packet, error)

	// RequestKeyFrame asks the sender for a key frame (RTCP PLI, RFC 4585).
	// The caller throttles. It does not block.
	RequestKeyFrame()
}

// An Ender is a Track that tells when it has ended in its room, from which moment
// on its Read comes to io.EOF. What the same member publishes of the same kind
// then goes on with it, though it be here before that: who comes back by another
// connection, before the server knew that they were gone, or publishes anew.
// Without it the two may become two tracks.
type Ender interface {
	Track
	// Ended may be asked at any time by any goroutine.
	Ended() bool
}

// TrackInfo is what a room knows of a track.
type TrackInfo struct {
	// ID names the track in its room.
	ID string
	// Participant is the sender's identity, Name the display name.
	Participant, Name string
	Source            media.Source
	Codec             media.Codec
	// ClockRate is the RTP clock in ticks a second.
	ClockRate int
	// Channels is the number of audio channels, 0 for video.
	Channels int
	// RED says that the packets of an Opus track carry redundant audio (RFC 2198).
	RED bool
	// Encrypted says that the track was published under end-to-end encryption.
	Encrypted bool
	// SenderKind is what publishes the track, as the room says: one of the Sender
	// constants, or "" for a person's client.
	SenderKind string
	// Wanted is since when the room has asked the server for the track, while it
	// was not muted; zero if that is not known. What was published between then
	// and the first packet is missing.
	Wanted time.Time
	// Offered is when the server was ready to send the track; zero if that is not
	// known. What was not received after that was not sent.
	Offered time.Time
	// PacketTrailer says that frames carry an unauthenticated trailer after the
	// encrypted part (LiveKit's "LKTS"), to be cut off.
	PacketTrailer bool
	// SIFTrailer marks frames that the server injects, nil where there are none.
	SIFTrailer []byte
}

// What may publish a track and have no keys: a TrackInfo's SenderKind.
const (
	SenderSIP     = "sip"     // a caller by telephone
	SenderIngress = "ingress" // a stream from outside the room
	SenderAgent   = "agent"   // a program that takes part
	SenderOther   = "other"   // another machine
)

// A Packet is one RTP packet with its time of arrival, and the sender reports
// that came since the packet before it.
type Packet struct {
	RTP     *rtp.Packet
	Arrival time.Time
	Reports []SenderReport
}

// A SenderReport pairs a wall clock with an RTP time stamp (RFC 3550, 6.4.1).
// The wall clock must be one clock for all tracks of a room.
type SenderReport struct {
	NTP     time.Time
	RTP     uint32
	Arrival time.Time
}
