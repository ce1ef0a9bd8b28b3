package media

import "slices"

// maxSuperframe is how many frames a superframe holds at most (VP9 bitstream
// specification, annex B).
const maxSuperframe = 8

// describeVP9 reads a frame or superframe: it is a key frame if its first one
// is, and as large as its last one that says so.
func describeVP9(frame []byte) (p Picture) {
	for i, f := range vp9Split(nil, frame) {
		h := parseVP9(f)
		if i == 0 {
			p.Key = h.key
		}
		if h.width > 0 {
			p.Width, p.Height = h.width, h.height
		}
	}
	return p
}

type vp9Header struct {
	key           bool
	width, height int // 0: not said
}

// vp9Start reads the beginning that all frames have, up to show_frame. It
// reports false for what is no frame, or shows one that came before.
func vp9Start(r *bitReader) (profile uint32, key, ok bool) {
	if r.bits(2) != 2 {
		return 0, false, false
	}
	profile = r.bit() | r.bit()<<1
	if profile == 3 {
		r.skip(1)
	}
	if r.flag() { // show_existing_frame
		return 0, false, false
	}
	return profile, !r.flag(), true
}

// parseVP9 reads the beginning of an uncompressed header (VP9 bitstream
// specification, section 6.2).
func parseVP9(frame []byte) (h vp9Header) {
	r := &bitReader{data: frame}
	profile, key, ok := vp9Start(r)
	if !ok {
		return h
	}
	r.skip(1) // show_frame
	resilient := r.flag()
	if !key {
		return parseVP9Inter(r, profile, resilient)
	}
	if r.bits(24) != 0x498342 {
		return h
	}
	if !vp9Color(r, profile) {
		return h
	}
	w, ht := int(r.bits(16))+1, int(r.bits(16))+1
	if r.short {
		return h
	}
	return vp9Header{key: true, width: w, height: ht}
}

// parseVP9Inter looks for a size that a frame with references gives itself, as
// upper spatial layers do when they do not take one from a reference.
func parseVP9Inter(r *bitReader, profile uint32, resilient bool) (h vp9Header) {
	// show_frame was the bit before error_resilient_mode.
	r.pos -= 2
	shown := r.flag()
	r.skip(1)
	intra := !shown && r.flag()
	if !resilient {
		r.skip(2)
	}
	if intra {
		if r.bits(24) != 0x498342 || profile > 0 && !vp9Color(r, profile) {
			return h
		}
		r.skip(8)
	} else {
		r.skip(8 + 3*4)
		for range 3 {
			if r.flag() { // found_ref: as large as that reference
				return h
			}
		}
	}
	w, ht := int(r.bits(16))+1, int(r.bits(16))+1
	if r.short {
		return h
	}
	return vp9Header{width: w, height: ht}
}

func vp9Color(r *bitReader, profile uint32) bool {
	if profile >= 2 {
		r.skip(1)
	}
	const sRGB = 7
	if r.bits(3) != sRGB {
		r.skip(1)
		if profile&1 == 1 {
			r.skip(3)
		}
	} else if profile&1 == 1 {
		r.skip(1)
	} else {
		return false
	}
	return !r.short
}

// vp9Superframe returns frames with an index of their sizes behind them, or nil
// for none, and for more than MaxFrame bytes, which no superframe holds.
func vp9Superframe(frames [][]byte) []byte {
	size, largest := 0, 0
	for _, f := range frames {
		size += len(f)
		largest = max(largest, len(f))
	}
	if size == 0 {
		return nil
	}
	width := 1
	for largest>>(8*width) > 0 {
		width++
	}
	if width > 4 || size > MaxFrame {
		return nil
	}
	marker := 0xc0 | byte(width-1)<<3 | byte(len(frames)-1)
	out := slices.Concat(frames...)
	out = append(out, marker)
	for _, f := range frames {
		for i := range width {
			out = append(out, byte(len(f)>>(8*i)))
		}
	}
	return append(out, marker)
}

// vp9Split appends the frames of a superframe, or the frame if it is none.
func vp9Split(dst [][]byte, frame []byte) [][]byte {
	n := len(frame)
	if n == 0 {
		return dst
	}
	marker := frame[n-1]
	if marker&0xe0 != 0xc0 {
		return append(dst, frame)
	}
	count, width := int(marker&7)+1, int(marker>>3&3)+1
	index := 2 + count*width
	if n < index || frame[n-index] != marker {
		return append(dst, frame)
	}
	sizes, rest := frame[n-index+1:n-1], frame[:n-index]
	start := len(dst)
	for i := range count {
		size := 0
		for j := range width {
			size |= int(sizes[i*width+j]) << (8 * j)
		}
		if size > len(rest) {
			return append(dst[:start], frame)
		}
		if size > 0 {
			dst = append(dst, rest[:size])
		}
		rest = rest[size:]
	}
	return dst
}
