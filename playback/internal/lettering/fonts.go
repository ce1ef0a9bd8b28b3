package lettering

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"sync"

	"github.com/go-text/typesetting/font"
)

//go:embed fonts/*.ttf
var embedded embed.FS

// embeddedFonts returns the fonts that are part of the program, that of Latin, Greek
// and Cyrillic first. They are read-only, and shared.
var embeddedFonts = sync.OnceValue(func() []*font.Font {
	// Latin comes first: it has the punctuation and the digits of all.
	names := []string{"latin.ttf"}
	entries, err := embedded.ReadDir("fonts")
	for _, e := range entries {
		if e.Name() != names[0] {
			names = append(names, e.Name())
		}
	}
	var fonts []*font.Font
	for _, name := range names {
		var b []byte
		var face *font.Face
		if err == nil {
			b, err = embedded.ReadFile(path.Join("fonts", name))
		}
		if err == nil {
			face, err = font.ParseTTF(bytes.NewReader(b))
		}
		if err != nil {
			panic(fmt.Sprintf("the embedded font %s: %v", name, err)) // a test reads all
		}
		fonts = append(fonts, face.Font)
	}
	return fonts
})

// A Typesetter draws lines of text. It keeps what it drew. It is for one goroutine.
// The zero value is ready for use.
type Typesetter struct {
	// Folders are searched for fonts of letters that the embedded fonts lack; nil
	// means those of the system. Set it before the first use.
	Folders []string

	faces   []*font.Face
	system  *systemFonts
	by      map[rune]*font.Face // nil where no font has it
	lines   map[lineKey]*Line
	shaping shaping
}

// face returns the font of a rune, nil if there is none.
func (t *Typesetter) face(r rune) *font.Face {
	if t.by == nil {
		t.by = make(map[rune]*font.Face)
		for _, f := range embeddedFonts() {
			t.faces = append(t.faces, font.NewFace(f))
		}
		t.system = &systemFonts{folders: t.Folders}
	}
	if f, ok := t.by[r]; ok {
		return f
	}
	var found *font.Face
	for _, f := range t.faces {
		if _, ok := f.NominalGlyph(r); ok {
			found = f
			break
		}
	}
	if found == nil {
		found = t.system.face(r)
	}
	if len(t.by) > 1<<16 {
		clear(t.by)
	}
	t.by[r] = found
	return found
}

// ResolveFace returns the font of a rune for go-text.
func (t *Typesetter) ResolveFace(r rune) *font.Face {
	if f := t.face(r); f != nil {
		return f
	}
	return t.faces[0]
}
