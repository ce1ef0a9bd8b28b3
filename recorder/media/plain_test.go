package media

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestTitle(t *testing.T) {
	for _, tt := range []struct {
		track Track
		want  string
	}{
		{Track{Participant: "ada", Name: "Ada", Source: Camera}, "Ada (camera)"},
		{Track{Participant: "eve", Name: "E\tv\ne\x1b[2J\u202e", Source: Camera}, "E v e[2J (camera)"},
		{Track{Participant: "eve", Name: "\x1b\a", Source: "\x07"}, "eve ()"},
		{Track{Name: strings.Repeat("n", 300), Source: Screen}, strings.Repeat("n", 79) + "… (screen)"},
	} {
		if got := tt.track.Title(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{"", "Ada", " a  b ", "\u202eevil\u2066", "a\x00b\x1b[31m", "👩\u200d👩\u200d👧", "\xff\xfe", "<b>{\\an8}\\N", strings.Repeat("é", 600)} {
		f.Add(s, 40)
	}
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 1 || n > 1000 {
			return
		}
		got := Plain(s, n)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > n || strings.TrimSpace(got) != got {
			t.Errorf("%q, %d: %q", s, n, got)
		}
		for _, r := range got {
			if r != '\u200c' && r != '\u200d' && (!unicode.IsGraphic(r) || unicode.IsSpace(r) && r != ' ') {
				t.Errorf("%q: %U in %q", s, r, got)
			}
		}
	})
}
