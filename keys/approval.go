package keys

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/approval"
	"github.com/sealtape/sealtape/internal/durable"
)

// Approve returns c with the identity's signature. The signature says that c's
// key belongs to the same person, who uses both keys or, if c says so, only c's
// key from now on. Whoever has pinned this identity's card can then pin c without
// comparing words. c must be a valid card of the same name. Only its holder can
// tell by its fingerprint whether it is theirs.
//
// The approval of a recorder's card travels with what that recorder signs from then
// on, if it has the card: whoever has pinned this identity's card knows its
// recordings, without its card. See Home.Add and Identity.Signer.
func (i *Identity) Approve(c Card) (Card, error) {
	b, err := c.Marshal()
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	if c, err = ParseCard(b); err != nil {
		return Card{}, err
	}
	v := i.Verifier()
	switch {
	case c.Key == i.card.Key:
		return Card{}, errors.New("a card needs no approval by its own key")
	case foldName(c.Name) != foldName(i.card.Name):
		return Card{}, fmt.Errorf("%w: it is of %s, and %s can approve their own cards only", ErrOtherName, c.Name, i.card.Name)
	case !i.card.Role.vouches(c.Role):
		return Card{}, fmt.Errorf("%w: a member's key does not make a recorder", ErrOtherRole)
	case c.ApprovedBy(v) && (c.Role != Recorder || c.travelsBy(v)):
		return c, nil
	case !c.ApprovedBy(v) && len(c.approvals)-len(c.travelling()) >= maxApprovals, c.Role == Recorder && !c.travelsBy(v) && len(c.travelling()) >= maxApprovals:
		return Card{}, fmt.Errorf("the card has %d approvals, the most there may be", maxApprovals)
	}
	return c, c.approve(i.signer, v)
}

// approve adds what is missing of another key's approval.
func (c *Card) approve(s note.Signer, v note.Verifier) error {
	if !c.ApprovedBy(v) {
		sig, err := s.Sign([]byte(c.text()))
		if err != nil {
			return err
		}
		c.approvals = append(slices.Clip(c.approvals), signature{s.Name(), s.KeyHash(), sig})
	}
	if c.Role != Recorder || c.travelsBy(v) {
		return nil
	}
	given, err := approval.Give(s, c.Key, c.text(), time.Now())
	if err != nil {
		return err
	}
	line, err := given.Sign(nil)
	if err != nil {
		return err
	}
	c.approvals = append(slices.Clip(c.approvals), signature{given.Name(), given.KeyHash(), line})
	return nil
}

// ApprovedBy reports whether v's key has approved the card.
func (c Card) ApprovedBy(v note.Verifier) bool {
	text := c.text()
	return slices.ContainsFunc(c.approvals, func(s signature) bool { return s.by(v, text) })
}

// Approvers returns the names of the keys that are said to have approved the card, as on
// signatures: see ApprovedBy.
func (c Card) Approvers() []string {
	var names []string
	for _, s := range c.approvals {
		if !slices.Contains(names, s.name) {
			names = append(names, s.name)
		}
	}
	return names
}

// travelling returns the approvals that travel with what the card's key records.
func (c Card) travelling() []approval.Given {
	var all []approval.Given
	for _, s := range c.approvals {
		if g, ok := s.given(); ok {
			all = append(all, g)
		}
	}
	return all
}

// travelsBy reports whether an approval by v's key travels with what the card's key
// records.
func (c Card) travelsBy(v note.Verifier) bool {
	return slices.ContainsFunc(c.travelling(), func(g approval.Given) bool { return g.ApprovedBy(v, c.Key, c.text()) })
}

// Sum is the SHA-256 of the card's text, without signatures: what an approval beside a
// recording names.
func (c Card) Sum() [sha256.Size]byte { return sha256.Sum256([]byte(c.text())) }

// adopt gives the home's own card the approvals that c, the same card, has besides.
func (h *Home) adopt(pins []Pin, c Card) error {
	own := pins[0].Card
	if own.text() != c.text() {
		return nil // an older card, or a newer one that was made elsewhere
	}
	merged := own
	for _, s := range c.approvals {
		if slices.ContainsFunc(own.approvals, func(o signature) bool { return o.name == s.name && o.hash == s.hash }) {
			continue
		}
		for _, p := range pins[1:] {
			given, travels := s.given()
			switch v := p.Verifier(); {
			case s.name != v.Name():
			case travels && !given.ApprovedBy(v, c.Key, c.text()), !travels && !s.by(v, c.text()):
				return fmt.Errorf("%w: the approval of %s is of another card", ErrBadCard, p.Label())
			}
		}
		merged.approvals = append(slices.Clip(merged.approvals), s)
	}
	if len(merged.approvals) == len(own.approvals) {
		return nil
	}
	b, err := merged.Marshal()
	if err != nil {
		return err
	}
	if _, err := ParseCard(b); err != nil { // too many
		return err
	}
	return durable.WriteFile(h.path(ownCard), b)
}

// An approvedSigner signs with a key that others approved.
type approvedSigner struct {
	note.Signer
	approvals []note.Signer
}

// Approvals are the lines that stand beside its signatures of heads: see package archive.
func (s approvedSigner) Approvals() []note.Signer { return s.approvals }

// signerOf returns the signer of c's key, with the approvals on c.
func signerOf(s note.Signer, c Card) note.Signer {
	given := c.travelling()
	pub, _, err := parseKey(c.Key)
	if len(given) == 0 || err != nil {
		return s
	}
	lines := make([]note.Signer, 0, len(given))
	for _, g := range given {
		lines = append(lines, approval.Stated{Given: g, Recorder: ed25519.PublicKey(pub), Card: c.Sum()})
	}
	return approvedSigner{s, lines}
}

// Approver returns the pinned card that approves c now: it has the same name and a role
// that vouches for c's, counts at the given time (Pin.Live), and its key has signed c.
// False means that there is none; c may be pinned itself all the same. Two recorders
// whose cards have an Approver are of one fleet if these have the same name.
//
// pins are those of Home.Pins. A card that was revoked, or that another replaced, has no
// Approver.
func Approver(pins []Pin, c Card, now time.Time) (Pin, bool) {
	if c.Expired(now) || slices.ContainsFunc(pins, func(p Pin) bool { return p.Key == c.Key && (p.Revoked != nil || p.ReplacedBy != "") }) {
		return Pin{}, false
	}
	for _, p := range pins {
		if p.Key != c.Key && p.folded == foldName(c.Name) && p.Role.vouches(c.Role) && p.Live(now) == nil && c.ApprovedBy(p.Verifier()) {
			return p, true
		}
	}
	return Pin{}, false
}
