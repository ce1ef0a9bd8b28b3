package program

import (
	"strings"
	"testing"
)

func TestOpener(t *testing.T) {
	for system, want := range map[string]string{
		"linux": "xdg-open ADDRESS", "freebsd": "xdg-open ADDRESS", "darwin": "open ADDRESS", "windows": "rundll32 url.dll,FileProtocolHandler ADDRESS",
	} {
		if got := strings.Join(Opener(system, "ADDRESS").Args, " "); got != want {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
	}
}
