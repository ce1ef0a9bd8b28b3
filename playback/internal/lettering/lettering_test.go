package lettering

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-text/typesetting/font"
)

// TestInitials: the page's table of cases holds here, too.
func TestInitials(t *testing.T) {
	b, err := os.ReadFile("../../web/pagetest/initials.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][2]string
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 20 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		if got := Initials(c[0]); got != c[1] {
			t.Errorf("the initials of %q are %q, want %q", c[0], got, c[1])
		}
	}
}

func TestTame(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Ada Lovelace", "Ada Lovelace"},
		{" Straße  \n  Łódź\u2028", "Straße Łódź"},
		{"\u202eevil\u202c\x1b[31m", "evil[31m"},
		{"e" + strings.Repeat("\u0301", 5000), "e" + strings.Repeat("\u0301", 6)},
		{" \t\ufeff", ""},
		{"\xff", "\ufffd"},
		{strings.Repeat("ä", 10000), strings.Repeat("ä", maxRunes-1) + "…"},
	} {
		if got := Tame(tt.in); got != tt.want {
			t.Errorf("%.40q becomes %.40q, want %.40q", tt.in, got, tt.want)
		}
	}
}

// names are some of every script that is embedded.
var names = map[string]string{
	"latin": "Zoë Müller-Ångström", "vietnamese": "Nguyễn Thị Ánh", "combining": "Ame\u0301lie D\u0323e\u0302", "cyrillic": "Мария Кюри", "greek": "Ελένη Παπαδοπούλου",
	"arabic": "محمد عبد الله", "persian": "فاطمه گلپایگانی", "hebrew": "דָּוִד כהן", "devanagari": "क्षमा शर्मा", "bengali": "শ্রেয়া ঘোষাল", "tamil": "கார்த்திக்",
	"thai": "สมชาย ใจดี", "armenian": "Արամ Խաչատրյան", "georgian": "გიორგი",
}

// TestScripts: there is ink for each word of names in every embedded script, with
// nothing of the system, and no box.
func TestScripts(t *testing.T) {
	ts := Typesetter{Folders: []string{t.TempDir()}}
	for script, name := range names {
		if text, lacks := ts.Legible(name); text != name || lacks {
			t.Errorf("%s: of %q is legible %q", script, name, text)
		}
		for _, word := range append(strings.Fields(name), name) {
			l := ts.Line(word, 24, 4000)
			if l == nil || l.Text != word || ink(l) < 100 {
				t.Errorf("%s: %q is %+v", script, word, l)
				continue
			}
			for _, r := range ts.shape([]rune(word), 34) {
				for _, g := range r.Glyphs {
					if g.GlyphID == 0 {
						t.Errorf("%s: %q has a box", script, word)
					}
				}
			}
		}
	}
}

// ink is how many pixels a line covers.
func ink(l *Line) (n int) {
	for _, c := range l.Cover {
		if c > 127 {
			n++
		}
	}
	return n
}

// TestNoFont: what no font has is left out, and letters among it are told of.
func TestNoFont(t *testing.T) {
	ts := Typesetter{Folders: []string{t.TempDir()}}
	for _, tt := range []struct {
		in, want string
		lacks    bool
	}{
		{"山田 太郎", "", true},
		{"Ada 山", "Ada", true},
		{"Ada \U0001f469\u200d\U0001f680 L", "Ada L", false}, // no picture is no letter
		{"\U0001f44d", "", false},
		{"\u0301\u200d", "", false},
	} {
		text, lacks := ts.Legible(tt.in)
		if text != tt.want || lacks != tt.lacks {
			t.Errorf("of %q is legible %q, %v", tt.in, text, lacks)
		}
		if l := ts.Line(tt.in, 20, 1000); (l != nil) != (tt.want != "") {
			t.Errorf("%q is %+v", tt.in, l)
		}
	}
}

