package lettering

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/font/opentype/tables"

	"github.com/sealtape/sealtape/internal/fault"
)

const (
	maxFiles = 4000 // that are looked for
	maxFonts = 400  // whose letters are looked at
)

// systemFonts are the fonts of the machine. They are looked for when a letter is
// needed that the embedded fonts lack.
type systemFonts struct {
	folders []string // nil for those of the system
	found   bool
	files   []*systemFont // the most fitting first
}

// A systemFont is one font file.
type systemFont struct {
	path   string
	opened bool
	has    font.Cmap  // nil if the file is no font
	face   *font.Face // nil until it is needed
}

// face returns a font that has an outline for a rune, nil if there is none.
func (s *systemFonts) face(r rune) *font.Face {
	if !s.found {
		s.found, s.files = true, find(s.folders)
	}
	for _, f := range s.files {
		var face *font.Face
		// A broken font must not end an export.
		if err := fault.Contain(func() { face = f.outlines(r) }); err != nil {
			f.opened, f.has = true, nil
		}
		if face != nil {
			return face
		}
	}
	return nil
}

// outlines returns the font if it has an outline for the rune. Fonts of coloured
// bitmaps have none.
func (f *systemFont) outlines(r rune) *font.Face {
	if !f.opened {
		f.opened = true
		f.has, _ = readLetters(f.path) // a file that cannot be read has no letters
	}
	if f.has == nil {
		return nil
	}
	g, ok := f.has.Lookup(r)
	if !ok {
		return nil
	}
	if f.face == nil {
		if f.face, _ = readFont(f.path); f.face == nil {
			f.has = nil
			return nil
		}
	}
	if out, ok := f.face.GlyphDataOutline(g); !ok || len(out.Segments) == 0 {
		return nil
	}
	return f.face
}

// open calls do with the first font in a file.
func open(path string, do func(*opentype.Loader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	loaders, err := opentype.NewLoaders(file)
	if err != nil {
		return err
	}
	return do(loaders[0])
}

func readLetters(path string) (has font.Cmap, err error) {
	err = open(path, func(l *opentype.Loader) error {
		raw, err := l.RawTable(opentype.MustNewTag("cmap"))
		if err != nil {
			return err
		}
		table, _, err := tables.ParseCmap(raw)
		if err != nil {
			return err
		}
		has, _, err = font.ProcessCmap(table, tables.FPNone)
		return err
	})
	return has, err
}

func readFont(path string) (face *font.Face, err error) {
	err = open(path, func(l *opentype.Loader) error {
		f, err := font.NewFont(l)
		if err == nil {
			face = font.NewFace(f)
		}
		return err
	})
	return face, err
}

// find lists the font files below folders, the most fitting first.
func find(folders []string) []*systemFont {
	if folders == nil {
		folders = systemFolders()
	}
	var paths []string
	for _, folder := range folders {
		// What cannot be read has no fonts.
		_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if len(paths) == maxFiles {
				return fs.SkipAll
			}
			switch strings.ToLower(filepath.Ext(path)) {
			case ".ttf", ".otf", ".ttc", ".otc":
				if !d.IsDir() {
					paths = append(paths, path)
				}
			}
			return nil
		})
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(unfit(a), unfit(b)), cmp.Compare(a, b)) })
	var files []*systemFont
	for _, path := range paths[:min(len(paths), maxFonts)] {
		files = append(files, &systemFont{path: path})
	}
	return files
}

// unfit tells by a font's name how little it is like the embedded ones.
func unfit(path string) int {
	name := strings.ToLower(filepath.Base(path))
	n := 0
	for _, word := range []string{"bold", "italic", "oblique", "black", "light", "thin", "medium", "condensed", "serif", "mono", "display"} {
		// "sansserif" and "semibold" are found, too; it is a guess.
		if strings.Contains(name, word) {
			n += 2
		}
	}
	if !strings.Contains(name, "sans") && !strings.Contains(name, "gothic") {
		n++
	}
	return n
}

// systemFolders are where this system has its fonts.
func systemFolders() []string {
	home, err := os.UserHomeDir()
	below := func(parts ...string) []string {
		if err != nil {
			return nil
		}
		return []string{filepath.Join(append([]string{home}, parts...)...)}
	}
	switch runtime.GOOS {
	case "darwin":
		return append([]string{"/System/Library/Fonts", "/Library/Fonts"}, below("Library", "Fonts")...)
	case "windows":
		return []string{filepath.Join(os.Getenv("SystemRoot"), "Fonts")}
	}
	return slices.Concat([]string{"/usr/share/fonts", "/usr/local/share/fonts"}, below(".local", "share", "fonts"), below(".fonts"))
}
