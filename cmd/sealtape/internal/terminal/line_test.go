package terminal

import (
	"fmt"
	"strings"
	"testing"
)

// Other lines go above the line, which is cut to the width of the terminal.
func TestLineKeepsOthersApart(t *testing.T) {
	var b strings.Builder
	l := NewLine(&b)
	long := strings.Repeat("0123456789", 10)
	l.Set(long)
	if _, err := fmt.Fprintln(l, "a warning"); err != nil {
		t.Fatal(err)
	}
	l.Clear()
	if want := "\r\x1b[K" + long[:79] + "\r\x1b[Ka warning\n" + long[:79] + "\r\x1b[K"; b.String() != want {
		t.Errorf("got %q\nwant %q", b.String(), want)
	}
}
