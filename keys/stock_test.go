package keys_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

// TestStockAge opens a file that was sealed to a card with the age command, at
// the version in go.mod, and the identity file as it lies in the home. That
// identity.age opens too is tested in cmd/sealtape, which has a terminal.
func TestStockAge(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "age")
	if out, err := exec.Command("go", "build", "-o", bin, "filippo.io/age/cmd/age").CombinedOutput(); err != nil {
		t.Fatalf("building age: %v\n%s", err, out)
	}
	h := openHome(t, t.TempDir())
	id, err := h.Init("Zoë", nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := seal(id.Recipients()[0])
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-d", "-i", filepath.Join(h.Dir(), "identity.txt"))
	cmd.Stdin = bytes.NewReader(b)
	cmd.Stderr = os.Stderr
	if out, err := cmd.Output(); err != nil || string(out) != "hello" {
		t.Errorf("age -d -i identity.txt: %q, %v", out, err)
	}

	// The other way: age seals to the recipient on the card.
	cmd = exec.Command(bin, "-r", mustCard(t, id).Recipients[0])
	cmd.Stdin = bytes.NewReader([]byte("hello"))
	cmd.Stderr = os.Stderr
	sealed, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := open(sealed, id); err != nil || string(out) != "hello" {
		t.Errorf("sealed by age: %q, %v", out, err)
	}
}
