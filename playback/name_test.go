package playback

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"Alice":                 "Alice",
		"Zoë Müller":            "Zoë Müller",
		"日本":                    "日本",
		"":                      "unnamed",
		"...":                   "unnamed",
		"../../etc/passwd":      "etc_passwd",
		`C:\Windows`:            "C_Windows",
		"-rf --no":              "rf --no",
		"a\x00b\nc\x1b[2J":      "a_b_c_2J",
		"evil\u202egpj.exe":     "evil_gpj_exe",
		"  many   spaces\u3000": "many spaces",
		"\xff\xfe":              "unnamed",
		"$(rm) `x` 'y'":         "(rm) _x_ _y",
		"~root":                 "root",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("cleanName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	n := make(namer)
	for _, tt := range []struct{ name, source, want string }{
		{"Alice", "camera", "Alice-camera.webm"},
		{"alice", "camera", "alice-camera-2.webm"},
		{"Alice", "screen", "Alice-screen.webm"},
		{"ALICE", "camera", "ALICE-camera-3.webm"},
		{"Alice", "camera-2", "Alice-camera-2-2.webm"},
		{"", "../x", "unnamed-x.webm"},
	} {
		if got := n.name(tt.name, media.Source(tt.source), ".webm"); got != tt.want {
			t.Errorf("%s, %s: %q, want %q", tt.name, tt.source, got, tt.want)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("Alice", "camera")
	f.Add("../\u202e\x00", "")
	f.Add(strings.Repeat("é", 1000), "screen")
	f.Fuzz(func(t *testing.T, who, source string) {
		n := make(namer)
		first, second := n.name(who, media.Source(source), ".ogg"), n.name(who, media.Source(source), ".ogg")
		if first == second {
			t.Fatalf("%q twice", first)
		}
		for _, name := range []string{first, second} {
			if len(name) > 255 || !utf8.ValidString(name) || filepath.Base(name) != name || filepath.IsLocal(name) == false ||
				strings.Count(name, ".") != 1 || strings.HasPrefix(name, "-") ||
				strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Fatalf("%q, %q gave %q", who, source, name)
			}
		}
	})
}

func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "fuzz", "FuzzName", "*"))
	if err != nil || len(files) < 2 {
		t.Errorf("%d files, %v", len(files), err)
	}
}
