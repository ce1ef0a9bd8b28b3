package mix

import (
	"cmp"
	"hash/fnv"
	"image"
	"math"
	"strings"

	"github.com/sealtape/sealtape/playback/internal/lettering"
)

// A Painter draws tiles onto a picture. It is for one goroutine.
type Painter struct {
	Scaler  Scaler
	letters lettering.Typesetter
}

// Clear fills the picture with the background, for a new scene.
func (d *Painter) Clear(dst *Picture) { dst.fill(dst.bounds(), background) }

// Tile draws a tile: the picture of its track, or initials if there is none, with the
// name, the text about a hole, and a green edge if the participant speaks.
func (d *Painter) Tile(dst *Picture, t Tile, picture *Picture) {
	r := image.Rect(t.X, t.Y, t.X+t.W, t.Y+t.H)
	if r.Empty() || !r.In(dst.bounds()) {
		return
	}
	if picture != nil {
		d.Scaler.Draw(dst, r, picture)
	} else {
		dst.fill(r, empty)
		d.initials(dst, r, t)
	}
	if t.Hole != "" {
		dst.shade(r, black, 170)
		d.middle(dst, r, t.Hole)
	}
	d.name(dst, r, t)
	edge := 2
	c := background
	if t.Speaking {
		edge, c = 4, green
	}
	dst.frame(r, edge, c)
}

// label returns the name if there are fonts for all its letters. If not, it returns the
// identity, if there are fonts for all of that. Else it returns what there are fonts for.
func (d *Painter) label(t Tile) string {
	some := ""
	for _, s := range []string{t.Name, t.Participant} {
		text, lacks := d.letters.Legible(s)
		if text != "" && !lacks {
			return text
		}
		some = cmp.Or(some, text)
	}
	return some
}

// name draws the name on a dark box in the lower left corner.
func (d *Painter) name(dst *Picture, r image.Rectangle, t Tile) {
	text := d.label(t)
	if t.Screen {
		text = strings.TrimSpace("Screen of " + text)
	}
	size := min(18, max(8, r.Dy()/14))
	if r.Dy() < 4*size || text == "" {
		return
	}
	line := d.letters.Line(text, size, r.Dx()-4*size)
	if line == nil {
		return
	}
	w := even(line.Width+size) + 2
	box := image.Rect(r.Min.X+2, r.Max.Y-2-2*size&^1, r.Min.X+2+w, r.Max.Y-2)
	dst.shade(box, black, 150)
	dst.letters(r, box.Min.X+size/2, box.Min.Y+(box.Dy()+size)/2, line, 235)
}

// middle draws a text in the middle.
func (d *Painter) middle(dst *Picture, r image.Rectangle, s string) {
	size := min(28, max(8, r.Dy()/12))
	d.centre(dst, r, s, size, r.Dx()-2*size, 220)
}

// centre draws a text into the middle of r, at most room wide.
func (d *Painter) centre(dst *Picture, r image.Rectangle, s string, size, room int, luma byte) {
	if line := d.letters.Line(s, size, room); line != nil {
		dst.letters(r, (r.Min.X+r.Max.X-line.Width)/2, (r.Min.Y+r.Max.Y+size)/2, line, luma)
	}
}

// initials draws the initials of a participant without a picture.
func (d *Painter) initials(dst *Picture, r image.Rectangle, t Tile) {
	radius := min(r.Dx(), r.Dy()) / 4
	if radius < 6 {
		return
	}
	dst.disc(r, radius, colorOf(t.Participant))
	text := "?"
	for _, s := range []string{t.Participant, t.Name} {
		of := lettering.Initials(s)
		if legible, lacks := d.letters.Legible(of); of != "?" && legible != "" && !lacks {
			text = legible
		}
	}
	d.centre(dst, r, text, min(radius*7/10, 256), 2*radius, 225)
}

// colorOf returns the participant's color. It depends on the identity only.
func colorOf(participant string) Color {
	h := fnv.New32a()
	_, _ = h.Write([]byte(participant)) // never fails
	a := float64(h.Sum32()%360) * math.Pi / 180
	return Color{96, byte(128 + 38*math.Cos(a)), byte(128 + 38*math.Sin(a))}
}
