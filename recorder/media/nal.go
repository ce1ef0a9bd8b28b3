package media

import (
	"encoding/binary"
	"iter"
)

// NAL units come with start codes (H.264 and H.265, Annex B) from payload
// formats, and with lengths of four bytes (ISO/IEC 14496-15) in a Frame.

// annexB yields the NAL units between start codes, without the zeros after
// them. It aliases b.
func annexB(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		start := -1
		emit := func(end int) bool {
			for end > start && b[end-1] == 0 {
				end-- // the next start code's first byte, or trailing zeros
			}
			return end <= start || yield(b[start:end])
		}
		for i := 0; i+2 < len(b); i++ {
			if b[i] != 0 || b[i+1] != 0 || b[i+2] != 1 {
				continue
			}
			if start >= 0 && !emit(i) {
				return
			}
			i += 2
			start = i + 1
		}
		if start >= 0 {
			emit(len(b))
		}
	}
}

// lengthPrefixed turns start codes into lengths: in place where a NAL unit
// never moves up, as when all start codes have the four bytes that they have
// when they come from RTP.
func lengthPrefixed(b []byte) []byte {
	size, inPlace := 0, true
	for nal := range annexB(b) {
		size += 4 + len(nal)
		if end := cap(b) - cap(nal) + len(nal); size > end {
			inPlace = false
		}
	}
	out := b
	if !inPlace {
		out = make([]byte, size)
	}
	n := 0
	for nal := range annexB(b) {
		copy(out[n+4:], nal)
		binary.BigEndian.PutUint32(out[n:], uint32(len(nal)))
		n += 4 + len(nal)
	}
	return out[:n]
}

// nals yields the NAL units of a stored frame, up to the first malformed one.
func nals(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) >= 4 {
			n := binary.BigEndian.Uint32(b)
			if uint64(n) > uint64(len(b)-4) {
				return
			}
			if n > 0 && !yield(b[4:4+n]) {
				return
			}
			b = b[4+n:]
		}
	}
}