// TestOrder: text from right to left stands so, with numbers the other way round.
func TestOrder(t *testing.T) {
	ts := Typesetter{Folders: []string{t.TempDir()}}
	for text, want := range map[string][]int{
		"abc":              {0},
		"אבג":              {0},
		"abc אבג":          {0, 4},
		"אבג abc":          {4, 0},
		"abc אבג 12 דהו x": {0, 11, 8, 4, 15},
	} {
		var order []int
		for _, r := range ts.shape([]rune(text), 20) {
			at := r.Runes.Offset
			for []rune(text)[at] == ' ' { // a space belongs to either neighbour
				at++
			}
			order = append(order, at)
		}
		if !slices.Equal(order, want) {
			t.Errorf("the runs of %q stand in the order %v, want %v", text, order, want)
		}
	}
	// An Arabic letter joins its neighbours: three alone are wider than the three joined.
	joined, alone := ts.Line("ببب", 40, 1000), ts.Line("ب", 40, 1000)
	if joined.Width >= 3*alone.Width*9/10 {
		t.Errorf("three letters are %d wide, one is %d", joined.Width, alone.Width)
	}
	// A mark above takes no width.
	if a, b := ts.Line("e\u0301", 40, 1000), ts.Line("e", 40, 1000); a.Width != b.Width || ink(a) <= ink(b) {
		t.Errorf("with an accent %d wide, without %d", a.Width, b.Width)
	}
}

// TestRoom: what is too long ends in an ellipsis, and fits.
func TestRoom(t *testing.T) {
	ts := Typesetter{Folders: []string{t.TempDir()}}
	for _, name := range names {
		long := strings.Repeat(name+" ", 6)
		for room := 1; room < 400; room += 57 {
			l := ts.Line(long, 18, room)
			if l == nil {
				if room > 100 {
					t.Errorf("nothing of %q fits into %d", name, room)
				}
				continue
			}
			before, cut := strings.CutSuffix(l.Text, "…")
			if !cut || !strings.HasPrefix(long, before) || l.Width > room || strings.HasSuffix(before, " ") {
				t.Errorf("%q in %d is %q, %d wide", name, room, l.Text, l.Width)
			}
		}
	}
	// No accent is cut off its letter.
	if l := ts.Line(strings.Repeat("e\u0301", 40), 18, 100); !strings.HasSuffix(l.Text, "\u0301…") {
		t.Errorf("it is cut to %q", l.Text)
	}
	for _, room := range []int{0, -5} {
		if l := ts.Line("Ada", 18, room); l != nil {
			t.Errorf("in %d: %+v", room, l)
		}
	}
}

// TestSystemFonts: a letter that is not embedded comes from a font of the system,
// and what is no font does no harm.
func TestSystemFonts(t *testing.T) {
	dir := t.TempDir()
	cjk, err := os.ReadFile("testdata/NotoSansCJK.otf") // a subset, under the license of the others
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"a/empty.ttf": nil, "a/text.otf": []byte("no font"), "a/readme.txt": []byte("x"), "a/sans.otf": cjk} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ts := Typesetter{Folders: []string{filepath.Join(dir, "none"), dir}}
	if text, lacks := ts.Legible("山田 Ada"); text != "山田 Ada" || lacks {
		t.Errorf("legible is %q", text)
	}
	// What this font lacks, too, is left out.
	if text, lacks := ts.Legible("山水"); text != "山" || !lacks {
		t.Errorf("legible is %q", text)
	}
	if l := ts.Line("山田", 20, 100); l == nil || ink(l) == 0 {
		t.Errorf("the line is %+v", l)
	}
}

// TestEmbedded: every embedded font can be read, and has its license beside it.
func TestEmbedded(t *testing.T) {
	if fonts := embeddedFonts(); len(fonts) != 9 {
		t.Errorf("%d fonts", len(fonts))
	}
	for _, f := range embeddedFonts() {
		if d := font.NewFace(f).Describe(); !strings.HasPrefix(d.Family, "Noto Sans") {
			t.Errorf("a font of %q", d.Family)
		}
	}
	if b, err := os.ReadFile("fonts/OFL.txt"); err != nil || !strings.Contains(string(b), "SIL OPEN FONT LICENSE Version 1.1") {
		t.Errorf("the license: %v", err)
	}
}
