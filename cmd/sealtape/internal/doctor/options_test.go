package doctor

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
)

// What makes no sense is refused by the options alone, before anything is looked at.
func TestOptionsRefuse(t *testing.T) {
	for _, tt := range []struct {
		o    options
		says string
	}{
		{options{unit: true, policy: true}, "exclude one another"},
		{options{policy: true, StoresOption: flags.StoresOption{Stores: []string{"folder"}}}, "one bucket"},
		{options{matrix: "weekly"}, "want an account, @name:server, or a room"},
	} {
		if err := tt.o.Check(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: %v, want %q", tt.o, err, tt.says)
		}
	}
}
