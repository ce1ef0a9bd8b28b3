package mix

import (
	"image"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The unit of the font is a dot. Capitals are seven dots high, and descenders reach two
// dots below the line. Strokes with round ends join dots that touch, so that the font
// can be drawn in any size.
const (
	capDots  = 7
	lineDots = 9
)

const (
	maxRunes = 256 // characters of a text that are drawn
	maxSize  = 256 // height of capitals in pixels
)

// letters are those that Unicode does not decompose into an ASCII letter and marks.
var letters = strings.NewReplacer("ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O",
	"ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ð", "d", "Ð", "D", "þ", "th", "Þ", "Th", "ı", "i", "’", "'", "‘", "'",
	"“", `"`, "”", `"`, "–", "-", "—", "-")

// Legible returns s in the characters of the font. Latin letters lose their marks. A
// letter that the font does not have becomes 0. Everything that is not a letter, a
// sign or a plain space is left out, so that nothing turns, hides or breaks a line.
func Legible(s string) []rune {
	var out []rune
	n := 0
	for _, r := range norm.NFKD.String(letters.Replace(firstRunes(s))) {
		if n++; n > 4*maxRunes || len(out) == maxRunes {
			break
		}
		switch {
		case r > ' ' && r < 0x7f:
			out = append(out, r)
		case unicode.IsSpace(r):
			if len(out) > 0 && out[len(out)-1] != ' ' {
				out = append(out, ' ')
			}
		case unicode.Is(unicode.M, r) || !unicode.IsGraphic(r):
		default:
			out = append(out, 0)
		}
	}
	for len(out) > 0 && out[len(out)-1] == ' ' {
		out = out[:len(out)-1]
	}
	return out
}

func firstRunes(s string) string {
	n := 0
	for i := range s {
		if n == maxRunes {
			return s[:i]
		}
		n++
	}
	return s
}

// A font draws text. It caches the shapes that it drew. It is for one goroutine.
type font struct {
	shapes map[shapeKey]*shape
}

type shapeKey struct {
	r    rune
	size int
}

// A shape says how much of each pixel a glyph covers, from 0 to 256.
type shape struct {
	w, h  int
	cover []uint16
}

// dots returns the width of a glyph in dots.
func dots(r rune) int {
	if r == ' ' {
		return 2
	}
	return strings.IndexByte(glyphs[r], ' ')
}

// width returns the width of a text in pixels. size is the height of its capitals.
func width(text []rune, size int) int {
	n := 0
	for _, r := range text {
		n += dots(r) + 1
	}
	return max(0, n-1) * size / capDots
}

// fit returns the text, cut so that it is at most room pixels wide.
func fit(text []rune, size, room int) []rune {
	if width(text, size) <= room {
		return text
	}
	for len(text) > 0 {
		text = text[:len(text)-1]
		short := append(append([]rune{}, text...), '.', '.', '.')
		if width(short, size) <= room {
			return short
		}
	}
	return nil
}

// draw draws the part of a text that is within r. The top left corner of the text is
// at, its brightness is luma.
func (f *font) draw(p *Picture, r image.Rectangle, at image.Point, text []rune, size int, luma byte) {
	if size < 1 || size > maxSize {
		return
	}
	r = r.Intersect(p.bounds())
	unit := float32(size) / capDots
	x := float32(at.X)
	for _, c := range text {
		if c != ' ' {
			f.shape(c, size).over(p, r, image.Pt(int(x), at.Y), luma)
		}
		x += float32(dots(c)+1) * unit
	}
}

func (s *shape) over(p *Picture, r image.Rectangle, at image.Point, luma byte) {
	r = r.Intersect(image.Rectangle{Min: at, Max: at.Add(image.Pt(s.w, s.h))})
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := p.Y[y*p.W:]
		for x := r.Min.X; x < r.Max.X; x++ {
			if c := s.cover[(y-at.Y)*s.w+x-at.X]; c > 0 {
				row[x] = blend(row[x], luma, int(c))
			}
		}
	}
}

// A stroke is a line between two dots, or one dot.
type stroke struct{ x, y, dx, dy float32 }

func strokes(r rune) (out []stroke, wide int) {
	rows := strings.Fields(glyphs[r])
	lit := func(x, y int) bool { return y < len(rows) && x >= 0 && x < len(rows[0]) && rows[y][x] == '#' }
	for y := range rows {
		for x := range rows[y] {
			if !lit(x, y) {
				continue
			}
			out = append(out, stroke{float32(x), float32(y), 0, 0})
			for _, d := range [][2]int{{1, 0}, {0, 1}, {1, 1}, {-1, 1}} {
				// Diagonal dots are joined only if no corner dot joins them.
				if lit(x+d[0], y+d[1]) && (d[0] == 0 || d[1] == 0 || !lit(x+d[0], y) && !lit(x, y+d[1])) {
					out = append(out, stroke{float32(x), float32(y), float32(d[0]), float32(d[1])})
				}
			}
		}
	}
	return out, len(rows[0])
}

func (f *font) shape(r rune, size int) *shape {
	if s := f.shapes[shapeKey{r, size}]; s != nil {
		return s
	}
	lines, wide := strokes(r)
	unit := float32(size) / capDots
	s := &shape{w: int(float32(wide)*unit) + 2, h: int(lineDots*unit) + 2}
	s.cover = make([]uint16, s.w*s.h)
	radius := 0.52 * unit
	for py := range s.h {
		for px := range s.w {
			// x and y are in dots, from the middle of the first dot.
			x, y := (float32(px)+0.5)/unit-0.5, (float32(py)+0.5)/unit-0.5
			near := float32(99)
			for _, k := range lines {
				along := float32(0)
				if n := k.dx*k.dx + k.dy*k.dy; n > 0 {
					along = min(1, max(0, ((x-k.x)*k.dx+(y-k.y)*k.dy)/n))
				}
				near = min(near, hypot(x-k.x-along*k.dx, y-k.y-along*k.dy))
			}
			s.cover[py*s.w+px] = uint16(256 * min(1, max(0, radius-near*unit+0.5)))
		}
	}
	if f.shapes == nil || len(f.shapes) > 4096 {
		f.shapes = make(map[shapeKey]*shape)
	}
	f.shapes[shapeKey{r, size}] = s
	return s
}
