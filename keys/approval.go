package keys

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

// Approve returns c with the identity's signature. The signature says that c's
// key belongs to the same person, who uses both keys or, if c says so, only c's
// key from now on. Whoever has pinned this identity's card can then pin c without
// comparing words. c must be a valid card of the same name. Only its holder can
// tell by its fingerprint whether it is theirs.
func (i *Identity) Approve(c Card) (Card, error) {
	b, err := c.Marshal()
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	if c, err = ParseCard(b); err != nil {
		return Card{}, err
	}
	switch {
	case c.Key == i.card.Key:
		return Card{}, errors.New("a card needs no approval by its own key")
	case foldName(c.Name) != foldName(i.card.Name):
		return Card{}, fmt.Errorf("%w: it is of %s, and %s can approve their own cards only", ErrOtherName, c.Name, i.card.Name)
	case !i.card.Role.vouches(c.Role):
		return Card{}, fmt.Errorf("%w: a member's key does not make a recorder", ErrOtherRole)
	case c.ApprovedBy(i.Verifier()):
		return c, nil
	case len(c.approvals) >= maxApprovals:
		return Card{}, fmt.Errorf("the card has %d approvals, the most there may be", maxApprovals)
	}
	return c, c.approve(i.signer)
}

// approve adds a signature of another key than the card's.
func (c *Card) approve(s note.Signer) error {
	sig, err := s.Sign([]byte(c.text()))
	if err != nil {
		return err
	}
	c.approvals = append(slices.Clip(c.approvals), signature{s.Name(), s.KeyHash(), sig})
	return nil
}

// ApprovedBy reports whether v's key has approved the card.
func (c Card) ApprovedBy(v note.Verifier) bool {
	text := c.text()
	return slices.ContainsFunc(c.approvals, func(s signature) bool { return s.by(v, text) })
}
