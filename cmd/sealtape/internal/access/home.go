package access

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// OpenHome opens the folder of keys, spool and memory: SEALTAPE_HOME, or
// sealtape in the system's folder for configuration.
func OpenHome() (*keys.Home, error) {
	dir := os.Getenv("SEALTAPE_HOME")
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, ui.Hinted(fmt.Errorf("no folder for your keys: %w", err), "set SEALTAPE_HOME to a folder of yours")
		}
		dir = filepath.Join(config, "sealtape")
	}
	h, err := keys.OpenHome(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of your keys: %w", err)
	}
	return h, nil
}

// OpenHomeOf is OpenHome for commands that put an identity under a passphrase.
func OpenHomeOf(e *ui.Env) (*keys.Home, error) {
	h, err := OpenHome()
	if err == nil && e.ScryptWork > 0 {
		h.SetScryptWork(e.ScryptWork)
	}
	return h, err
}

// LoadIdentity loads the identity in h and asks for the passphrase if need be.
func LoadIdentity(ctx context.Context, e *ui.Env, h *keys.Home) (*keys.Identity, error) {
	return h.Load(func() ([]byte, error) { return e.Passphrase(ctx, false) })
}
