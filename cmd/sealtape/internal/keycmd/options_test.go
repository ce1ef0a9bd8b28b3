package keycmd

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// What makes no sense is refused by the options alone, before anything is opened.
func TestOptionsRefuse(t *testing.T) {
	for _, tt := range []struct {
		o    flags.Options
		says string
	}{
		{&initOptions{}, "--name NAME"},
		{&initOptions{name: "Ada", expiryOption: expiryOption{expires: "soon"}}, "--expires"},
		{&addOptions{confirmOption: confirmOption{fingerprint: "w", yes: true}}, "exclude each other"},
		{&revokeOptions{}, "-o FILE is missing"},
	} {
		err := tt.o.Check()
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%T%+v: %v, want %q", tt.o, tt.o, err, tt.says)
		}
		if code, _ := ui.Explain(err); code != ui.ExitUsage {
			t.Errorf("%T: exit code %d", tt.o, code)
		}
	}
}
