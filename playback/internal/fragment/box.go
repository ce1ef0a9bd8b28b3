package fragment

import "encoding/binary"

// boxes are those of an MP4 file (ISO/IEC 14496-12): each is its size in 32 bits, a type
// of four letters, and what is in it. What is appended goes into the innermost one that is
// open.
type boxes struct{ b []byte }

// in appends a box with what write appends.
func (w *boxes) in(kind string, write func()) {
	at := len(w.b)
	w.u32(0)
	w.b = append(w.b, kind...)
	write()
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at))
}

// full is in for a box that begins with a version and flags.
func (w *boxes) full(kind string, version byte, flags uint32, write func()) {
	w.in(kind, func() {
		w.u32(uint32(version)<<24 | flags)
		write()
	})
}

func (w *boxes) u16(v ...uint16) {
	for _, n := range v {
		w.b = binary.BigEndian.AppendUint16(w.b, n)
	}
}

func (w *boxes) u32(v ...uint32) {
	for _, n := range v {
		w.b = binary.BigEndian.AppendUint32(w.b, n)
	}
}

func (w *boxes) zeros(n int)   { w.b = append(w.b, make([]byte, n)...) }
func (w *boxes) text(s string) { w.b = append(w.b, s...) }
