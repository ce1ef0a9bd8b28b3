//go:build unix

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// block returns the block of a language in a document.
func block(t *testing.T, text, language string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)\n```" + language + "\n(.*?)```\n").FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no block of %s", language)
	}
	return m[1]
}

// TestImportServices: the unit, the list of properties and the task in the documents call
// import as it can be called, and are what their service managers take.
func TestImportServices(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(moduleRoot, "docs", "import.md"))
	if err != nil {
		t.Fatal(err)
	}
	for language, most := range map[string]int{"ini": 6, "xml": 5, "powershell": 6} {
		text := block(t, string(b), language)
		line := regexp.MustCompile(`/usr/local/bin/sealtape import (.*)`).FindStringSubmatch(text)
		if line == nil {
			t.Errorf("%s: no call", language)
			continue
		}
		given := regexp.MustCompile(`--[a-z0-9-]+`).FindAllString(line[1], -1)
		if len(given) != most {
			t.Errorf("%s: flags %q", language, given)
		}
		for _, f := range given {
			if !flags.IsFlag(importCommand().Flags, f) && !flags.IsFlag(ui.LogFlags(), f) {
				t.Errorf("%s: import has no flag %s", language, f)
			}
		}
	}
	d := xml.NewDecoder(strings.NewReader(block(t, string(b), "xml")))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}

	unit := block(t, string(b), "ini")
	if !strings.Contains(unit, "\nRestart=on-failure\n") || !strings.Contains(unit, "\nStartLimitIntervalSec=0\n") {
		t.Error("the unit does not start again, or not for as long as it takes")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not here to hold the unit against")
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sealtape-import.service")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(unit, "/usr/local/bin/sealtape", self)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(analyze, "verify", "--user", "--man=no", "--recursive-errors=no", path)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "nknown") || strings.Contains(string(out), "sealtape-import.service:") || err != nil && !strings.Contains(string(out), "ailed to") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("systemd-analyze: %v %s", err, out)
}
