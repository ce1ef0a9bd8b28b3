package frame

import (
	"crypto/rand"
	"encoding/binary"
	"slices"

	"github.com/sealtape/sealtape/recorder/media"
)

// An Encrypter seals the frames of one track as livekit-client does. It is for
// publishers in tests and demonstrations; the recorder never encrypts frames.
// It is not safe for concurrent use.
type Encrypter struct {
	format format
	keys   *Keyring
	index  int
	ssrc   uint32
	count  uint32
}

// NewEncrypter returns an Encrypter for a track sent with ssrc, under the key at
// index of k. Each track under one key needs an SSRC of its own: the SSRC is
// what keeps the nonces of two tracks apart.
func NewEncrypter(c media.Codec, k *Keyring, index int, ssrc uint32) *Encrypter {
	f, _ := formatOf(c)
	var start [4]byte
	rand.Read(start[:]) // never fails
	return &Encrypter{format: f, keys: k, index: index, ssrc: ssrc, count: binary.BigEndian.Uint32(start[:])}
}

// UseIndex makes the frames from now on be sealed under the key at another
// index of the ring.
func (e *Encrypter) UseIndex(index int) { e.index = index }

// Encrypt appends the encrypted frame to dst. timestamp is the frame's RTP
// timestamp. dst and frame must not overlap. Errors are [ErrEmpty] (send the
// empty frame as it is), [ErrShort] (the frame ends within its clear header),
// [ErrNoKey] and [ErrCodec]; dst is then returned as it was.
//
// The nonce is BE32(ssrc) | BE32(timestamp) | BE32(timestamp - count mod
// 65535), where count starts at random and grows by one a frame (livekit-client,
// FrameCryptor.makeIV). It repeats only if a timestamp comes again together with
// the count: after 2^32 ticks, 13 hours of video, with a chance of 1 in 65535 a
// frame that falls on an old timestamp. Change the key before that.
func (e *Encrypter) Encrypt(dst, frame []byte, timestamp uint32) ([]byte, error) {
	if len(frame) == 0 {
		return dst, ErrEmpty
	}
	if e.format.header == nil {
		return dst, ErrCodec
	}
	h := e.format.header(frame)
	if len(frame) < h {
		return dst, ErrShort
	}
	s := e.keys.load(e.index)
	if s == nil || s.current == nil {
		return dst, ErrNoKey
	}
	var trailer [trailerSize]byte
	binary.BigEndian.PutUint32(trailer[0:], e.ssrc)
	binary.BigEndian.PutUint32(trailer[4:], timestamp)
	binary.BigEndian.PutUint32(trailer[8:], timestamp-e.count%0xffff)
	trailer[ivSize], trailer[ivSize+1] = ivSize, byte(e.index)
	e.count++

	dst = slices.Grow(dst, len(frame)+overhead)
	if e.format.escaped {
		header := fourByteCodes(frame[:h])
		body := s.current.aead.Seal(nil, trailer[:ivSize], frame[h:], header)
		return escape(append(dst, header...), append(body, trailer[:]...)), nil
	}
	dst = append(dst, frame[:h]...)
	dst = s.current.aead.Seal(dst, trailer[:ivSize], frame[h:], frame[:h])
	return append(dst, trailer[:]...), nil
}
