package keys

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
)

const (
	fingerprintWords = 8
	fingerprintBits  = 11 * fingerprintWords // 2048 words, 11 bits each

	// fingerprintDomain keeps the hash apart from every other use of SHA-256
	// over a public key.
	fingerprintDomain = "sealtape.v1/fingerprint\n"
)

// A Fingerprint is a short form of a signing key that people can read to one
// another: 88 bits of SHA-256 as eight words of the BIP-39 English list. Finding
// a second key with a given fingerprint takes about 2^88 key generations. It does
// not bind the key's owner: an owner who wants two keys with the same fingerprint
// finds such a pair after about 2^44.
//
// Compare with Equal. The zero Fingerprint belongs to no key.
type Fingerprint [fingerprintBits / 8]byte

func fingerprintOf(pub ed25519.PublicKey) Fingerprint {
	h := sha256.New()
	h.Write([]byte(fingerprintDomain))
	h.Write(pub)
	return Fingerprint(h.Sum(nil)[:fingerprintBits/8])
}

// String returns the eight words, lower case, joined by dashes.
func (f Fingerprint) String() string {
	words := make([]string, 0, fingerprintWords)
	var acc, n uint
	for _, b := range f {
		acc, n = acc<<8|uint(b), n+8
		if n >= 11 {
			n -= 11
			words = append(words, wordlists.English[acc>>n&0x7ff])
		}
	}
	return strings.Join(words, "-")
}

// ParseFingerprint parses what String returned or a person typed: the eight words
// in any case, separated by anything but ASCII letters. It refuses the words of
// the zero Fingerprint.
func ParseFingerprint(s string) (Fingerprint, error) {
	words := strings.FieldsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if len(words) != fingerprintWords {
		return Fingerprint{}, fmt.Errorf("a fingerprint has %d words, this has %d", fingerprintWords, len(words))
	}
	var f Fingerprint
	var acc, n uint
	out := f[:0]
	for _, w := range words {
		w = strings.ToLower(w)
		i, ok := slices.BinarySearch(wordlists.English, w)
		if !ok {
			return Fingerprint{}, fmt.Errorf("%q is not a word that fingerprints use", w)
		}
		acc, n = acc<<11|uint(i), n+11
		for n >= 8 {
			n -= 8
			out = append(out, byte(acc>>n))
		}
	}
	if f == (Fingerprint{}) {
		return Fingerprint{}, errors.New("these words are of no key")
	}
	return f, nil
}

// Equal reports whether f and g are the same, in constant time.
func (f Fingerprint) Equal(g Fingerprint) bool {
	return subtle.ConstantTimeCompare(f[:], g[:]) == 1
}
