package roomkeys

import (
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A KeyNote is a member's signed word to a recorder: a key, or why there is none.
type KeyNote struct {
	// Room and From are the room's name and the member's identity in it, To is the
	// recorder's.
	Room, From, To string
	Time           time.Time
	Nonce          Nonce  // of the member's session
	Chain, Index   int    // where the key begins; without a key, the member's latest chain
	Recording      string // the ID of the recording it was given for; "" means none
	State          Hash   // the digest of the recorder's state that was agreed to; zero means none
	Why            Why    // why there is no key; "" means that there is one
}

// ReadKeyNote reads such a word, which v must have signed. It checks nothing else. The
// key in it cannot be opened any more.
func ReadKeyNote(b []byte, v note.Verifier) (KeyNote, error) {
	m, err := parse(b)
	switch {
	case err != nil:
		return KeyNote{}, err
	case m.kind != typeKey || !m.signedBy(v):
		return KeyNote{}, errors.New("not a signed message about a key")
	}
	k := KeyNote{Room: m.room, From: m.from, To: m.to, Time: m.time, Nonce: m.nonce, Chain: m.chain, Index: m.index,
		Recording: m.recording, State: m.state, Why: m.why}
	if m.why == given {
		k.Why = ""
	}
	return k, nil
}
