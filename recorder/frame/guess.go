package frame

import (
	"bytes"
	"iter"
	"slices"
	"time"
)

// A frame of H.264 or H.265 without a slice, such as one of parameter sets only,
// has nothing that marks the end of its clear part. Publishers put that end in
// different places:
//
//   - livekit-client takes what looks like a slice of the other codec for one, and
//     where there is none either, it encrypts as VP8: behind 10 bytes of a key frame
//     and 3 of another, without emulation prevention (naluUtils.ts, FrameCryptor.ts).
//   - Native clients keep the clear part's length in a byte. Where a slice begins
//     behind more than 253 bytes of parameter sets, that wraps, the slice is within
//     the ciphertext, and what is left of the length cannot be seen.

// A reading is one assumption about a frame: its first n bytes are in the clear,
// and header was authenticated for them.
type reading struct {
	n       int
	header  []byte
	escaped bool
	wrapped bool // one of 251 guesses
}

const (
	vp8KeyClear, vp8DeltaClear = 10, 3
	minWrapped                 = 5 // a start code and a byte
	maxWrapped                 = 255
	// guessBytes is how many bytes a second a track may make us try with wrapped
	// lengths. That takes some milliseconds.
	guessBytes = 4 << 20
)

// guesses remember how frames of a sender without a slice were opened.
type guesses struct {
	found int // the wrapped length that opened the last one; 0: none
	next  int // where the next frame continues when this one has used up its bytes
	left  int // bytes that may still be tried
	since time.Time
}

// nalReadings returns the readings of frames without a slice, likeliest first.
func nalReadings(other func(header byte) bool) func(frame []byte, g *guesses) iter.Seq[reading] {
	return func(frame []byte, g *guesses) iter.Seq[reading] {
		return func(yield func(reading) bool) {
			if i := firstSlice(frame, other); i >= 0 && i+clearNAL <= len(frame) {
				if n := i + clearNAL; !yield(reading{n: n, header: frame[:n], escaped: true}) {
					return
				}
			}
			for _, clear := range []int{vp8KeyClear, vp8DeltaClear} {
				// Its start codes may have had three bytes, and have four now.
				for n := clear; n <= min(clear+clear/3, len(frame)); n++ {
					for _, header := range append(headerVariants(frame[:n]), frame[:n]) {
						if len(header) == clear && !yield(reading{n: n, header: header}) {
							return
						}
					}
				}
			}
			for n := range g.lengths(lastNAL(frame), len(frame)) {
				if !yield(reading{n: n, header: frame[:n], escaped: true, wrapped: true}) {
					return
				}
			}
		}
	}
}

// lastNAL returns where the last NAL unit of a frame begins, after its start
// code. A wrapped length ends within it: escaped bytes have no start code.
func lastNAL(frame []byte) int {
	if i := bytes.LastIndex(frame, startCode[1:]); i >= 0 {
		return i + len(startCode) - 1
	}
	return len(frame)
}

// lengths yields the wrapped lengths to try on a frame of size bytes: first the
// one that opened the last such frame, then all others, as long as left allows.
func (g *guesses) lengths(from, size int) iter.Seq[int] {
	from, to := max(from+1, minWrapped), min(maxWrapped, size-overhead)
	return func(yield func(int) bool) {
		if from <= g.found && g.found <= to && !yield(g.found) {
			return
		}
		for range to - from + 1 {
			if g.left < size {
				return
			}
			g.left -= size
			if g.next++; g.next < from || g.next > to {
				g.next = from
			}
			if !yield(g.next) {
				return
			}
		}
	}
}

// guess opens a frame in which header finds no end of the clear part.
func (d *Decrypter) guess(dst, frame []byte) ([]byte, error) {
	if d.format.readings == nil {
		return dst, ErrShort
	}
	if now := d.keys.o.Now(); now.Sub(d.guesses.since) >= time.Second || now.Before(d.guesses.since) {
		d.guesses.since, d.guesses.left = now, guessBytes
	}
	why := ErrShort
	for r := range d.format.readings(frame, &d.guesses) {
		out, err := d.read(dst, frame, r)
		if err == nil && r.wrapped {
			d.guesses.found = r.n
		}
		if err == nil || err == ErrReplay {
			return out, err
		}
		if why == ErrShort || err == ErrAuth {
			why = err
		}
	}
	return dst, why
}

// read opens a frame by one reading, with the keys in use. It does not try the
// ratchet, which frames without guesses advance. Decrypt does not call read: one
// more call makes a small frame a sixth slower.
func (d *Decrypter) read(dst, frame []byte, r reading) ([]byte, error) {
	body := frame[r.n:]
	if r.escaped {
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
	dst = slices.Grow(dst, r.n+len(body)-overhead)
	start := len(dst)
	into := append(dst, frame[:r.n]...)
	f := sealedFrame{iv, sealed, r.header}
	var out []byte
	used := s.current
	if used != nil {
		var err error
		if out, err = f.open(used, into); err != nil {
			used = nil
		}
	}
	if used == nil {
		if out, used = d.keys.openPrevious(index, s, f, into); used == nil {
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
