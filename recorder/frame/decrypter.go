package frame

import (
	"slices"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Decrypter opens the frames of one track. It is not safe for concurrent
// use; its Keyring may be shared.
type Decrypter struct {
	header func([]byte) int // nil: codec not supported
	keys   *Keyring
	seen   replayWindow
	tries  budget // of the ratchet
}

// NewDecrypter returns a Decrypter for a track whose sender's keys are in k.
func NewDecrypter(c media.Codec, k *Keyring) *Decrypter {
	f, _ := formatOf(c)
	return &Decrypter{header: f.header, keys: k}
}

// Decrypt appends the plaintext of an encrypted frame to dst, without
// allocating if dst has room for the frame's length. dst and frame must not
// overlap. On any error it returns dst as it was: one of [ErrEmpty],
// [ErrShort], [ErrNoKey], [ErrAuth], [ErrReplay] and [ErrCodec].
//
// After ErrNoKey and ErrAuth the same frame may be tried again, once another key
// was installed.
func (d *Decrypter) Decrypt(dst, frame []byte) ([]byte, error) {
	if len(frame) == 0 {
		return dst, ErrEmpty
	}
	if d.header == nil {
		return dst, ErrCodec
	}
	h, n := d.header(frame), len(frame)
	if n < h+Overhead || frame[n-2] != ivSize {
		return dst, ErrShort
	}
	index := int(frame[n-1])
	s := d.keys.load(index)
	if s == nil {
		return dst, ErrNoKey
	}
	header, sealed, iv := frame[:h], frame[h:n-trailerSize], frame[n-trailerSize:n-2]

	dst = slices.Grow(dst, n-Overhead)
	start := len(dst)
	body := append(dst, header...)
	var out []byte
	used := s.current
	if used != nil {
		var err error
		if out, err = used.aead.Open(body, iv, sealed, header); err != nil {
			used = nil
		}
	}
	if used == nil {
		if out, used = d.openOther(index, s, body, iv, sealed, header); used == nil {
			if s.current == nil {
				return dst, ErrNoKey
			}
			return dst, ErrAuth
		}
	}
	if !d.seen.add(used.id, iv) {
		clear(out[start:])
		return dst, ErrReplay
	}
	return out, nil
}

// openOther tries what the current key did not open with the keys before it,
// then with those that a ratchet leads to. The key is nil if none fits.
func (d *Decrypter) openOther(index int, s *keySlot, dst, iv, sealed, header []byte) ([]byte, *key) {
	if out, used := d.keys.openPrevious(index, s, dst, iv, sealed, header); used != nil {
		return out, used
	}
	return d.keys.openAhead(index, s, &d.tries, dst, iv, sealed, header)
}
