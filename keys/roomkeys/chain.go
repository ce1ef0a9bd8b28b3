package roomkeys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

const (
	// KeySize is the length of a media key in bytes. It is raw material for
	// LiveKit's HKDF, not an AES key.
	KeySize = 32
	// Indexes is how many indexes a ring of keys has: an index is 0 to 255.
	Indexes = 256
	// Ahead is how many keys ahead of the present one a receiver installs.
	Ahead = 4

	freshBy     = Ahead + 1 // how far a fresh chain begins after the last index
	labelKey    = "key"
	labelNext   = "next"
	labelCommit = "sealtape.v1/commit\n"
)

// A secret is wiped when it is used up. This is best effort: Go may have copied it.
type secret [KeySize]byte

func (s *secret) wipe() { clear(s[:]) }

// derive returns HMAC-SHA256(s, label).
func (s *secret) derive(label string) (out secret) {
	h := hmac.New(sha256.New, s[:])
	h.Write([]byte(label))
	h.Sum(out[:0])
	return out
}

// A chain is a sender's chain at one index. Whoever knows it can derive the keys of
// this index and of all that follow, and of none before.
type chain struct {
	number int // from 1; a fresh chain has the next one
	index  int // 0 to 255
	secret secret
}

// begin returns a fresh chain.
func begin(number, index int) *chain {
	c := &chain{number: number, index: index % Indexes}
	rand.Read(c.secret[:])
	return c
}

// key returns the media key at the chain's index. The caller wipes it.
func (c *chain) key() secret { return c.secret.derive(labelKey) }

// step moves the chain to the next index. What was before cannot be derived any
// more.
func (c *chain) step() {
	next := c.secret.derive(labelNext)
	c.secret = next
	next.wipe()
	c.index = (c.index + 1) % Indexes
}

// at returns the key that is n steps ahead. The caller wipes it.
func (c *chain) at(n int) secret {
	ahead := *c
	defer ahead.secret.wipe()
	for range n {
		ahead.step()
	}
	return ahead.key()
}

// distance returns how many steps index is ahead of the chain's, in a ring.
func (c *chain) distance(index int) int { return (index - c.index + Indexes) % Indexes }

// commitment returns the hash by which a sender says which key it uses, without
// the key.
func commitment(key secret) (h Hash) {
	sum := sha256.New()
	sum.Write([]byte(labelCommit))
	sum.Write(key[:])
	sum.Sum(h[:0])
	return h
}
