package mix

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback/internal/lettering"
)

func TestScale(t *testing.T) {
	// A ramp stays a ramp, in every size, and one color stays that color.
	for _, tt := range []struct{ from, to image.Point }{
		{image.Pt(960, 540), image.Pt(320, 180)},
		{image.Pt(320, 180), image.Pt(960, 540)},
		{image.Pt(426, 238), image.Pt(320, 180)},
		{image.Pt(320, 180), image.Pt(320, 180)},
		{image.Pt(64, 36), image.Pt(2, 2)},
		{image.Pt(2, 2), image.Pt(64, 36)},
	} {
		src := NewPicture(tt.from.X, tt.from.Y)
		for y := range src.H {
			for x := range src.W {
				src.Y[y*src.W+x] = byte(255 * (2*x + 1) / (2 * src.W))
			}
		}
		dst := NewPicture(tt.to.X+8, tt.to.Y+8)
		r := image.Rectangle{Min: image.Pt(4, 6), Max: image.Pt(4, 6).Add(tt.to)}
		var s Scaler
		s.Draw(dst, r, src)
		for y := range dst.H {
			for x := range dst.W {
				got, want := int(dst.Y[y*dst.W+x]), int(background.Y)
				if image.Pt(x, y).In(r) {
					want = 255 * (2*(x-4) + 1) / (2 * tt.to.X)
				}
				// A pixel of the smaller one is so much of the ramp.
				if slack := 255/min(tt.from.X, tt.to.X) + 2; got < want-slack || got > want+slack {
					t.Fatalf("%v to %v: luma %d at %d,%d, want %d", tt.from, tt.to, got, x, y, want)
				}
			}
		}
		for _, p := range [][]byte{dst.U, dst.V} {
			for _, v := range p {
				if v != background.U && v != background.V {
					t.Fatalf("%v to %v: chroma %d", tt.from, tt.to, v)
				}
			}
		}
	}
}

// TestScaleMean: what is made smaller keeps its brightness, to the last pixel.
func TestScaleMean(t *testing.T) {
	src := NewPicture(960, 540)
	for i := range src.Y {
		src.Y[i] = byte(235 * (i % 3 / 2)) // one in three
	}
	dst := NewPicture(320, 180)
	var s Scaler
	s.Draw(dst, dst.bounds(), src)
	for i, v := range dst.Y {
		if v < 77 || v > 79 {
			t.Fatalf("luma %d at %d, want 78", v, i)
		}
	}
}

// mixed runs blocks of one value, a channel, through a mixer.
func mixed(t *testing.T, blocks []float32, sources int) []int16 {
	t.Helper()
	var m Mixer
	var out []byte
	for i := range len(blocks) + 1 {
		if i < len(blocks) {
			for range sources {
				samples := make([]float32, Block)
				for j := range samples {
					samples[j] = blocks[i] * float32(math.Sin(2*math.Pi*440*float64(i*Block+j)/48000))
				}
				m.Add(0, samples, 1, 1)
			}
		}
		b := m.Next(nil)
		if len(b) != 4*Block {
			t.Fatalf("a block of %d bytes", len(b))
		}
		if i > 0 {
			out = append(out, b...)
		}
	}
	samples := make([]int16, len(out)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(out[2*i:]))
	}
	return samples
}

func TestMixer(t *testing.T) {
	quiet := bytes.Repeat([]byte{1}, 50)
	level := func(v float32) []float32 {
		out := make([]float32, len(quiet))
		for i := range out {
			out[i] = v
		}
		return out
	}
	// What fits is passed on as it is.
	for i, v := range mixed(t, level(0.25), 3) {
		want := 0.75 * math.Sin(2*math.Pi*440*float64(i/2)/48000)
		if math.Abs(float64(v)/math.MaxInt16-want) > 0.001 {
			t.Fatalf("sample %d is %d, want %.3f", i, v, want)
		}
	}
	// What does not is turned down without a step: no sample at the end of the
	// range, and none that is far from its neighbour.
	loud := append(level(0.2), level(0.9)...)
	loud = append(append(loud, level(0.2)...), level(0.2)...)
	out := mixed(t, loud, 4)
	most, last := 0, 0
	for i := 0; i < len(out); i += 2 {
		v := int(out[i])
		if out[i+1] != out[i] {
			t.Fatalf("sides differ at %d", i)
		}
		most = max(most, v, -v)
		if i > 0 && (v-last > 2100 || last-v > 2100) { // a sine of 440 Hz at full range changes by 1887
			t.Errorf("a step from %d to %d at %d", last, v, i/2)
		}
		last = v
	}
	if most > 29300 || most < 28500 {
		t.Errorf("the loudest sample is %d", most)
	}
	// And comes back.
	tail := out[len(out)-2*Block:]
	most = 0
	for _, v := range tail {
		most = max(most, int(v))
	}
	if want := 26213; most < want-400 || most > want+400 {
		t.Errorf("in the end the loudest sample is %d, want %d", most, want)
	}
}

