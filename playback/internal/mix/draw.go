package mix

import (
	"hash/fnv"
	"image"
	"math"
)

// A Painter draws tiles onto a picture. It is for one goroutine.
type Painter struct {
	Scaler Scaler
	font   font
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

// label returns the legible part of the name. If nothing of the name is legible, it
// returns that of the identity.
func label(t Tile) []rune {
	for _, s := range []string{t.Name, t.Participant} {
		text := Legible(s)
		for _, r := range text {
			if r != 0 {
				return text
			}
		}
	}
	return Legible(t.Name)
}

// name draws the name on a dark box in the lower left corner.
func (d *Painter) name(dst *Picture, r image.Rectangle, t Tile) {
	text := label(t)
	if t.Screen {
		text = append(text, []rune(" - screen")...)
	}
	size := min(18, max(8, r.Dy()/14))
	if r.Dy() < 4*size || len(text) == 0 {
		return
	}
	text = fit(text, size, r.Dx()-4*size)
	if len(text) == 0 {
		return
	}
	w := even(width(text, size)+size) + 2
	box := image.Rect(r.Min.X+2, r.Max.Y-2-2*size&^1, r.Min.X+2+w, r.Max.Y-2)
	dst.shade(box, black, 150)
	d.font.draw(dst, r, image.Pt(box.Min.X+size/2, box.Min.Y+(box.Dy()-size)/2), text, size, 235)
}

// middle draws a text in the middle.
func (d *Painter) middle(dst *Picture, r image.Rectangle, s string) {
	size := min(28, max(8, r.Dy()/12))
	text := fit(Legible(s), size, r.Dx()-2*size)
	at := image.Pt(r.Min.X+(r.Dx()-width(text, size))/2, r.Min.Y+(r.Dy()-size)/2)
	d.font.draw(dst, r, at, text, size, 220)
}

// initials draws the initials of a participant without a picture.
func (d *Painter) initials(dst *Picture, r image.Rectangle, t Tile) {
	radius := min(r.Dx(), r.Dy()) / 4
	if radius < 6 {
		return
	}
	dst.disc(r, radius, colorOf(t.Participant))
	var text []rune
	begins := true
	for _, c := range label(t) {
		if begins && c != ' ' && len(text) < 2 {
			text = append(text, upper(c))
		}
		begins = c == ' '
	}
	size := radius * 4 / 5
	at := image.Pt((r.Min.X+r.Max.X-width(text, size))/2, (r.Min.Y+r.Max.Y-size)/2)
	d.font.draw(dst, r, at, text, size, 225)
}

func upper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r - 'a' + 'A'
	}
	return r
}

// colorOf returns the participant's color. It depends on the identity only.
func colorOf(participant string) Color {
	h := fnv.New32a()
	_, _ = h.Write([]byte(participant)) // never fails
	a := float64(h.Sum32()%360) * math.Pi / 180
	return Color{96, byte(128 + 38*math.Cos(a)), byte(128 + 38*math.Sin(a))}
}
