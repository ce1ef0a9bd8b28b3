package media

// A bitReader reads big-endian bits of a codec's header. Past the end it reads
// zeros and sets short: check that before using what was read.
type bitReader struct {
	data  []byte
	pos   int // in bits
	short bool
}

func (r *bitReader) bit() uint32 {
	if r.pos>>3 >= len(r.data) {
		r.short = true
		return 0
	}
	b := r.data[r.pos>>3] >> (7 - r.pos&7) & 1
	r.pos++
	return uint32(b)
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

// bits reads n <= 32 bits.
func (r *bitReader) bits(n int) uint32 {
	var v uint32
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) skip(n int) {
	if r.pos += n; r.pos > 8*len(r.data) {
		r.pos, r.short = 8*len(r.data), true
	}
}

// uvlc reads the variable-length number of AV1, section 4.10.3.
func (r *bitReader) uvlc() {
	zeros := 0
	for !r.flag() {
		if zeros++; zeros >= 32 || r.short {
			r.short = true
			return
		}
	}
	r.skip(zeros)
}
