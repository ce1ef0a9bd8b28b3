package access

import (
	"encoding/hex"
	"errors"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

var (
	errNoCard  = errors.New("the recording has no card of theirs before it")
	errKind    = errors.New("it is of no known kind")
	errNoState = errors.New("it names no state of the recorder")
)

// evidence reads what members signed about being recorded.
func evidence() *tape.Evidence {
	return &tape.Evidence{Note: readNote, State: readState}
}

func readNote(kind, card, note string) (n tape.Note, err error) {
	if card == "" {
		return n, errNoCard
	}
	c, err := keys.ParseCard([]byte(card))
	if err != nil {
		return n, err
	}
	n.Name, n.Key = ui.Clean(c.Name), c.Key
	switch kind {
	case media.NoteKey:
		k, err := roomkeys.ReadKeyNote([]byte(note), c.Verifier())
		if err != nil {
			return n, err
		}
		n.Room, n.From, n.Time, n.Recording, n.Yes = k.Room, k.From, k.Time, k.Recording, k.Why == ""
		n.Session, n.Chain = hex.EncodeToString(k.Nonce[:]), k.Chain
		if k.State != (roomkeys.Hash{}) {
			n.State = hex.EncodeToString(k.State[:])
		} else if n.Yes {
			return n, errNoState
		}
	case media.NoteConsent:
		c, err := member.ReadConsent([]byte(note), c.Verifier())
		if err != nil {
			return n, err
		}
		n.Room, n.From, n.Time, n.Recording, n.Yes = c.Room, c.From, c.Time, c.Recording, c.Yes
	default:
		return n, errKind
	}
	return n, nil
}

func readState(lines string) (readers []string, access string, err error) {
	s, err := member.ReadState(lines)
	for _, r := range s.Readers {
		name := ui.Clean(r.Name)
		if r.Fingerprint != (keys.Fingerprint{}) {
			name += " (" + r.Fingerprint.String() + ")"
		}
		readers = append(readers, name)
	}
	return readers, s.Access, err
}
