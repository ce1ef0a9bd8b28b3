package pagetest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

const tsc = "../../../testdata/typescript/node_modules/typescript/bin/tsc"

// TestTypes: the types that the page's comments give hold.
func TestTypes(t *testing.T) {
	sample.Live(t)
	if _, err := os.Stat(tsc); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("typescript is not installed, run npm ci in testdata/typescript")
	}
	out, err := exec.CommandContext(t.Context(), "node", tsc, "--project", "tsconfig.json").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
