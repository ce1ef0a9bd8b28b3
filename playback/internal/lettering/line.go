package lettering

import (
	"image"
	"image/draw"
	"math"
	"strings"
	"unicode"

	"github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/segmenter"
	engine "github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"github.com/sealtape/sealtape/internal/fault"
)

const (
	maxSize  = 256 // of capitals, in pixels
	maxLines = 512 // that are kept
	// capitals is how high they are in the embedded fonts, of the size of the font.
	capitals = 0.714
	// above and below are what a line takes over and under its base, of the size of
	// the font: marks of Thai and Arabic are high.
	above, below = 1.25, 0.5
)

// A Line is a text as it looks.
type Line struct {
	// W and H are the size of the mask, and Base is the row on which letters stand.
	// The mask has some room at all sides.
	W, H, Base int
	// Width is how far the text advances, from column Left on.
	Left, Width int
	// Cover is how much of each pixel is covered, row by row: 0 to 255.
	Cover []byte
	// Text is what is drawn, in the order of reading.
	Text string
}

type lineKey struct {
	text       string
	size, room int
}

// shaping is what is reused between lines.
type shaping struct {
	bidi   bidi.Paragraph
	split  engine.Segmenter
	shaper engine.HarfbuzzShaper
}

// Legible returns what of a text can be drawn, tamed. lacks says that letters are
// left out for which there is no font.
func (t *Typesetter) Legible(s string) (text string, lacks bool) {
	var out []rune
	err := fault.Contain(func() {
		kept := false // the rune before
		for _, r := range Tame(s) {
			// Marks and joiners are drawn with the letter before, in its font.
			attached := unicode.Is(unicode.M, r) || unicode.Is(unicode.Cf, r)
			switch {
			case attached && !kept:
			case attached || r == ' ' || t.face(r) != nil:
				out = append(out, r)
				kept = r != ' '
			default:
				kept = false
				lacks = lacks || isLetter(r)
			}
		}
	})
	text = strings.Join(strings.Fields(string(out)), " ")
	if err != nil {
		return "", true
	}
	return text, lacks
}

// Line returns what is legible of a text, with capitals of size pixels, in at most
// room pixels: what is longer ends in an ellipsis. It returns nil if nothing fits.
// The caller must not change it.
func (t *Typesetter) Line(text string, size, room int) *Line {
	if size < 1 || size > maxSize || room < 1 {
		return nil
	}
	key := lineKey{text, size, room}
	if l, ok := t.lines[key]; ok {
		return l
	}
	var l *Line
	if err := fault.Contain(func() { l = t.line(text, size, room) }); err != nil {
		l, t.shaping = nil, shaping{}
	}
	if t.lines == nil || len(t.lines) >= maxLines {
		t.lines = make(map[lineKey]*Line)
	}
	t.lines[key] = l
	return l
}

func (t *Typesetter) line(text string, size, room int) *Line {
	text, _ = t.Legible(text)
	if text == "" {
		return nil
	}
	em := int(math.Round(float64(size) / capitals))
	runes := []rune(text)
	shaped := t.shape(runes, em)
	if shaped.width().Ceil() > room {
		// The longest beginning that leaves room for an ellipsis. No cluster of
		// letters and marks is cut.
		var seg segmenter.Segmenter
		seg.Init(runes)
		ends := []int{}
		for it := seg.GraphemeIterator(); it.Next(); {
			ends = append(ends, it.Grapheme().Offset)
		}
		short := func(n int) []rune {
			return append([]rune(strings.TrimRight(string(runes[:ends[n]]), " ")), '…')
		}
		lo, hi := 0, len(ends) // ends[lo] fits, or is 0; ends[hi] does not
		for lo+1 < hi {
			mid := (lo + hi) / 2
			if s := t.shape(short(mid), em); s.width().Ceil() <= room {
				lo = mid
			} else {
				hi = mid
			}
		}
		if lo == 0 {
			return nil
		}
		text = string(short(lo))
		if shaped = t.shape([]rune(text), em); shaped.width().Ceil() > room {
			return nil
		}
	}
	l := shaped.draw(em)
	l.Text = text
	return l
}

// A run is text of one font, script and direction.
type run struct {
	engine.Output
	level bidi.Level
}

// runs are in the order in which they stand, from left to right.
type runs []run

func (t *Typesetter) shape(text []rune, em int) runs {
	t.face(' ') // the fonts are read
	var out runs
	levels := t.shaping.bidi.Segment(text, bidi.Neutral)
	for i := range levels.NumRuns() {
		level := levels.Run(i)
		in := engine.Input{Text: text, RunStart: level.Start, RunEnd: level.End, Size: fixed.I(em), Direction: di.DirectionLTR}
		if !level.IsLeftToRight() {
			in.Direction = di.DirectionRTL
		}
		for _, part := range t.shaping.split.Split(in, t) {
			part.Direction = in.Direction
			out = append(out, run{t.shaping.shaper.Shape(part), level.Level})
		}
	}
	// Rule L2 of the bidirectional algorithm (Unicode Standard Annex 9): from the
	// highest level on, what is at least as high is reversed.
	highest := bidi.Level(0)
	for _, r := range out {
		highest = max(highest, r.level)
	}
	for level := highest; level > 0; level-- {
		for i := 0; i < len(out); i++ {
			from := i
			for i < len(out) && out[i].level >= level {
				i++
			}
			for a, b := from, i-1; a < b; a, b = a+1, b-1 {
				out[a], out[b] = out[b], out[a]
			}
		}
	}
	return out
}

// width is how far the runs advance, without glyphs for what a font lacks.
func (rs runs) width() (w fixed.Int26_6) {
	for _, r := range rs {
		for _, g := range r.Glyphs {
			if g.GlyphID != 0 {
				w += g.Advance
			}
		}
	}
	return w
}

// draw draws the runs. Glyph 0 is the box for what a font lacks; it is left out.
func (rs runs) draw(em int) *Line {
	l := &Line{Base: int(math.Ceil(above * float64(em))), Left: em / 4, Width: rs.width().Ceil()}
	l.W, l.H = l.Width+2*l.Left, l.Base+int(math.Ceil(below*float64(em)))
	raster := vector.NewRasterizer(l.W, l.H)
	raster.DrawOp = draw.Src
	x := fixed.I(l.Left)
	for _, r := range rs {
		scale := float32(em) / float32(r.Face.Upem())
		for _, g := range r.Glyphs {
			if g.GlyphID == 0 {
				continue
			}
			outline, _ := r.Face.GlyphDataOutline(g.GlyphID) // a space has none
			left, base := float32(x+g.XOffset)/64, float32(l.Base)-float32(g.YOffset)/64
			at := func(p opentype.SegmentPoint) (float32, float32) { return left + p.X*scale, base - p.Y*scale }
			for _, s := range outline.Segments {
				ax, ay := at(s.Args[0])
				bx, by := at(s.Args[1])
				cx, cy := at(s.Args[2])
				switch s.Op {
				case opentype.SegmentOpMoveTo:
					raster.ClosePath()
					raster.MoveTo(ax, ay)
				case opentype.SegmentOpLineTo:
					raster.LineTo(ax, ay)
				case opentype.SegmentOpQuadTo:
					raster.QuadTo(ax, ay, bx, by)
				case opentype.SegmentOpCubeTo:
					raster.CubeTo(ax, ay, bx, by, cx, cy)
				}
			}
			raster.ClosePath()
			x += g.Advance
		}
	}
	mask := image.NewAlpha(image.Rect(0, 0, l.W, l.H))
	raster.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	l.Cover = mask.Pix
	return l
}
