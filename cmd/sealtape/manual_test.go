package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// TestManual: each command that help lists has a page with its flags and examples, and no
// line of it is taken for a macro that it is not.
func TestManual(t *testing.T) {
	pages := flags.Manual(newApp(&ui.Env{}))
	macro := regexp.MustCompile(`^\.(TH|SH|TP|PP|nf|fi|nh|ad)( |$)`)
	for name, text := range pages {
		for line := range strings.SplitSeq(text, "\n") {
			if strings.HasPrefix(line, "'") || strings.HasPrefix(line, ".") && !macro.MatchString(line) {
				t.Errorf("%s: %q", name, line)
			}
		}
	}
	for name, want := range map[string][]string{
		"sealtape.1":           {`\fBsealtape\-record(1)\fR`, ".SH EXIT STATUS\n", `\-\-log\-format`},
		"sealtape-record.1":    {`.TH "SEALTAPE-RECORD" 1 "" "sealtape `, `\fB\-\-room ROOM\fR`, "sealtape record \\-\\-config weekly.yaml", ".SH SEE ALSO\n"},
		"sealtape-keys-init.1": {"\\fBsealtape keys init"},
		"sealtape-keys.1":      {`\fBsealtape\-keys\-init(1)\fR`},
	} {
		for _, w := range want {
			if !strings.Contains(pages[name], w) {
				t.Errorf("%s has no %q:\n%.3000s", name, w, pages[name])
			}
		}
	}
	if _, ok := pages["sealtape-complete.1"]; ok {
		t.Error("there is a page of a hidden command")
	}
	for name := range pages {
		if strings.Contains(pages[name], "\t") || len(pages[name]) < 150 {
			t.Errorf("%s: %q", name, pages[name])
		}
	}

	dir := t.TempDir()
	if err := writeManual(dir, pages); err != nil {
		t.Fatal(err)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Log("groff is not here to hold the pages against")
		return
	}
	for name := range pages {
		cmd := exec.Command(groff, "-man", "-Tutf8", "-Kutf8", "-ww", "-P-cbou", filepath.Join(dir, name))
		cmd.Stderr = os.Stderr
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "NAME") {
			t.Errorf("%s: %v\n%.500s", name, err, out)
		}
	}
}
