package frame

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"fmt"
)

// A Derivation turns key material into an AES key.
type Derivation uint8

const (
	// PBKDF2 is for passphrases, and for the key bytes of native clients by
	// default: HMAC-SHA-256, 100,000 rounds.
	PBKDF2 Derivation = iota
	// HKDF is for raw keys, the way of livekit-client's setKey(ArrayBuffer) and
	// of Element Call: SHA-256, with 128 zero bytes as info.
	HKDF
)

const (
	defaultSalt  = "LKFrameEncryptionKey"
	pbkdf2Rounds = 100_000
	ratchetSize  = 32 // bytes of ratcheted material
)

// hkdfInfo is the info that WebCrypto is given: new ArrayBuffer(128).
var hkdfInfo = string(make([]byte, 128))

func (d Derivation) derive(material []byte, salt string, size int) ([]byte, error) {
	switch d {
	case PBKDF2:
		return pbkdf2.Key(sha256.New, string(material), []byte(salt), pbkdf2Rounds, size)
	case HKDF:
		return hkdf.Key(sha256.New, material, []byte(salt), hkdfInfo, size)
	}
	return nil, fmt.Errorf("unknown key derivation %d", d)
}

// ratchet returns the material after the given one (livekit-client, utils.ts).
// Keys and materials are derived with the same salt and info, so an AES key is
// the beginning of the next material, and whoever learns a key can compute all
// later ones. The ratchet gives no forward secrecy.
func (d Derivation) ratchet(material []byte, salt string) ([]byte, error) {
	return d.derive(material, salt, ratchetSize)
}
