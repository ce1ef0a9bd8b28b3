package servers

import (
	"strings"
	"testing"
)

func TestLogBuffer(t *testing.T) {
	var b logBuffer
	line := strings.Repeat("x", 999) + "\n"
	for range 10_000 {
		if n, err := b.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
		if cap(b.buf) > 6*maxLog {
			t.Fatalf("the buffer takes %d bytes", cap(b.buf))
		}
	}
	b.Write([]byte("the end"))
	if got := b.String(); len(got) != maxLog || !strings.HasSuffix(got, "\nthe end") {
		t.Errorf("kept %d bytes, ending in %q", len(got), got[max(0, len(got)-10):])
	}
}
