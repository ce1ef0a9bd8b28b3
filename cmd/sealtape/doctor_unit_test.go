//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// The unit calls record as it can be called, and is one that systemd takes.
func TestUnitFile(t *testing.T) {
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/sealtape record (.*)$`).FindStringSubmatch(systemd.Unit)
	if line == nil {
		t.Fatal("no ExecStart")
	}
	given := regexp.MustCompile(`--[a-z0-9-]+`).FindAllString(line[1], -1)
	if len(given) != 4 {
		t.Errorf("flags %q", given)
	}
	for _, f := range given {
		if !flags.IsFlag(recordCommand().Flags, f) && !flags.IsFlag(ui.LogFlags(), f) {
			t.Errorf("record has no flag %s", f)
		}
	}
	// It starts again after what a recorder exits with when the meeting may go on.
	lost, _ := ui.Explain(explainEnd(recorder.Report{Cause: livekit.ErrLost}))
	for _, never := range regexp.MustCompile(`(?m)^(?:SuccessExitStatus|RestartPreventExitStatus)=(.*)$`).FindAllStringSubmatch(systemd.Unit, -1) {
		if slices.Contains(strings.Fields(never[1]), fmt.Sprint(lost)) {
			t.Errorf("it does not start again after a room was lost, exit code %d", lost)
		}
	}
	if !strings.Contains(systemd.Unit, "\nRestart=on-failure\n") || !strings.Contains(systemd.Unit, "\nStartLimitIntervalSec=0\n") {
		t.Error("it does not start again, or not for as long as it takes")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not here to hold the unit against")
		return
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A program that is there, and no units of this machine.
	unit := strings.ReplaceAll(systemd.Unit, "/usr/local/bin/sealtape", self)
	if err := os.WriteFile(filepath.Join(dir, "sealtape@.service"), []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", filepath.Join(dir, "sealtape@weekly.service"))
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("sealtape@")) && bytes.Contains(out, []byte("nknown")) || err != nil && !bytes.Contains(out, []byte("ailed to")) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("systemd-analyze: %v %s", err, out)
}
