package member

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	sealedHeader = version + "sealed\n"
	sealInfo     = version + "member-seal"
	commitInfo   = version + "member-key"
	sealKeySize  = 32
)

// A RoomKey is one of a room's end-to-end keys, as this protocol uses it:
// messages are sealed with it, and a proof names it. It is safe for concurrent
// use.
type RoomKey struct {
	commitment hash
	aead       cipher.AEAD
}

// NewRoomKey returns the RoomKey of the AES key, of 16 or 32 bytes, that encrypts
// media. If the room has a passphrase, this is the key derived from it, never the
// passphrase itself. The caller may overwrite key afterwards.
func NewRoomKey(key []byte) (*RoomKey, error) {
	if len(key) != 16 && len(key) != 32 {
		return nil, fmt.Errorf("a room key of %d bytes, must be 16 or 32", len(key))
	}
	seal, err := hkdf.Key(sha256.New, key, nil, sealInfo, sealKeySize)
	if err != nil {
		return nil, err
	}
	defer clear(seal)
	commitment, err := hkdf.Key(sha256.New, key, nil, commitInfo, sha256.Size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &RoomKey{hash(commitment), aead}, nil
}

// Seal returns the packet of a message.
func (k *RoomKey) Seal(message []byte) ([]byte, error) {
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	packet := append([]byte(sealedHeader), nonce...)
	return k.aead.Seal(packet, nonce, message, []byte(sealedHeader)), nil
}

var errSealed = errors.New("a packet that the key does not open")

// Open returns the message of a packet that Seal made.
func (k *RoomKey) Open(packet []byte) ([]byte, error) {
	box, ok := bytes.CutPrefix(packet, []byte(sealedHeader))
	if n := k.aead.NonceSize(); ok && len(box) >= n {
		if message, err := k.aead.Open(nil, box[:n], box[n:], []byte(sealedHeader)); err == nil {
			return message, nil
		}
	}
	return nil, errSealed
}

// maxSealed is the most bytes of a sealed packet.
const maxSealed = MaxMessage + len(sealedHeader) + 12 + 16

// unseal returns the message of a packet, and the commitment to the key that
// opened it: zero for a message in the clear. The caller holds s.mu.
func (s *Session) unseal(from string, packet []byte) (message []byte, key hash, err error) {
	if !bytes.HasPrefix(packet, []byte(sealedHeader)) {
		return packet, key, nil
	}
	if len(packet) > maxSealed || s.c.Keys == nil {
		return nil, key, errSealed
	}
	for _, k := range s.c.Keys(from) {
		if message, err := k.Open(packet); err == nil {
			return message, k.commitment, nil
		}
	}
	return nil, key, errSealed
}
