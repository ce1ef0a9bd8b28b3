package mix

import (
	"image"

	"github.com/sealtape/sealtape/playback/internal/lettering"
)

// A Picture is planar YUV 4:2:0 in the range and matrix of BT.601. It has W times H
// bytes of luma, then two planes of half the width and height. W and H are even.
type Picture struct {
	W, H    int
	Y, U, V []byte
}

// A Color is a color in YUV.
type Color struct{ Y, U, V byte }

var (
	background = Color{24, 129, 127}
	empty      = Color{40, 131, 126} // a tile without a picture
	black      = Color{16, 128, 128}
	green      = Color{168, 74, 66} // who speaks
)

// Bytes returns how many bytes a picture of w times h pixels has.
func Bytes(w, h int) int { return w * h * 3 / 2 }

// NewPicture returns a picture filled with the background.
func NewPicture(w, h int) *Picture {
	p := Over(make([]byte, Bytes(w, h)), w, h)
	p.fill(p.bounds(), background)
	return p
}

// Over returns the picture whose planes are in b, one after the other. It does not
// copy b.
func Over(b []byte, w, h int) *Picture {
	n := w * h
	return &Picture{W: w, H: h, Y: b[:n], U: b[n : n+n/4], V: b[n+n/4 : n+n/2]}
}

// AppendTo appends the planes to b, one after the other.
func (p *Picture) AppendTo(b []byte) []byte {
	return append(append(append(b, p.Y...), p.U...), p.V...)
}

func (p *Picture) bounds() image.Rectangle { return image.Rect(0, 0, p.W, p.H) }

// planes calls do for each plane, with the rectangle of r in that plane. The corners of
// r are even.
func (p *Picture) planes(r image.Rectangle, c Color, do func(plane []byte, stride int, r image.Rectangle, c byte)) {
	r = r.Intersect(p.bounds())
	if r.Empty() {
		return
	}
	do(p.Y, p.W, r, c.Y)
	half := image.Rect(r.Min.X/2, r.Min.Y/2, r.Max.X/2, r.Max.Y/2)
	do(p.U, p.W/2, half, c.U)
	do(p.V, p.W/2, half, c.V)
}

func (p *Picture) fill(r image.Rectangle, c Color) {
	p.planes(r, c, func(plane []byte, stride int, r image.Rectangle, c byte) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := plane[y*stride+r.Min.X : y*stride+r.Max.X]
			for i := range row {
				row[i] = c
			}
		}
	})
}

// shade mixes a color into r, with the weight part of 256.
func (p *Picture) shade(r image.Rectangle, c Color, part int) {
	p.planes(r, c, func(plane []byte, stride int, r image.Rectangle, c byte) {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			row := plane[y*stride+r.Min.X : y*stride+r.Max.X]
			for i, old := range row {
				row[i] = blend(old, c, part)
			}
		}
	})
}

func blend(old, c byte, part int) byte { return byte((int(old)*(256-part) + int(c)*part) >> 8) }

// frame draws an edge of n pixels into r, or less if r is smaller.
func (p *Picture) frame(r image.Rectangle, n int, c Color) {
	n = min(n, even(r.Dx()/2), even(r.Dy()/2))
	p.fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+n), c)
	p.fill(image.Rect(r.Min.X, r.Max.Y-n, r.Max.X, r.Max.Y), c)
	p.fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+n, r.Max.Y), c)
	p.fill(image.Rect(r.Max.X-n, r.Min.Y, r.Max.X, r.Max.Y), c)
}

// disc draws a filled circle around the middle of r.
func (p *Picture) disc(r image.Rectangle, radius int, c Color) {
	mid := image.Pt((r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2)
	round := func(plane []byte, stride, scale int, c byte) {
		cx, cy, rad := float32(mid.X)/float32(scale)-0.5, float32(mid.Y)/float32(scale)-0.5, float32(radius)/float32(scale)
		for y := max(r.Min.Y, mid.Y-radius-1) / scale; y < min(r.Max.Y, mid.Y+radius+2)/scale; y++ {
			for x := max(r.Min.X, mid.X-radius-1) / scale; x < min(r.Max.X, mid.X+radius+2)/scale; x++ {
				d := rad + 0.5 - hypot(float32(x)-cx, float32(y)-cy)
				plane[y*stride+x] = blend(plane[y*stride+x], c, int(256*min(1, max(0, d))))
			}
		}
	}
	if r = r.Intersect(p.bounds()); r.Empty() {
		return
	}
	round(p.Y, p.W, 1, c.Y)
	round(p.U, p.W/2, 2, c.U)
	round(p.V, p.W/2, 2, c.V)
}

// letters draws a line in luma, as far as it is within r. It begins at x, and stands
// on row y.
func (p *Picture) letters(r image.Rectangle, x, y int, l *lettering.Line, luma byte) {
	at := image.Pt(x-l.Left, y-l.Base)
	r = r.Intersect(p.bounds()).Intersect(image.Rectangle{Min: at, Max: at.Add(image.Pt(l.W, l.H))})
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := p.Y[y*p.W:]
		cover := l.Cover[(y-at.Y)*l.W:]
		for x := r.Min.X; x < r.Max.X; x++ {
			if c := int(cover[x-at.X]); c > 0 {
				row[x] = blend(row[x], luma, c+c>>7)
			}
		}
	}
}
