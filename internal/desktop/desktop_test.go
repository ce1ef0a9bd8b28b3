//go:build unix && !darwin

package desktop

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNotify: what is shown comes as it is, whatever is in it, and the program that shows
// it gets the session and nothing else. Without a session or a program there is none.
func TestNotify(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	program := "#!/bin/sh\nfor a; do echo \"<$a>\"; done > " + out + "\nenv >> " + out + "\n"
	t.Setenv("PATH", dir)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")
	t.Setenv("SEALTAPE_PASSPHRASE", "hidden")
	if err := Notify(t.Context(), "a", "b"); !errors.Is(err, ErrNone) {
		t.Errorf("without a program: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notify-send"), []byte(strings.ReplaceAll(program, "\nenv", "\n/usr/bin/env")), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Notify(t.Context(), "--urgency=x", "$(id) \"b\" 'c'"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil || !strings.HasPrefix(string(b), "<--app-name=Sealtape>\n<-->\n<--urgency=x>\n<$(id) \"b\" 'c'>\n") ||
		!strings.Contains(string(b), "DBUS_SESSION_BUS_ADDRESS=unix:path=/x") || strings.Contains(string(b), "hidden") {
		t.Errorf("%s, %v", b, err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	if err := Notify(t.Context(), "a", "b"); !errors.Is(err, ErrNone) {
		t.Errorf("without a session: %v", err)
	}
}
