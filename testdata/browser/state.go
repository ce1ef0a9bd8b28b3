package browser

import "time"

// A State is what the page knows. Times are the browser's clock, which is this
// machine's, to the millisecond; a time that has not come is zero.
type State struct {
	// Browser is the browser's name and version.
	Browser string
	// Identity is the member's own, as the server says.
	Identity  string
	Connected bool
	// Disconnected is livekit-client's reason, once the room was left or lost.
	Disconnected string
	// Participants are all others ever seen, by identity.
	Participants map[string]Participant
	// Published are the member's own tracks, by source.
	Published map[Source]Publication
	// Received are the tracks of others ever subscribed to, by track ID.
	Received map[string]Reception
	// Messages are the chat texts that arrived on the topic lk.chat, in order.
	Messages []Message
	// Membership is set by Config.Card.
	Membership Membership
	// Errors are what went wrong: a frame that did not decrypt, a script error.
	Errors []string
}

// A Source is livekit-client's name of what a track shows or carries.
type Source string

// The sources that a Member can publish.
const (
	Microphone  Source = "microphone"
	Camera      Source = "camera"
	Screen      Source = "screen_share"
	ScreenAudio Source = "screen_share_audio"
)

// A Participant is another member as this one sees it.
type Participant struct {
	Name       string
	Attributes map[string]string
	// Encrypted is livekit-client's verdict on the participant's tracks.
	Encrypted bool
	// At is when the participant was first listed, Left when it went.
	At, Left time.Time
}

// A Publication is a track of the member's own.
type Publication struct {
	SID       string
	Encrypted bool
	Muted     bool
	// At is when the server accepted the track, Sent when its first packet had
	// left (looked at every 20 ms), Ended when it was unpublished.
	At, Sent, Ended time.Time
	// Layers are what is sent of a picture, looked at every 500 ms: the streams of
	// a simulcast, or one with the size of its highest spatial layer.
	Layers []Layer
}

// A Layer is one stream of a picture, as the browser's statistics tell.
type Layer struct {
	Width, Height int  // of the last picture encoded; 0 before
	Active        bool // it may be sent
	// Limited is why it is not better: "none", "cpu", "bandwidth" or "other".
	Limited string
	Mode    string // "L3T3_KEY"
	// Target is how many bits a second the encoder should make, Bytes how many
	// were sent.
	Target float64
	Bytes  int64
}

// A Reception is a track of another member, as it was played here.
type Reception struct {
	From      string // identity
	Source    Source
	Encrypted bool
	At, Ended time.Time
	// Hz is the strongest frequency of a sound, to 6 Hz, and Level its strength
	// in dB, at most 0; over the last sixth of a second, and told when it changed by 1 dB. Silence
	// is 0 and -1000.
	Hz, Level float64
	// Frames counts the pictures shown, Width and Height are the last one's;
	// told with every tenth.
	Frames, Width, Height int
}

// A Message is a chat text.
type Message struct {
	From, Text string
	At         time.Time
}

// Heard returns the last received sound of the participant, and whether there
// is one that has not ended.
func (s State) Heard(identity string) (Reception, bool) { return s.received(identity, Microphone) }

// Watched returns the last received camera picture of the participant, and
// whether there is one that has not ended.
func (s State) Watched(identity string) (Reception, bool) { return s.received(identity, Camera) }

func (s State) received(identity string, source Source) (Reception, bool) {
	for _, r := range s.Received {
		if r.From == identity && r.Source == source && r.Ended.IsZero() {
			return r, true
		}
	}
	return Reception{}, false
}
