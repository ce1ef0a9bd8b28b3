package roomkeys

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/keys"
)

const (
	version    = "sealtape.v1/"
	codeSalt   = version + "room-code"
	codeRounds = 1 << 18
	tagSize    = 8
	maxTags    = 1024 // 11 kB of a message
)

// A Seat is somebody in the room, as the roster names them.
type Seat struct {
	Identity string
	// Card is the SHA-256 of the card as a signed note, Nonce that of the session.
	Card  Hash
	Nonce Nonce
}

func (s Seat) line() string {
	return "member: " + base64.StdEncoding.EncodeToString([]byte(s.Identity)) + " " + s.Card.String() + " " + s.Nonce.String() + "\n"
}

// tag names a seat in a list of those who get no key.
func (s Seat) tag() (t [tagSize]byte) {
	sum := sha256.Sum256([]byte(s.line()))
	copy(t[:], sum[:])
	return t
}

// rosterLines returns the lines of a roster.
func rosterLines(seats []Seat) string {
	lines := make([]string, len(seats))
	for i, s := range seats {
		lines[i] = s.line()
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// RosterHash returns the hash by which members compare whom they see. seats includes
// oneself; their order does not matter.
func RosterHash(seats []Seat) Hash { return hashOf([]byte(rosterLines(seats))) }

// RoomCode returns eight words (88 bits) that are the same for all who see the same
// seats and were told the same of the recorder. recorder is what CodeLines returns of
// its member.State, "" without one. It takes some tens of milliseconds, so that
// a server cannot try many rosters.
func RoomCode(seats []Seat, recorder string) string {
	b, err := pbkdf2.Key(sha256.New, rosterLines(seats)+recorder, []byte(codeSalt), codeRounds, len(keys.Fingerprint{}))
	if err != nil {
		panic("roomkeys: internal error: " + err.Error())
	}
	return keys.Fingerprint(b).String() // the same words, of other bits
}
