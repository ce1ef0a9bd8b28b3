package ui

import (
	"errors"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	commands := []string{"record", "recover", "list", "info", "verify", "repair", "reseal", "export", "keys", "--json", "--reader", "--readers"}
	for word, want := range map[string]string{
		"exprot": "export", "Export": "export", "lsit": "list", "exp": "export", "--jsno": "--json", "verfy": "verify", "--reades": "--reader",
		"rec": "", "x": "", "": "", "quux": "", "re": "", "ls": "", "inf": "info", "listing": "list", strings.Repeat("record", 1000): "",
	} {
		if got := Nearest(word, commands); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
	err := Unlike(Hinted(errors.New("no"), "ask"), "exprot", commands)
	if _, hints := Explain(err); len(hints) != 2 || hints[0].Why != "did you mean export?" || hints[1].Why != "ask" {
		t.Errorf("%+v", hints)
	}
}
