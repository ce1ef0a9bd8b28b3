// Package chromium finds the browser that tests run.
package chromium

import (
	"fmt"
	"os/exec"

	"github.com/sealtape/sealtape/testdata/sample"
)

// Find returns the path of Debian's Chromium, which is in one of two packages:
// chromium-headless-shell has the engine without the browser around it, and does a fifth
// less work; chromium is all of it, and is used where the other is not installed and where
// all cases run (make test-all).
func Find() (string, error) {
	if !sample.All() {
		if path, err := exec.LookPath("chromium-headless-shell"); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		return "", fmt.Errorf("no chromium in PATH, install Debian's package chromium: %w", err)
	}
	return path, nil
}
