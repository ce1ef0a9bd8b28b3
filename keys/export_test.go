package keys

import "testing"

// Forge returns c with its text changed by f and signed anew by i, valid or
// not: what a hostile holder of a key can make.
func (i *Identity) Forge(f func(*Card)) (Card, error) {
	c := i.card
	f(&c)
	err := c.sign(i.signer)
	return c, err
}

// ForgeApproval returns a card with id's approval, whatever that says.
func ForgeApproval(t *testing.T, id *Identity, c Card) Card {
	t.Helper()
	if err := c.approve(id.signer, id.Verifier()); err != nil {
		t.Fatal(err)
	}
	return c
}

// AddRevocation makes id's export have r in it, whoever that concerns.
func (i *Identity) AddRevocation(r Revocation) { i.revoked = append(i.revoked, r) }

var (
	CheckName = checkName
	FoldName  = foldName
)

// PrintableAndMark reports what the tables say of a code point.
func PrintableAndMark(r rune) (printable, mark bool) {
	return inSpans(printables(), r), inSpans(marks(), r)
}

// UnicodeTables returns the tables in the order of web/unicode.js.
func UnicodeTables() []string { return []string{printableTable, markTable, foldTable} }

// WithApprovalsOf returns c with the approvals of another card.
func WithApprovalsOf(c, other Card) (Card, error) {
	c.approvals = other.approvals
	b, err := c.Marshal()
	if err != nil {
		return Card{}, err
	}
	return ParseCard(b)
}
