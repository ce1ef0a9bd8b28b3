package chromium

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	whole, engine, none := t.TempDir(), t.TempDir(), t.TempDir()
	for _, file := range []string{filepath.Join(whole, "chromium"), filepath.Join(engine, "chromium-headless-shell")} {
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	both := engine + string(filepath.ListSeparator) + whole
	for _, tt := range []struct{ path, all, want string }{
		{both, "", filepath.Join(engine, "chromium-headless-shell")},
		{both, "1", filepath.Join(whole, "chromium")},
		{whole, "", filepath.Join(whole, "chromium")},
		{engine, "1", ""},
		{none, "", ""},
	} {
		t.Setenv("PATH", tt.path)
		t.Setenv("SEALTAPE_TEST_ALL", tt.all)
		got, err := Find()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("with PATH=%s and all=%q: %q, %v", tt.path, tt.all, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), "install") {
			t.Errorf("no word on what to do: %v", err)
		}
	}
}
