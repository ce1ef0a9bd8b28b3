package media

// Events about interruptions of the recording. EventReconnect ends what EventLost
// began. If the connection was only resumed, there is no EventLost.
const (
	EventLost   EventType = "lost"   // the recorder lost the room at From, or its server Text: nothing is received from there until a reconnect
	EventServer EventType = "server" // the room is on several servers, and what the one called Name sends is later in the recording than what others send by at most Text, a duration as Go writes it
	EventPause  EventType = "pause"  // the recording was paused: nothing is kept until a resume; Reason says why
	EventResume EventType = "resume" // it goes on
)

// How the recorder came back: the Reason of an EventReconnect, whose From and To
// say how long it took.
const (
	ReconnectResume = "resume" // the connection was resumed; what was lost is declared as lost packets
	ReconnectRejoin = "rejoin" // it was over, and the recorder joined again
)

// Reasons of wanted holes. They do not make a recording incomplete.
const (
	HolePaused     = "paused"     // somebody paused the recording
	HoleConsent    = "consent"    // the sender had not agreed to be recorded, or took it back
	HoleUnverified = "unverified" // only verified members are recorded
)

// Wanted reports whether a hole for this reason was wanted.
func Wanted(reason string) bool {
	return reason == HolePaused || reason == HoleConsent || reason == HoleUnverified
}
