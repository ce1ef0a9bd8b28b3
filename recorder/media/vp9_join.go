package media

import "slices"

// A VP9Joiner makes one picture of spatial layers, for a decoder that begins with
// the first one and sees all. Its zero value is ready.
type VP9Joiner struct {
	widths [8]int // of the frames that later ones may refer to; 0: not known
}

// Join joins the spatial layers of one picture, lowest first, to what a decoder
// takes as one: the layers and an index of their sizes. Encoders of layers mark
// each as shown, for it may be the last that the server passes on; those below
// the last are marked as hidden instead, or FFmpeg shows each, and takes the first
// one's size for the picture's. A single layer is returned as it is. It returns
// nil for none and for more than eight. The layers are not changed.
func (j *VP9Joiner) Join(layers [][]byte) []byte {
	if len(layers) == 1 {
		j.note(layers[0])
		return layers[0]
	}
	var frames [][]byte
	for _, l := range layers {
		frames = vp9Split(frames, l)
	}
	if len(frames) > maxSuperframe {
		return nil
	}
	heads := make([]vp9Head, len(frames))
	for i, f := range frames {
		heads[i] = j.head(f)
	}
	for i, f := range frames {
		// That the frame before was shown has a meaning for one as large.
		if i < len(frames)-1 && (heads[i].key || heads[i].width != heads[i+1].width) {
			frames[i] = heads[i].hide(f)
		}
	}
	return vp9Superframe(frames)
}

// note takes note of a frame, or a superframe, that is not changed.
func (j *VP9Joiner) note(frame []byte) {
	for _, f := range vp9Split(nil, frame) {
		j.head(f)
	}
}

// A vp9Head is what the uncompressed header of a frame says (VP9 bitstream
// specification, section 6.2), as far as hiding the frame takes it.
type vp9Head struct {
	key     bool
	width   int // 0: not known
	shownAt int // where show_frame is, in bits; 0: there is none, or it is not set
	end     int // where the header ends, in bits; 0: not known
}

// head reads the header of a frame and takes note of its size.
func (j *VP9Joiner) head(frame []byte) (h vp9Head) {
	r := &bitReader{data: frame}
	profile, key, ok := vp9Start(r)
	if !ok {
		return h
	}
	h.key = key
	at := r.pos
	shown, resilient := r.flag(), r.flag()
	if shown {
		h.shownAt = at
	}
	if h.key {
		h.width = parseVP9(frame).width
		for i := range j.widths {
			j.widths[i] = h.width
		}
		return h
	}
	intra := !shown && r.flag()
	if !resilient {
		r.skip(2) // reset_frame_context
	}
	var refresh uint32
	if intra {
		h.width = parseVP9(frame).width
		if r.skip(24); profile > 0 {
			vp9Color(r, profile)
		}
		refresh = r.bits(8)
	} else {
		refresh = r.bits(8)
		h.width = j.size(r)
		if h.width > 0 && vp9Rest(r, resilient, h.width) {
			h.end = r.pos
		}
	}
	for i := range j.widths {
		if refresh>>i&1 == 1 {
			j.widths[i] = h.width
		}
	}
	return h
}

// size reads the references of an inter frame and its size, of which it returns
// the width.
func (j *VP9Joiner) size(r *bitReader) (width int) {
	var references [3]uint32
	for i := range references {
		references[i] = r.bits(3)
		r.skip(1)
	}
	for _, n := range references {
		if r.flag() { // as large as that reference
			return j.widths[n]
		}
	}
	width = int(r.bits(16)) + 1
	r.skip(16)
	return width
}

// hide returns a frame as one that is not shown, or as it is, if it is not known
// how. In a frame that refers to others another bit follows the mark then, so all
// of the uncompressed header behind it moves.
func (h vp9Head) hide(frame []byte) []byte {
	if h.shownAt == 0 || !h.key && h.end == 0 {
		return frame
	}
	if h.key {
		hidden := slices.Clone(frame)
		hidden[h.shownAt>>3] &^= 1 << (7 - h.shownAt&7)
		return hidden
	}
	w := bitWriter{data: make([]byte, 0, len(frame)+1)}
	w.copy(frame, 0, h.shownAt)
	w.bit(0)
	resilientAt := h.shownAt + 1
	w.copy(frame, resilientAt, resilientAt+1)
	w.bit(0) // intra_only
	w.copy(frame, resilientAt+1, h.end)
	return append(w.data, frame[(h.end+7)/8:]...)
}

// vp9Rest reads the uncompressed header of an inter frame from behind its size to
// its end, and reports whether it could.
func vp9Rest(r *bitReader, resilient bool, width int) bool {
	if r.flag() { // render_and_frame_size_different
		r.skip(32)
	}
	r.skip(1)      // allow_high_precision_mv
	if !r.flag() { // is_filter_switchable
		r.skip(2)
	}
	if !resilient {
		r.skip(2) // refresh_frame_context, frame_parallel_decoding_mode
	}
	r.skip(2) // frame_context_idx
	vp9LoopFilter(r)
	r.skip(8) // base_q_idx
	for range 3 {
		if r.flag() {
			r.skip(5)
		}
	}
	vp9Segmentation(r)
	vp9Tiles(r, width)
	size := int(r.bits(16)) // of the compressed header
	return !r.short && size > 0 && size <= len(r.data)-(r.pos+7)/8
}

func vp9LoopFilter(r *bitReader) {
	r.skip(6 + 3)       // loop_filter_level, loop_filter_sharpness
	enabled := r.flag() // loop_filter_delta_enabled
	if enabled && r.flag() {
		for range 4 + 2 { // deltas of references and of modes
			if r.flag() {
				r.skip(7)
			}
		}
	}
}

func vp9Segmentation(r *bitReader) {
	if !r.flag() {
		return
	}
	probabilities := func(n int) {
		for range n {
			if r.flag() {
				r.skip(8)
			}
		}
	}
	if r.flag() { // segmentation_update_map
		probabilities(7)
		if r.flag() { // segmentation_temporal_update
			probabilities(3)
		}
	}
	if !r.flag() { // segmentation_update_data
		return
	}
	r.skip(1)
	for range 8 {
		for _, n := range [4]int{8 + 1, 6 + 1, 2, 0} { // bits of a feature's value and sign
			if r.flag() {
				r.skip(n)
			}
		}
	}
}

func vp9Tiles(r *bitReader, width int) {
	blocks := (width + 63) / 64
	least, most := 0, 1
	for 64<<least < blocks {
		least++
	}
	for blocks>>most >= 4 {
		most++
	}
	for range most - 1 - least {
		if !r.flag() {
			break
		}
	}
	if r.flag() { // tile_rows_log2
		r.skip(1)
	}
}

// A bitWriter writes big-endian bits.
type bitWriter struct {
	data []byte
	n    int // bits written
}

func (w *bitWriter) bit(b byte) {
	if w.n&7 == 0 {
		w.data = append(w.data, 0)
	}
	w.data[len(w.data)-1] |= b << (7 - w.n&7)
	w.n++
}

// copy writes the bits of data in [from, to).
func (w *bitWriter) copy(data []byte, from, to int) {
	for ; from < to; from++ {
		w.bit(data[from>>3] >> (7 - from&7) & 1)
	}
}