// TestMixerPlaces: samples stand where they were added, on their sides, and what
// is no number is silence.
func TestMixerPlaces(t *testing.T) {
	var m Mixer
	m.Add(100, []float32{0.5, -0.5, 0.25, float32(math.NaN())}, 2, 1)
	m.Add(Block-1, []float32{0.5, 0.5}, 1, 1) // the second is beyond
	m.Next(nil)
	b := m.Next(nil)
	at := func(i, side int) float64 {
		return float64(int16(binary.LittleEndian.Uint16(b[4*i+2*side:]))) / math.MaxInt16
	}
	for _, tt := range []struct {
		i, side int
		want    float64
	}{{99, 0, 0}, {100, 0, 0.5}, {100, 1, -0.5}, {101, 0, 0.25}, {101, 1, 0}, {102, 0, 0}, {Block - 1, 0, 0.5}, {Block - 1, 1, 0.5}} {
		if got := at(tt.i, tt.side); math.Abs(got-tt.want) > 0.0001 {
			t.Errorf("sample %d of side %d is %.4f, want %.4f", tt.i, tt.side, got, tt.want)
		}
	}
	if next := m.Next(nil); !bytes.Equal(next, make([]byte, 4*Block)) {
		t.Error("the sample beyond is in the next block")
	}
}

// FuzzTile: no name is drawn outside of its tile.
func FuzzTile(f *testing.F) {
	f.Add("Ada", "hole", 0, 0, 160, 90)
	f.Add("\u202e", "", 4, 4, 2, 2)
	f.Add(strings.Repeat("W", 600), strings.Repeat("g", 600), 60, 40, 64, 36)
	f.Fuzz(func(t *testing.T, name, hole string, x, y, w, h int) {
		x, y, w, h = even(x&127), even(y&63), even(w&255), even(h&127)
		canvas := NewPicture(240, 136)
		before := canvas.AppendTo(nil)
		tile := Tile{Participant: name, Name: name, Hole: hole, X: x, Y: y, W: w, H: h, Speaking: w&4 == 0, Screen: h&4 == 0}
		var d Painter
		for _, p := range []*Picture{nil, NewPicture(64, 36)} {
			d.Tile(canvas, tile, p)
			was := Over(before, canvas.W, canvas.H)
			for i := range canvas.Y {
				if !image.Pt(i%canvas.W, i/canvas.W).In(image.Rect(x, y, x+w, y+h)) && canvas.Y[i] != was.Y[i] {
					t.Fatalf("a pixel at %d,%d is not the tile's", i%canvas.W, i/canvas.W)
				}
			}
		}
	})
}

// TestTile looks at what a tile is made of.
func TestTile(t *testing.T) {
	canvas := NewPicture(640, 360)
	var d Painter
	white := NewPicture(320, 180)
	white.fill(white.bounds(), Color{200, 128, 128})
	luma := func(x, y int) byte { return canvas.Y[y*canvas.W+x] }
	tile := Tile{Participant: "p", Name: "Ada", X: 320, Y: 180, W: 320, H: 180}

	d.Tile(canvas, tile, white)
	if luma(480, 230) != 200 || luma(321, 181) != background.Y || luma(319, 179) != background.Y {
		t.Errorf("picture %d, edge %d, outside %d", luma(480, 230), luma(321, 181), luma(319, 179))
	}
	dark, bright := 0, 0
	for y := 336; y < 358; y++ {
		for x := 322; x < 380; x++ {
			switch v := luma(x, y); {
			case v < 120:
				dark++
			case v > 220:
				bright++
			}
		}
	}
	if dark < 300 || bright < 50 {
		t.Errorf("the name has %d dark and %d bright pixels", dark, bright)
	}
	tile.Hole = "missing"
	d.Tile(canvas, tile, white)
	if v := luma(480, 230); v > 90 || v < 40 {
		t.Errorf("a hole's picture is %d", v)
	}
	tile.Hole, tile.Speaking = "", true
	d.Tile(canvas, tile, white)
	if luma(321, 181) != green.Y || canvas.U[91*320+161] != green.U {
		t.Errorf("edge of who speaks: %d", luma(321, 181))
	}
	// Without a picture there are initials in the middle, on the participant's
	// own color.
	tile.Speaking = false
	d.Tile(canvas, tile, nil)
	if luma(330, 190) != empty.Y {
		t.Errorf("an empty tile is %d", luma(330, 190))
	}
	c := colorOf("p")
	if u := canvas.U[(270/2-20)*320+480/2]; u != c.U {
		t.Errorf("the disc's chroma is %d, want %d", u, c.U)
	}
}

