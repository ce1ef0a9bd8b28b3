package keys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const (
	revocationHeader = "sealtape.v1/revocation"
	maxReasonRunes   = 200

	// MaxRevocation is the most bytes that a revocation may have.
	MaxRevocation = 4 << 10
)

// A Revocation says that a key no longer speaks for its holder, because it was
// lost or stolen. It is a note signed by that key itself or by another key of the
// same person.
//
//	sealtape.v1/revocation
//	name: Ada
//	key: sealtape.v1/7f3c…+0a1b2c3d+AT9…
//	time: 2026-11-23T08:00:00Z
//	reason: lost laptop
//
//	— sealtape.v1/7f3c… Ch1u…
//
// The line reason may be missing. Whoever has a stolen key can still sign with it
// and choose the date. So the time says when the key was revoked, and nothing
// about when signatures were made.
type Revocation struct {
	Name   string    // on the revoked card
	Key    string    // its verifier key
	Time   time.Time // when it was revoked, in UTC and whole seconds
	Reason string    // for people, one line, or none

	by signature
}

// Revoke returns the revocation of c, a card of the identity's own or of another
// device of the same name. The reason, up to 200 characters, may be "".
func (i *Identity) Revoke(c Card, reason string) (Revocation, error) {
	if foldName(c.Name) != foldName(i.card.Name) {
		return Revocation{}, fmt.Errorf("%w: it is of %s, and %s can revoke their own cards only", ErrOtherName, c.Name, i.card.Name)
	}
	if reason != "" {
		if err := checkLine(reason, maxReasonRunes); err != nil {
			return Revocation{}, fmt.Errorf("reason: %w", err)
		}
	}
	r := Revocation{Name: c.Name, Key: c.Key, Time: time.Now().UTC().Truncate(time.Second), Reason: reason}
	sig, err := i.signer.Sign([]byte(r.text()))
	r.by = signature{i.signer.Name(), i.signer.KeyHash(), sig}
	return r, err
}

// IsRevocation reports whether b looks like a revocation and not like a card.
func IsRevocation(b []byte) bool { return bytes.HasPrefix(b, []byte(revocationHeader+"\n")) }

// ParseRevocation parses a revocation. If the revoked key itself signed it,
// ParseRevocation checks the signature. Otherwise [Home.Revoke] checks whether
// its signer may revoke the key. A revocation has one encoding. Errors wrap
// ErrBadRevocation.
func ParseRevocation(b []byte) (Revocation, error) {
	r, err := parseRevocation(b)
	if err != nil {
		return Revocation{}, fmt.Errorf("%w: %w", ErrBadRevocation, err)
	}
	return r, nil
}

func parseRevocation(b []byte) (Revocation, error) {
	if len(b) > MaxRevocation {
		return Revocation{}, fmt.Errorf("longer than %d bytes", MaxRevocation)
	}
	// No verifier is known yet, so note.Open proves only that the note parses.
	_, err := note.Open(b, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return Revocation{}, err
	}
	n := unverified.Note
	if len(n.UnverifiedSigs) != 1 {
		return Revocation{}, fmt.Errorf("%d signatures, where one must be", len(n.UnverifiedSigs))
	}
	var r Revocation
	if r.by, err = parseSignature(n.UnverifiedSigs[0]); err != nil {
		return Revocation{}, err
	}
	lines := strings.Split(strings.TrimSuffix(n.Text, "\n"), "\n")
	if lines[0] != revocationHeader || len(lines) < 4 || len(lines) > 5 {
		return Revocation{}, errors.New("malformed")
	}
	for i, f := range []string{"name: ", "key: ", "time: ", "reason: "}[:len(lines)-1] {
		v, ok := strings.CutPrefix(lines[i+1], f)
		if !ok {
			return Revocation{}, fmt.Errorf("no %q where it belongs", strings.TrimSuffix(f, ": "))
		}
		lines[i+1] = v
	}
	r.Name, r.Key = lines[1], lines[2]
	if err := checkName(r.Name); err != nil {
		return Revocation{}, err
	}
	_, own, err := parseKey(r.Key)
	if err != nil {
		return Revocation{}, err
	}
	if r.Time, err = time.Parse(time.RFC3339, lines[3]); err != nil {
		return Revocation{}, errors.New("time is no time")
	}
	r.Time = r.Time.UTC()
	if len(lines) == 5 {
		r.Reason = lines[4]
		if err := checkLine(r.Reason, maxReasonRunes); err != nil {
			return Revocation{}, err
		}
	}
	if r.by.name == own.Name() && r.by.hash == own.KeyHash() && !r.SignedBy(own) {
		return Revocation{}, ErrCardSignature
	}
	if again, err := r.Marshal(); err != nil || !bytes.Equal(again, b) {
		return Revocation{}, errors.New("not in canonical form")
	}
	return r, nil
}

func (r Revocation) text() string {
	text := fmt.Sprintf("%s\nname: %s\nkey: %s\ntime: %s\n", revocationHeader, r.Name, r.Key, r.Time.UTC().Format(time.RFC3339))
	if r.Reason != "" {
		text += "reason: " + r.Reason + "\n"
	}
	return text
}

// concerns reports whether r revokes a card: the card's own key signed r, or r has its name.
func (r Revocation) concerns(c Card) bool {
	if r.Key != c.Key {
		return false
	}
	_, own, err := parseKey(r.Key)
	return err == nil && r.SignedBy(own) || foldName(r.Name) == foldName(c.Name)
}

// concerns reports whether r revokes a key of the identity's holder.
func (i *Identity) concerns(r Revocation) bool {
	return r.Key == i.card.Key || foldName(r.Name) == foldName(i.card.Name) ||
		slices.ContainsFunc(i.earlier, func(c Card) bool { return c.Key == r.Key })
}

// Marshal returns the revocation as a signed note.
func (r Revocation) Marshal() ([]byte, error) {
	return note.Sign(&note.Note{Text: r.text()}, r.by)
}

// SignedBy reports whether v's key signed the revocation.
func (r Revocation) SignedBy(v note.Verifier) bool { return r.by.by(v, r.text()) }

// Fingerprint returns the fingerprint of the key that is revoked. It panics if Key
// is not that of a valid revocation.
func (r Revocation) Fingerprint() Fingerprint { return Card{Key: r.Key}.Fingerprint() }
