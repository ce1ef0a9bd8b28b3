package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// The policy whose pattern says most about a room is meant for it.
func TestFor(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"all": "rooms: ['*']\n", "board": "rooms: ['board-*', strategy]\nstart: always\n", "may": "rooms: [board-may]\n",
		"one": "rooms: ['x-*', 'y-1']\n", "two": "rooms: ['*-1']\n", "button": "rooms: ['*', 'x-?']\nstart: asked\n", "odd": "rooms: ['o*dd']\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := ReadPolicies(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		room  string
		asked bool
		want  string // "" where two are meant
	}{
		{"weekly", false, "all"}, {"weekly", true, ""}, {"board-june", false, "board"}, {"board-may", false, "may"}, {"board-may", true, "may"},
		{"strategy", false, "board"}, {"x-1", false, ""}, {"x-2", false, "one"}, {"x-2", true, ""}, {"y-1", false, "one"}, {"z-1", false, "two"}, {"odd", false, "odd"},
	} {
		got, err := p.For(tt.room, tt.asked)
		if errors.Is(err, ErrAmbiguous) != (tt.want == "") || err == nil && got.Name != tt.want {
			t.Errorf("%s, asked %v: %+v, %v; want %q", tt.room, tt.asked, got, err, tt.want)
		}
	}
	if got, err := (*Policies)(nil).For("x", true); got != nil || err != nil {
		t.Errorf("of none: %+v, %v", got, err)
	}
	if _, err := ParsePolicy("p", []byte("rooms: a\nstart: sometimes\n")); err == nil {
		t.Error("start: sometimes is taken")
	}
	if _, err := ParsePolicy("p", []byte("rooms: a\nstart: [asked, always]\n")); err == nil {
		t.Error("start is taken twice")
	}
}
