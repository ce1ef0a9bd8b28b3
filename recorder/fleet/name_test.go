package fleet

import (
	"strings"
	"testing"
)

// A host's own name is as its recorders show their card, and is taken for no other agent's.
func TestOwnName(t *testing.T) {
	one := OwnName("sealtape", "one two")
	if one == OwnName("sealtape", "one three") || one == OwnName("other", "one two") || one != OwnName("sealtape", "one two") || strings.Contains(one, "two") {
		t.Errorf("%q", one)
	}
	for name, ours := range map[string]bool{
		"sealtape": true, one: true, OwnName("sealtape", ""): true,
		"": false, "sealtape-off": false, "sealtape-host-": false, "sealtape-host-0": false, one + "0": false, one + "-off": false,
		"other": false, OwnName("other", "one two"): false, strings.ToUpper(one): false, "sealtape-host-000000000000000g": false, "sealtape-host": false,
	} {
		if IsOurs("sealtape", name) != ours {
			t.Errorf("%q: %v, want %v", name, !ours, ours)
		}
	}
}
