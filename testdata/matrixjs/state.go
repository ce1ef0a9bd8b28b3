package matrixjs

import (
	"encoding/json"
	"slices"
	"time"
)

// A State is what a person sees of a room and its call. call.js and person.js make it.
type State struct {
	// Identity is the person's own at the SFU; InCall says that they entered and did not
	// leave, Connected that the SFU has them.
	Identity          string
	InCall, Connected bool
	Members           []Member
	// Participants are the identities of the others at the SFU.
	Participants []string
	// Keys are all that came, and the person's own, in order.
	Keys []Key
	// Received are the tracks of others, ended ones too.
	Received map[string]Reception
	// Unopened is how often the encryption worker met frames without a key that opens
	// them: as somebody comes, a few.
	Unopened int
	// Texts are the room's messages, Names what its users are called there.
	Texts        []Text
	Names        map[string]string
	Verification Verification
	// Errors are the client's troubles.
	Errors []string
}

// A Member is one of the call by their membership, the person too.
type Member struct {
	User, Device string
	Identity     string // at the SFU
	Event        string // ID
	Sticky       bool
	Data         map[string]json.RawMessage // what the application adds
	Created      int64                      // Unix milliseconds
	Services     []string
}

// A Key is a media key.
type Key struct {
	At           time.Time
	User, Device string
	Index        int
	Identity     string // whose frames it opens
	Key          []byte
}

// A Reception is a track that the person receives.
type Reception struct {
	From, Source string // "microphone" or "camera"
	Encrypted    bool
	Hz           float64 // of the strongest tone that is heard now, 0 for silence
	Frames       int     // of a picture that were decoded and shown
	Ended        bool
}

// A Text is a message in the room. Kind is "m.text" or "m.notice".
type Text struct {
	ID, From, Kind, Body string
	Encrypted            bool
}

// A Verification is how comparing emoji with another user goes.
type Verification struct {
	Emoji []string // seven, once they are to be compared
	Done  bool
	Error string
}

// Member returns the first member that is a user's device, and whether there is one. An
// empty device means any.
func (s State) Member(user, device string) (Member, bool) {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.User == user && (device == "" || m.Device == device) })
	if i < 0 {
		return Member{}, false
	}
	return s.Members[i], true
}

// KeysOf returns the keys of a user.
func (s State) KeysOf(user string) []Key {
	var list []Key
	for _, k := range s.Keys {
		if k.User == user {
			list = append(list, k)
		}
	}
	return list
}

// Hears reports whether a tone is heard from an identity, within 12 Hz.
func (s State) Hears(identity string, hz float64) bool {
	r, ok := s.Received[identity+" microphone"]
	return ok && !r.Ended && r.Hz > hz-12 && r.Hz < hz+12
}

// Sees reports whether a picture is seen from an identity.
func (s State) Sees(identity string) bool {
	r, ok := s.Received[identity+" camera"]
	return ok && !r.Ended && r.Frames > 0
}
