package demo

import (
	"errors"
	"strings"
	"testing"
)

// What is shown of an object is what its first bytes say, and never that it is sealed
// when it is not.
func TestLooks(t *testing.T) {
	for content, want := range map[string]string{
		"age-encryption.org/v1\n-> X25519":       "sealed with age",
		"sealtape.v1/abc\n3\n":                   "signed: how many objects, and their hash",
		strings.Repeat("0", 64) + "  log/0000\n": "hashes, as sha256sum writes them",
		"\x1aE\xdf\xa3":                          "NOT SEALED",
		"":                                       "NOT SEALED",
	} {
		if got := looks([]byte(content)); got != want {
			t.Errorf("%.20q: %q, want %q", content, got, want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// Standard output that takes nothing is an error, once.
func TestOutputThatFails(t *testing.T) {
	d := &demo{Config: Config{Stdout: full{}}}
	d.say("1. %s", "a")
	first := d.told
	d.note("b")
	if first == nil || !errors.Is(d.told, first) || !strings.Contains(first.Error(), "no space left") {
		t.Errorf("told %v, then %v", first, d.told)
	}
}