// TestLabel: where there is no font for a name, the identity stands for it.
func TestLabel(t *testing.T) {
	for _, tt := range []struct{ name, identity, want string }{
		{"Мария Кюри", "m1", "Мария Кюри"},
		{"山田 太郎", "yamada", "yamada"},
		{"山田 Taro", "山田", "Taro"},
		{"山田", "山田", ""},
		{"\U0001f44d", "bob", "bob"},
		{"", "bob", "bob"},
	} {
		d := Painter{letters: lettering.Typesetter{Folders: []string{t.TempDir()}}}
		if got := d.label(Tile{Name: tt.name, Participant: tt.identity}); got != tt.want {
			t.Errorf("%q of %q is called %q, want %q", tt.name, tt.identity, got, tt.want)
		}
		// Whoever it is, there is something on the disc.
		canvas := NewPicture(320, 180)
		d.Tile(canvas, Tile{Name: tt.name, Participant: tt.identity, W: 320, H: 180}, nil)
		bright := 0
		for y := 60; y < 120; y++ {
			for _, v := range canvas.Y[y*320+130 : y*320+190] {
				if v > 180 {
					bright++
				}
			}
		}
		if bright < 20 {
			t.Errorf("the disc of %q has %d bright pixels", tt.name, bright)
		}
	}
}

// TestScaleRows: pictures that are made smaller have the mean of what a sample covers, in
// every size, also in the few samples at a row's end.
func TestScaleRows(t *testing.T) {
	var s Scaler
	for _, size := range []image.Point{{2, 2}, {10, 4}, {16, 10}, {36, 20}, {54, 30}, {64, 36}} {
		src := NewPicture(64, 36)
		for i := range src.Y {
			src.Y[i] = byte(i*31 + i/64*17)
		}
		copy(src.U, src.Y[100:])
		copy(src.V, src.Y[1000:])
		dst := NewPicture(size.X, size.Y)
		s.Draw(dst, dst.bounds(), src)
		for y := range size.Y {
			for x := range size.X {
				var sum, area float64
				for v := range src.H {
					for u := range src.W {
						part := overlap(x, size.X, u, src.W) * overlap(y, size.Y, v, src.H)
						sum += part * float64(src.Y[v*src.W+u])
						area += part
					}
				}
				if d := sum/area - float64(dst.Y[y*size.X+x]); d < -3 || d > 3 {
					t.Fatalf("%v: sample %d, %d is %d, want %.1f", size, x, y, dst.Y[y*size.X+x], sum/area)
				}
			}
		}
	}
	// Nothing runs over.
	white := NewPicture(128, 72)
	for i := range white.Y {
		white.Y[i] = 255
	}
	dst := NewPicture(34, 18)
	s.Draw(dst, dst.bounds(), white)
	for i, v := range dst.Y {
		if v != 255 {
			t.Fatalf("sample %d of white is %d", i, v)
		}
	}
}

// overlap is how much of sample u of from lies in sample x of to.
func overlap(x, to, u, from int) float64 {
	a, b := max(x*from, u*to), min((x+1)*from, (u+1)*to)
	return float64(max(0, b-a))
}

func BenchmarkScale(b *testing.B) {
	var s Scaler
	src, dst := NewPicture(1112, 624), NewPicture(1280, 720)
	for b.Loop() {
		s.Draw(dst, image.Rect(1112, 0, 1280, 94), src)
	}
}
