// Package approval is how a key says of a recorder's key that it is its own: what it
// signs, how a card and a head carry that, and how it is read again. archive/FORMAT.md
// has the form, under Approvals; package keys makes approvals, package archive reads
// them, and neither imports the other.
package approval

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const (
	prefix = "sealtape.v1/"

	// marker is the type of the signature lines: 0xff is signed-note's for what it
	// does not define, and the name says what this is.
	marker = "\xff" + prefix + "approval"

	given  = 4 + 8 + ed25519.SignatureSize               // bytes on the line of a Given
	stated = ed25519.PublicKeySize + sha256.Size + given // and of a Stated
)

// maxTime is the last time that RFC 3339 can write: 9999-12-31T23:59:59Z.
const maxTime = 253402300799

// KeyName returns the name of a signing key in signed notes. It is made from the key,
// and says nothing human.
func KeyName(pub ed25519.PublicKey) string {
	sum := sha256.Sum256(pub)
	return prefix + hex.EncodeToString(sum[:8])
}

// lineID returns the key ID of the lines in which the key of this name approves.
func lineID(name string) uint32 {
	sum := sha256.Sum256([]byte(name + "\n" + marker))
	return binary.BigEndian.Uint32(sum[:])
}

// A Given is an approval as the approved card carries it. It is a note.Signer, whose
// line stands on the card.
type Given struct {
	By   string    // name of the key that approves
	ID   uint32    // its key ID, as on what it signs otherwise
	Time time.Time // when, by the word of who approves; UTC, in whole seconds
	Sig  []byte    // Ed25519, of Text
}

// Text is what the key signs: that it approves a recorder's verifier key and the text of
// the card with it, at a time.
func Text(recorder string, card [sha256.Size]byte, at time.Time) string {
	return fmt.Sprintf("%sapproval\nrecorder: %s\ncard: %x\ntime: %s\n", prefix, recorder, card, at.UTC().Format(time.RFC3339))
}

// Give makes an approval with by's key, of a recorder's card.
func Give(by note.Signer, recorder, cardText string, at time.Time) (Given, error) {
	g := Given{By: by.Name(), ID: by.KeyHash(), Time: at.UTC().Truncate(time.Second)}
	var err error
	g.Sig, err = by.Sign([]byte(Text(recorder, sha256.Sum256([]byte(cardText)), g.Time)))
	return g, err
}

// Name is that of the approving key.
func (g Given) Name() string { return g.By }

// KeyHash tells the line from the key's ordinary signatures.
func (g Given) KeyHash() uint32 { return lineID(g.By) }

// Sign returns what stands on the line. It signs nothing.
func (g Given) Sign([]byte) ([]byte, error) {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, given), g.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(g.Time.Unix()))
	return append(b, g.Sig...), nil
}

// IsGiven reports whether a signature of this key name and ID is a Given.
func IsGiven(name string, id uint32, sig []byte) bool {
	return id == lineID(name) && len(sig) == given
}

// ParseGiven reads a Given from a card's line. It verifies nothing.
func ParseGiven(name string, id uint32, sig []byte) (Given, bool) {
	if !IsGiven(name, id, sig) {
		return Given{}, false
	}
	at := binary.BigEndian.Uint64(sig[4:])
	if at > maxTime {
		return Given{}, false
	}
	return Given{name, binary.BigEndian.Uint32(sig), time.Unix(int64(at), 0).UTC(), bytes.Clone(sig[12:])}, true
}

// ApprovedBy reports whether v's key approves a recorder's card with it.
func (g Given) ApprovedBy(v note.Verifier, recorder, cardText string) bool {
	return g.by(v, recorder, sha256.Sum256([]byte(cardText)))
}

func (g Given) by(v note.Verifier, recorder string, card [sha256.Size]byte) bool {
	return v.Name() == g.By && v.KeyHash() == g.ID && v.Verify([]byte(Text(recorder, card, g.Time)), g.Sig)
}

// A Stated is an approval as a head carries it. It names the recorder's key and the hash
// of its card, which are on the card itself.
type Stated struct {
	Given
	Recorder ed25519.PublicKey
	Card     [sha256.Size]byte // SHA-256 of the card's text, without signatures
}

// Sign returns what stands on the line. It signs nothing.
func (s Stated) Sign([]byte) ([]byte, error) {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, stated), s.ID)
	b = append(append(b, s.Recorder...), s.Card[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Time.Unix()))
	return append(b, s.Sig...), nil
}

// ParseStated reads an approval from a line of a head. It verifies nothing; an approval
// has one spelling.
func ParseStated(sig note.Signature) (Stated, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if err != nil || len(raw) != 4+stated || sig.Hash != lineID(sig.Name) || base64.StdEncoding.EncodeToString(raw) != sig.Base64 {
		return Stated{}, false
	}
	raw = raw[4:]
	s := Stated{Given: Given{By: sig.Name, ID: binary.BigEndian.Uint32(raw)}}
	raw = raw[4:]
	s.Recorder, raw = bytes.Clone(raw[:ed25519.PublicKeySize]), raw[ed25519.PublicKeySize:]
	s.Card, raw = [sha256.Size]byte(raw), raw[sha256.Size:]
	at := binary.BigEndian.Uint64(raw)
	s.Time, s.Sig = time.Unix(int64(min(at, maxTime)), 0).UTC(), bytes.Clone(raw[8:])
	return s, at <= maxTime
}

// VerifierKey returns the verifier key of the recorder.
func (s Stated) VerifierKey() (string, error) {
	return note.NewEd25519VerifierKey(KeyName(s.Recorder), s.Recorder)
}

// ApprovedBy reports whether v's key approves.
func (s Stated) ApprovedBy(v note.Verifier) bool {
	recorder, err := s.VerifierKey()
	return err == nil && s.by(v, recorder, s.Card)
}
