package watch

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// policies returns policies by name and text.
func policies(t testing.TB, texts map[string]string) *fleet.Policies {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := fleet.ReadPolicies(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
