package roomkeys

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash/fnv"
	"slices"
)

// A cheapKey signs and verifies with HMAC: a room of 200 says some hundred thousand
// things.
type cheapKey struct{ secret [32]byte }

func (k *cheapKey) Name() string { return "cheap" }

func (k *cheapKey) KeyHash() uint32 {
	h := fnv.New32a()
	h.Write(k.secret[:])
	return h.Sum32()
}

func (k *cheapKey) Sign(msg []byte) ([]byte, error) {
	h := hmac.New(sha256.New, k.secret[:])
	h.Write(msg)
	return h.Sum(nil), nil
}

func (k *cheapKey) Verify(msg, sig []byte) bool {
	want, _ := k.Sign(msg)
	return hmac.Equal(want, sig)
}

// A cheapKEM has the sizes of the hybrid one, and its public keys are secret.
type cheapKEM struct{}

func (cheapKEM) offer() (private secret, public []byte, err error) {
	private = begin(1, 0).secret
	public = make([]byte, kemSize)
	copy(public, private[:])
	return private, public, nil
}

func (cheapKEM) seal(public, info []byte) ([]byte, secret, error) {
	enc := make([]byte, encSize)
	r := begin(1, 0).secret
	copy(enc, r[:])
	return enc, cheapFirst(public, enc, info), nil
}

func (cheapKEM) open(enc []byte, private *secret, info []byte) (secret, error) {
	return cheapFirst(private[:], enc, info), nil
}

func cheapFirst(key, enc, info []byte) secret {
	return sha256.Sum256(append(append(slices.Clone(key[:32]), enc[:32]...), info...))
}
