// Package media holds the nouns that the recorder writes and the player reads:
// tracks, encoded frames and timeline events, all on one recording clock.
//
// The recording clock starts at zero when the recording starts and runs in
// time.Duration. Frames are encoded media (an Opus packet, a VP8 frame) after
// end-to-end decryption; nothing here decodes them. The package is a leaf:
// recorder and playback both read it and it imports neither.
package media

import (
	"strings"
	"time"
)

// A Codec names an encoding, lower case, as in the codecs' specifications.
type Codec string

const (
	Opus Codec = "opus" // RFC 6716; one packet a frame
	VP8  Codec = "vp8"  // RFC 6386
	VP9  Codec = "vp9"  // a frame, or the layers of a picture as a superframe (annex B)
	H264 Codec = "h264" // NAL units behind lengths of four bytes, parameter sets among them
	H265 Codec = "h265" // as H264
	AV1  Codec = "av1"  // a temporal unit without its delimiter, every OBU with a size
)

// Audio reports whether the codec carries sound.
func (c Codec) Audio() bool { return c == Opus }

// Known reports whether frames of the codec can be recorded.
func (c Codec) Known() bool {
	switch c {
	case Opus, VP8, VP9, H264, H265, AV1:
		return true
	}
	return false
}

// A Source is what a track shows or carries.
type Source string

const (
	Microphone  Source = "microphone"
	Camera      Source = "camera"
	Screen      Source = "screen"
	ScreenAudio Source = "screen-audio"
	Unknown     Source = "unknown"
)

// A Track is one published medium of one participant. Participant and Name are
// what the room's server says of the sender: a claim, not a proof.
type Track struct {
	// UID names the track for the whole recording; never 0.
	UID uint64
	// Participant is the sender's identity in the room, Name the display name.
	Participant, Name string
	Source            Source
	Codec             Codec
	// Channels is the number of audio channels; 0 for video.
	Channels int
	// Width and Height are the picture's size in pixels; 0 for audio. Key
	// frames may change it, so a later Track of the same UID may differ.
	Width, Height int
	// Private is what a decoder must know before the first frame, as Matroska's
	// CodecPrivate: avcC of H264, hvcC of H265, av1C of AV1, at most MaxPrivate
	// bytes; "" for other codecs. Key frames may change it as they do the size,
	// and bring it with them.
	Private string
	// Reordered: pictures are written in the order in which they are decoded, which
	// may not be that in which they are shown. Live tracks never are; a file's may.
	Reordered bool
	// Turned is by how many degrees clockwise players turn the pictures: 0, 90, 180 or
	// 270. Width and Height are those before. A live track's pictures lie as they are.
	Turned int
}

// ShownSize returns the size of the picture as it is seen: see Turned.
func (t Track) ShownSize() (width, height int) {
	if t.Turned%180 != 0 {
		return t.Height, t.Width
	}
	return t.Width, t.Height
}

// Label is the track's title for people: "alice (camera)".
func (t Track) Label() string {
	name := t.Name
	if name == "" {
		name = t.Participant
	}
	return name + " (" + string(t.Source) + ")"
}

// Announced returns the track that an EventTrack announces. Its codec and size
// are not known, since no media of it need have come.
func Announced(e Event) (Track, bool) {
	if e.Type != EventTrack || e.Track == 0 {
		return Track{}, false
	}
	t := Track{UID: e.Track, Participant: e.Participant, Name: e.Name, Source: Unknown}
	for _, s := range []Source{Microphone, Camera, Screen, ScreenAudio} {
		if strings.HasSuffix(e.Text, " ("+string(s)+")") {
			t.Source = s
		}
	}
	return t, true
}

// A Frame is one encoded access unit.
type Frame struct {
	// Track is the UID of the frame's track.
	Track uint64
	// Time is the capture time on the recording clock. Of a track that is Reordered
	// it is when the frame is decoded; frames are always in order of Time.
	Time time.Duration
	// Later is how long after Time the frame is shown, less than 0 for before. It is 0
	// for tracks that are not Reordered.
	Later time.Duration
	// Duration is how long an audio frame lasts. 0 means not known (video).
	Duration time.Duration
	// Key marks a frame that decodes without any earlier one.
	Key bool
	// Data is the encoded frame, owned by whoever holds the Frame.
	Data []byte
}

// An Event is one line of the recording's timeline.
type Event struct {
	// Time is when it happened on the recording clock; in JSON "t", in
	// seconds with millisecond precision.
	Time time.Duration
	// Type is one of the Event constants. Readers ignore types they do not know.
	Type EventType
	// Participant is the identity concerned, Name the display name.
	Participant, Name string
	// By is the identity of who sent it, if that is not Participant.
	By string
	// Track is the UID of the track concerned. 0 means none.
	Track uint64
	// From and To bound a hole, or something else that lasted, on the recording
	// clock.
	From, To time.Duration
	// Reason is why or how: for a hole, one of the Hole reasons.
	Reason string
	// Text is free text: a recorder message, a chat line.
	Text string
	// Count is how many, for EventDropped.
	Count int
	// Size is how many bytes there were, for EventStream and a text that was cut.
	Size int64
}

// An EventType is what happened.
type EventType string

