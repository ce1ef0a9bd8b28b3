package native

import "time"

// A State is what the process knows. Times are this machine's, to the
// millisecond; a time that has not come is zero.
type State struct {
	// Identity is the member's own, as the server says.
	Identity  string
	Connected bool
	// Disconnected is the SDK's reason, once the room was left or lost.
	Disconnected string
	// Participants are all others ever seen, by identity.
	Participants map[string]Participant
	// Published are the member's own tracks, by source.
	Published map[Source]Publication
	// Received are the tracks of others ever received, by track ID.
	Received map[string]Reception
	// Messages are the chat texts that arrived on the topic lk.chat, in order.
	Messages []Message
	// Errors are what went wrong.
	Errors []string
}

// A Source is what a track shows or carries.
type Source string

// The sources that a Member can publish.
const (
	Microphone Source = "microphone"
	Camera     Source = "camera"
	Screen     Source = "screen_share"
)

// A Participant is another member as this one sees it.
type Participant struct {
	Name       string
	Attributes map[string]string
	// At is when the participant was first listed, Left when it went.
	At, Left time.Time
}

// A Publication is a track of the member's own.
type Publication struct {
	SID string
	// At is when the server accepted the track, Ended when it was unpublished.
	At, Ended time.Time
}

// A Reception is a track of another member, as it was decoded here.
type Reception struct {
	From   string // identity
	Source Source
	At     time.Time
	// Frames counts the pictures, or the pieces of sound, and Loud those of the
	// latter that are no silence. Width and Height are the last picture's. They
	// are told with every tenth.
	Frames, Loud, Width, Height int
}

// A Message is a chat text.
type Message struct {
	From, Text string
	At         time.Time
}

// Heard returns the received sound of a member, and Watched the camera's picture.
func (s State) Heard(identity string) Reception   { return s.received(identity, Microphone) }
func (s State) Watched(identity string) Reception { return s.received(identity, Camera) }

func (s State) received(identity string, source Source) (last Reception) {
	for _, r := range s.Received {
		if r.From == identity && r.Source == source && r.At.After(last.At) {
			last = r
		}
	}
	return last
}
