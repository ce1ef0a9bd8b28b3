package keys

// SetScryptWork makes Init cheap enough for tests.
func (h *Home) SetScryptWork(logN int) { h.scryptWork = logN }

// Forge returns c with its text changed by f and signed anew by i, valid or
// not: what a hostile holder of a key can make.
func (i *Identity) Forge(f func(*Card)) (Card, error) {
	c := i.card
	f(&c)
	err := c.sign(i.signer)
	return c, err
}
