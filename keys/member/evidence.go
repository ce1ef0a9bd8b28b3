package member

import (
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A Consent is a member's answer about being recorded, as it was signed.
type Consent struct {
	// Room and From are the room's name and the member's identity in it.
	Room, From string
	Time       time.Time
	Nonce      [32]byte // of the member's session
	Recording  string   // its ID
	Number     int      // of the answer
	Yes        bool
}

var errEvidence = errors.New("not a signed message of this kind")

// ReadConsent reads a signed answer, which v must have signed. It checks nothing else.
func ReadConsent(b []byte, v note.Verifier) (Consent, error) {
	m, err := parse(b)
	switch {
	case err != nil:
		return Consent{}, err
	case m.kind != typeConsent || !m.openedBy(v):
		return Consent{}, errEvidence
	}
	return Consent{Room: m.room, From: m.from, Time: m.time, Nonce: m.nonce, Recording: m.recording, Number: m.number, Yes: m.answer == answerYes}, nil
}

// ReadState reads the lines of a recorder's state, as Config.Told has them. The state's
// digest is their SHA-256.
func ReadState(lines string) (State, error) {
	var s State
	sequence := 0
	for n, rest := 0, lines; rest != "" || n == 0; n++ {
		part := rest
		if i := strings.Index(rest, "\nsequence: "); i >= 0 {
			part = rest[:i+1]
		}
		rest = rest[len(part):]
		r := read(part)
		number := r.Number("sequence")
		p := r.state()
		if r.End(); r.Err != nil {
			return State{}, r.Err
		}
		if p.part != n+1 || n > 0 && (number != sequence || !sameHead(p.State, s)) || rest == "" && p.part != p.of {
			return State{}, errMalformed
		}
		sequence = number
		readers := append(slices.Clip(s.Readers), p.Readers...)
		if s = p.State; len(readers) > MaxReaders {
			return State{}, errMalformed
		}
		s.Readers = readers
	}
	return s, nil
}
