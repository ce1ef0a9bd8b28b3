package frame

import "errors"

// Why a frame was not decrypted. Such a frame is never handed out as media.
var (
	// ErrEmpty: the frame has no bytes. Senders pass such frames through as
	// they are; there is nothing in them.
	ErrEmpty = errors.New("empty frame")
	// ErrShort: the frame does not have the shape of an encrypted one. In an
	// encrypted room this is plaintext, so a downgrade, or garbage.
	ErrShort = errors.New("frame is not encrypted")
	// ErrNoKey: there is no key at the frame's key index (yet).
	ErrNoKey = errors.New("no key for the frame's key index")
	// ErrAuth: no key at the frame's index authenticates it: the key is wrong
	// or the frame was changed.
	ErrAuth = errors.New("frame does not authenticate")
	// ErrReplay: the frame is genuine, but its nonce was seen before on this
	// track under the same key.
	ErrReplay = errors.New("frame was seen before")
	// ErrCodec: end-to-end encryption of the codec is not supported.
	ErrCodec = errors.New("codec has no end-to-end encryption here")
)

// An encrypted frame is
//
//	header (clear) | AES-GCM ciphertext | tag (16) | IV (12) | 0x0c | key index
//
// where the length of the header depends on the codec and exactly the header
// is the additional data (livekit-client, FrameCryptor.encodeFunction).
const (
	ivSize      = 12
	tagSize     = 16
	trailerSize = ivSize + 2
	// overhead is how many bytes encryption adds to a frame.
	overhead = tagSize + trailerSize
)

// KeyIndex returns the key index that an encrypted frame names, false if the
// frame cannot be an encrypted one. It is not authenticated: use it to sort
// frames that wait for a key, not to decide anything else.
func KeyIndex(frame []byte) (int, bool) {
	n := len(frame)
	if n < overhead || frame[n-2] != ivSize {
		return 0, false
	}
	return int(frame[n-1]), true
}
