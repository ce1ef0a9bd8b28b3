package sidecar

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestOpen: a chat is taken once, also where it was saved twice, and what makes no sense is
// said; what was left out of it counts.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	const chat = "14:03:26 From Ada to Everyone:\n\tHello\n14:03:30 From Bob to Ada(Direct Message):\n\tfor you\n"
	for name, content := range map[string]string{
		"chat.txt": chat, "copy.txt": chat, "other.txt": "no chat", "said.vtt": "x", "bad.vtt": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := filepath.Join(dir, "long.txt")
	if err := errors.Join(os.WriteFile(long, nil, 0o600), os.Truncate(long, maxBytes+1)); err != nil {
		t.Fatal(err)
	}
	vtt := func(b []byte) (*Script, error) {
		if len(b) == 0 {
			return nil, fmt.Errorf("%w: it is empty", ErrForm)
		}
		return &Script{Relative: true, Lines: []Said{{Who: "Ada", Text: "Hello", At: time.Second}}}, nil
	}
	var all []*File
	for _, tt := range []struct {
		name    string
		kind    Kind
		taken   bool
		becomes string
		whole   bool
	}{
		{"chat.txt", KindChat, true, "", false},
		{"copy.txt", KindChat, false, "nothing: it is the same as chat.txt", true},
		{"other.txt", KindChat, false, "nothing: its form is not known", false},
		{"said.vtt", KindCaptions, true, "", false},
		{"bad.vtt", KindCaptions, false, "nothing: its form is not known", false},
		{"long.txt", KindChat, false, "nothing: it is too long", false},
	} {
		f, err := Open(filepath.Join(dir, tt.name), tt.kind, all, vtt)
		if err != nil || (f.Script != nil) != tt.taken || f.Becomes != tt.becomes || f.Whole != tt.whole {
			t.Fatalf("%s: %+v, %v", tt.name, f, err)
		}
		all = append(all, f)
	}
	if w := Writers(all); len(w) != 2 {
		t.Errorf("%q", w)
	}
	start := time.Date(2026, 11, 29, 14, 3, 21, 0, time.UTC)
	name := func(s string) string { return s }
	for _, direct := range []bool{false, true} {
		f, err := Open(filepath.Join(dir, "chat.txt"), KindChat, nil, vtt)
		if err != nil {
			t.Fatal(err)
		}
		events, in := f.Place(start, time.Minute, direct, name)
		want := "1 message in the timeline\nleft out: 1 message to one person alone"
		if direct {
			want = "2 messages in the timeline"
		}
		if in.Note != want || in.SHA256 != f.SHA256 || f.Whole != direct || f.Private != len(events)-1 {
			t.Errorf("%v: %+v, %+v", direct, in, f)
		}
	}
	if _, err := Open(filepath.Join(dir, "none"), KindChat, nil, vtt); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
