// Package pagetest tests those modules of the player's page that need no browser
// with node, and checks the types of all.
package pagetest

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

func TestModules(t *testing.T) {
	sample.Live(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("the page's modules are tested with node: %v", err)
	}
	files, err := filepath.Glob("*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests found: %v", err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			// Without --test, which runs the file in another process.
			out, err := exec.CommandContext(t.Context(), node, "--no-warnings", "--import", "./modules.mjs", file).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
