package frame

import (
	"slices"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Decrypter opens the frames of one track. It is not safe for concurrent
// use; its Keyring may be shared.
type Decrypter struct {
	format  format // header is nil: codec not supported
	keys    *Keyring
	seen    replayWindow
	tries   budget // of the ratchet
	scratch []byte // of what was escaped
	guesses guesses
}

// NewDecrypter returns a Decrypter for a track whose sender's keys are in k.
func NewDecrypter(c media.Codec, k *Keyring) *Decrypter {
	f, _ := formatOf(c)
	return &Decrypter{format: f, keys: k}
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
	if d.format.header == nil {
		return dst, ErrCodec
	}
	h := d.format.header(frame)
	if h > len(frame) {
		return d.guess(dst, frame)
	}
	header, body := frame[:h], frame[h:]
	if d.format.escaped {
		body = d.unescape(body)
	}
	sealed, iv, index, ok := split(body)
	if !ok {
		return dst, ErrShort
	}
	s := d.keys.load(index)
	if s == nil {
		return dst, ErrNoKey
	}

	dst = slices.Grow(dst, h+len(body)-overhead)
	start := len(dst)
	into := append(dst, header...)
	var out []byte
	f := sealedFrame{iv, sealed, header}
	used := s.current
	if used != nil {
		var err error
		if out, err = f.open(used, into); err != nil {
			used = nil
		}
	}
	if used == nil {
		if out, used = d.openOther(index, s, f, into); used == nil {
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

// A sealedFrame is what a key opens: the IV, the sealed data, and the header that is
// authenticated with it.
type sealedFrame struct{ iv, data, header []byte }

// open appends what is sealed to dst, if k is its key.
func (f sealedFrame) open(k *key, dst []byte) ([]byte, error) {
	return k.aead.Open(dst, f.iv, f.data, f.header)
}

// split separates the encrypted part of a frame, without emulation prevention,
// into ciphertext, IV and key index.
func split(body []byte) (sealed, iv []byte, index int, ok bool) {
	n := len(body)
	if n < overhead || body[n-2] != ivSize {
		return nil, nil, 0, false
	}
	return body[:n-trailerSize], body[n-trailerSize : n-2], int(body[n-1]), true
}

func (d *Decrypter) unescape(body []byte) []byte {
	d.scratch = slices.Grow(d.scratch[:0], len(body))
	return unescape(d.scratch, body)
}

// openOther opens a frame that the current key did not open. It tries other
// readings of the header, then the keys before it, then those ahead on the
// ratchet. The returned key is nil if none fits.
func (d *Decrypter) openOther(index int, s *keySlot, f sealedFrame, dst []byte) ([]byte, *key) {
	if out, used := d.keys.openPrevious(index, s, f, dst); used != nil {
		return out, used
	}
	if d.format.variants != nil && s.current != nil {
		for _, header := range d.format.variants(f.header) {
			other := sealedFrame{f.iv, f.data, header}
			if out, err := other.open(s.current, dst); err == nil {
				return out, s.current
			}
			if out, used := d.keys.openPrevious(index, s, other, dst); used != nil {
				return out, used
			}
		}
	}
	return d.keys.openAhead(index, s, &d.tries, f, dst)
}
