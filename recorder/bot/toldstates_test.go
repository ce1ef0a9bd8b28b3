package bot

import (
	"strings"
	"testing"
)

// Of very many states the digests of the last are known, and the lines of some.
func TestToldStates(t *testing.T) {
	var s toldStates
	digest := func(n int) (d [32]byte) {
		d[0], d[1], d[2] = byte(n), byte(n>>8), byte(n>>16)
		return d
	}
	const n = maxToldStates + 10
	for i := range n {
		s.add(digest(i), strings.Repeat("x", 1<<10))
	}
	s.add(digest(n-1), "again")
	if len(s.order) != len(s.known) || len(s.order) > maxToldStates || s.bytes > maxToldBytes || len(s.lines) != s.bytes>>10 {
		t.Errorf("%d states, %d known, lines of %d with %d bytes", len(s.order), len(s.known), len(s.lines), s.bytes)
	}
	if !s.has(digest(n-1)) || s.has(digest(0)) || s.lines[digest(n-1)] == "" || s.lines[digest(n/2)] != "" {
		t.Error("the last must be known, the first need not be")
	}
}
