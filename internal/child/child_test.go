package child

import (
	"slices"
	"strings"
	"testing"
)

// TestSaid: of what a process says the end is kept, as one harmless line.
func TestSaid(t *testing.T) {
	var all Said
	for _, s := range []string{"first\n", "second\r\n", "\x1b[31mred\x00\xff"} {
		if n, err := all.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	if got, want := all.String(), "first; second; [31mred; ?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, sizes := range [][]int{{10 * maxSaid}, {maxSaid, 7}, {1, maxSaid}, {100, 100, 3 * maxSaid, 5}} {
		var long Said
		for _, n := range sizes {
			if _, err := long.Write([]byte(strings.Repeat("a", n-1) + "z")); err != nil {
				t.Fatal(err)
			}
		}
		got := long.String()
		if !strings.HasPrefix(got, "…") || !strings.HasSuffix(got, "z") || len(got) != maxSaid+len("…") {
			t.Errorf("%v: %d bytes are kept", sizes, len(got))
		}
	}
}

// TestEnvironment: a program gets what it is to have, and nothing else.
func TestEnvironment(t *testing.T) {
	t.Setenv("PATH", "/bin")
	t.Setenv("HOME", "/h")
	t.Setenv("LD_LIBRARY_PATH", "/lib")
	t.Setenv("DYLD_LIBRARY_PATH", "")
	t.Setenv("SEALTAPE_PASSPHRASE", "x")
	if got, want := Command(t.Context(), []string{"PATH", "TZ_THAT_IS_NOT_SET"}, "ffmpeg").Env, []string{"LD_LIBRARY_PATH=/lib", "PATH=/bin"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	t.Setenv("LD_LIBRARY_PATH", "")
	if got := Command(t.Context(), nil, "ffmpeg").Env; got == nil || len(got) > 0 {
		t.Errorf("%q, want none at all", got)
	}
}
