package machine

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// mapped returns how many KiB of files this process has in memory.
func mapped(t *testing.T) (kib int) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if n, _ := fmt.Sscanf(line, "RssFile: %d kB", &kib); n == 1 {
			return kib
		}
	}
	t.Fatalf("no RssFile in\n%s", b)
	return 0
}

// What was needed to start is given back, and the program goes on.
func TestTrim(t *testing.T) {
	before := mapped(t)
	if err := Trim(); err != nil {
		t.Fatal(err)
	}
	if after := mapped(t); after >= before {
		t.Errorf("%d KiB, and before %d", after, before)
	}
}
