package mix

import (
	"encoding/binary"
	"image"
	"math"
)

// A Scaler draws pictures into parts of other pictures, in another size. It keeps its
// tables and buffers between calls. It is for one goroutine.
type Scaler struct {
	tables map[[2]int]*taps
	tmp    []byte
	sums   []int32
}

// taps say, for each sample of the scaled row, which samples of the source row it is
// made from. The weights of one sample sum up to 256.
type taps struct {
	n       int // source samples for each
	first   []int32
	weights []int32
}

// Draw draws src into the rectangle r of dst. The corners of r are even.
func (s *Scaler) Draw(dst *Picture, r image.Rectangle, src *Picture) {
	if !r.In(dst.bounds()) || r.Empty() {
		return
	}
	s.plane(dst.Y, dst.W, r, src.Y, src.W, src.H)
	half := image.Rect(r.Min.X/2, r.Min.Y/2, r.Max.X/2, r.Max.Y/2)
	s.plane(dst.U, dst.W/2, half, src.U, src.W/2, src.H/2)
	s.plane(dst.V, dst.W/2, half, src.V, src.W/2, src.H/2)
}

func (s *Scaler) plane(dst []byte, stride int, r image.Rectangle, src []byte, w, h int) {
	if r.Dx() == w && r.Dy() == h {
		for y := range h {
			copy(dst[(r.Min.Y+y)*stride+r.Min.X:], src[y*w:(y+1)*w])
		}
		return
	}
	across, down := s.taps(w, r.Dx()), s.taps(h, r.Dy())
	if n := max(r.Dx()*h, w); len(s.tmp) < n {
		s.tmp = make([]byte, n)
	}
	if r.Dy() < h {
		// Most of a large picture goes away before anything is done a sample at a time.
		row := s.tmp[:w]
		for y := range r.Dy() {
			down.rows(row, src, y)
			across.row(dst[(r.Min.Y+y)*stride+r.Min.X:][:r.Dx()], row)
		}
		return
	}
	narrow := s.tmp[:r.Dx()*h]
	for y := range h {
		across.row(narrow[y*r.Dx():(y+1)*r.Dx()], src[y*w:(y+1)*w])
	}
	if len(s.sums) < r.Dx() {
		s.sums = make([]int32, r.Dx())
	}
	sums := s.sums[:r.Dx()]
	for y := range r.Dy() {
		clear(sums)
		for i := range down.n {
			weight := down.weights[y*down.n+i]
			if weight == 0 {
				continue
			}
			row := narrow[(int(down.first[y])+i)*r.Dx():]
			row = row[:len(sums)]
			for x, v := range row {
				sums[x] += weight * int32(v)
			}
		}
		out := dst[(r.Min.Y+y)*stride+r.Min.X:]
		out = out[:len(sums)]
		for x, v := range sums {
			out[x] = byte((v + 128) >> 8)
		}
	}
}

// rows makes row y of the scaled picture from the rows of src, which are as long as dst.
// It does eight samples at once, in lanes of 16 bits: a sum of samples whose weights sum
// up to 256 is no more than 65,280.
func (t *taps) rows(dst, src []byte, y int) {
	const even, half = 0x00ff00ff00ff00ff, 0x0080008000800080
	w := len(dst)
	src, weights := src[int(t.first[y])*w:], t.weights[y*t.n:(y+1)*t.n]
	x := 0
	for ; x+8 <= w; x += 8 {
		var a, b uint64
		for i, weight := range weights {
			v := binary.LittleEndian.Uint64(src[x+i*w:])
			a += (v & even) * uint64(weight)
			b += (v >> 8 & even) * uint64(weight)
		}
		a, b = (a+half)>>8&even, (b+half)>>8&even
		binary.LittleEndian.PutUint64(dst[x:], a|b<<8)
	}
	for ; x < w; x++ {
		sum := int32(128)
		for i, weight := range weights {
			sum += weight * int32(src[x+i*w])
		}
		dst[x] = byte(sum >> 8)
	}
}

func (t *taps) row(dst, src []byte) {
	switch t.n {
	case 1:
		for x := range dst {
			dst[x] = src[t.first[x]]
		}
	case 2:
		for x := range dst {
			from := src[t.first[x]:]
			dst[x] = byte((t.weights[2*x]*int32(from[0]) + t.weights[2*x+1]*int32(from[1]) + 128) >> 8)
		}
	default:
		for x := range dst {
			sum := int32(128)
			from := src[t.first[x]:]
			from = from[:t.n]
			weights := t.weights[x*t.n : (x+1)*t.n]
			for i, v := range from {
				sum += weights[i] * int32(v)
			}
			dst[x] = byte(sum >> 8)
		}
	}
}

// taps returns the table from one length to another. If the new length is shorter, a
// sample is the mean of what it covers. If it is longer, a sample is on the straight
// line between two.
func (s *Scaler) taps(from, to int) *taps {
	key := [2]int{from, to}
	if t := s.tables[key]; t != nil {
		return t
	}
	ratio := float64(from) / float64(to)
	reach := max(1, ratio) / 2 // of the filter, to either side
	t := &taps{n: min(from, int(math.Ceil(2*reach))+1), first: make([]int32, to)}
	if ratio == math.Trunc(ratio) && ratio >= 1 {
		t.n = int(ratio)
	}
	t.weights = make([]int32, to*t.n)
	for i := range to {
		mid := (float64(i) + 0.5) * ratio
		first := min(max(0, int(math.Floor(mid-reach+1e-9))), from-t.n)
		if ratio < 1 {
			first = min(max(0, int(math.Floor(mid-0.5))), from-t.n)
		}
		t.first[i] = int32(first)
		weights := make([]float64, t.n)
		sum := 0.0
		for j := range weights {
			at := float64(first + j)
			if ratio < 1 {
				weights[j] = max(0, 1-math.Abs(at+0.5-mid))
			} else {
				weights[j] = max(0, min(at+1, mid+reach)-max(at, mid-reach))
			}
			sum += weights[j]
		}
		left, most := int32(256), 0
		for j, w := range weights {
			v := int32(math.Round(256 * w / sum))
			t.weights[i*t.n+j] = v
			left -= v
			if w > weights[most] {
				most = j
			}
		}
		t.weights[i*t.n+most] += left
	}
	if s.tables == nil || len(s.tables) > 256 {
		s.tables = make(map[[2]int]*taps)
	}
	s.tables[key] = t
	return t
}

func hypot(x, y float32) float32 { return float32(math.Sqrt(float64(x*x + y*y))) }