const (
	EventStart     EventType = "start"     // the recording starts; Text is the room's name, Name the server's ID of the meeting
	EventFollows   EventType = "follows"   // it continues the meeting of another recording, whose ID is Text; Reason says who says so
	EventPartOf    EventType = "part-of"   // it is of a smaller room of the meeting of another recording, whose ID is Text
	EventRecorder  EventType = "recorder"  // the recorder has the card that Text is, with Name
	EventTitle     EventType = "title"     // the recording is called Text; each epoch says it again
	EventStop      EventType = "stop"      // it ends; Reason is why
	EventAnnounced EventType = "announced" // the recorder was listed in the room and gave notice
	EventJoin      EventType = "join"      // Participant, Name
	EventLeave     EventType = "leave"     // Participant
	EventTrack     EventType = "track"     // Track of Participant appeared; Text is its label
	EventTrackEnd  EventType = "track-end" // Track ended
	EventSilent    EventType = "silent"    // nothing was sent From..To on the published track or source that Text names
	EventMute      EventType = "mute"      // Track
	EventUnmute    EventType = "unmute"    // Track
	EventHole      EventType = "hole"      // Track misses From..To for Reason
	EventCard      EventType = "card"      // Participant proved to hold the card that Text is, with Name
	EventState     EventType = "state"     // the recorder told members the lines in Text of what it does; Name is their SHA-256 in hexadecimal
	EventNote      EventType = "note"      // Participant signed Text about being recorded; Reason is one of the Note reasons
	EventEpoch     EventType = "epoch"     // a new set of readers; Text names them
	EventUnsealed  EventType = "unsealed"  // Participant, the reader Name, cannot open what follows: the epoch has the most readers it can have
	EventKeys      EventType = "keys"      // Track is encrypted under the key of the index in Text from now on
	EventIntegrity EventType = "integrity" // Track got a frame that was neither its sender's nor one that the server is known to send
	EventClock     EventType = "clock"     // the time stamps of Track jumped ahead of real time by Text, a Go duration, or back; one of the Clock reasons
	EventReconnect EventType = "reconnect" // the recorder lost the room and came back
	EventSize      EventType = "size"      // the picture of Track has the size in Text from here on, "640x360"
	EventPublished EventType = "published" // the sender publishes pictures as large as Text from here on; Reason is set if smaller ones were asked for
	EventImported  EventType = "imported"  // Name imported the recording at the time in Text; it was recorded elsewhere
	EventSource    EventType = "source"    // it has what is in the file in Text, of Size bytes, whose SHA-256 is Reason
	EventLeftOut   EventType = "left-out"  // Participant publishes something that is not recorded: the source in Text; Reason is why
)

// PublishedLess is the Reason of an EventPublished when the recorder asked for
// smaller pictures.
const PublishedLess = "max-video"

// Why a source is left out: whoever runs the recorder asked for less.
const (
	LeftOutAudioOnly = "audio-only" // sound only
	LeftOutNoVideo   = "no-video"   // no cameras
	LeftOutNoScreen  = "no-screen"  // no shared screens, nor their sound
)

// StartImported is the Reason of an EventStart of a recording that was made of files,
// which somebody else recorded: nobody heard the room for it.
const StartImported = "imported"

// StartMembers is the Reason of an EventStart of a room whose members make its keys.
const StartMembers = "members"

// FollowsServer is the Reason of an EventFollows that the room's server told the recorder,
// which had no part in the other recording. Without it, the recorder's home had the other.
const FollowsServer = "server"

// Reasons of an EventNote.
const (
	NoteKey     = "key"     // a key for the recorder, or why there is none
	NoteConsent = "consent" // an answer about being recorded
)

// TrackPlaintext is the Reason of an EventTrack for a track that came unencrypted
// into an end-to-end-encrypted room, and that the recorder may record.
const TrackPlaintext = "plaintext"

// TrackEncoded is the Reason of an EventTrack whose sound was encoded again when it was
// imported: it is not what its file has, bit by bit.
const TrackEncoded = "encoded"

// Reasons of an EventClock.
const (
	ClockJump = "jump" // for good: the track's times follow its arrivals from then on
	ClockOnce = "once" // of a single frame, which is put between its neighbours
)

// Reasons of a hole. Mute and silence (DTX) are no holes.
const (
	HoleStart     = "start"           // published, but the first packet or key frame came later
	HoleTooMany   = "too-many-tracks" // the participant has more tracks than are recorded
	HoleLoss      = "loss"            // packets never came
	HoleNoKey     = "no-key"          // no key for the frames' key index
	HoleAuth      = "auth"            // frames did not authenticate: wrong key or tampering
	HolePlaintext = "plaintext"       // an unencrypted track in an end-to-end-encrypted room
	HoleKeyFrame  = "key-frame"       // waiting for a key frame after a hole or at the start
	HoleReconnect = "reconnect"       // the recorder was away from the room
	HoleAsleep    = "asleep"          // the recorder's machine was suspended; without a Track, all tracks are missing
	HoleBandwidth = "bandwidth"       // the room's server found no bandwidth to send it to the recorder
	HoleStranger  = "stranger"        // the sender is not a member of the call
	HoleCodec     = "codec"           // a codec that is not recorded
	HoleFormat    = "format"          // no file can hold it: a frame over MaxFrame, a picture over MaxSide
	HoleSpool     = "spool-full"      // no room to write
	HoleFault     = "fault"           // a fault in the recorder, caused by what was sent
)
