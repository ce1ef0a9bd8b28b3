package archive_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/internal/approval"
	"github.com/sealtape/sealtape/testdata/sample"
)

// built is the folder with the programs of others that tests run, once one needs them.
var built struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// tools returns the folder with age and the test's plugin, which it builds the first time.
func tools(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "sealtape-tools-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-ldflags=-w", "-o", built.dir, "filippo.io/age/cmd/age", pluginBuild).CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatalf("could not build age and the plugin: %v", built.err)
	}
	return built.dir
}

// By hand, with programs that know nothing of this one: the lines in FORMAT.md.
func TestStockTools(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	bin := tools(t)
	lines := shellLines(t)
	lines, approvalLines := lines[:4], lines[4:]

	worker, fleet, stranger := newFleetKey(t, "worker"), newFleetKey(t, "fleet"), newFleetKey(t, "stranger")
	given := fleet.approves(t, worker, time.Date(2026, 11, 29, 12, 0, 7, 0, time.UTC))
	worker.with = []note.Signer{given}
	spool, s := t.TempDir(), signer{worker, note.VerifierList(worker.v)}
	reader, other := hybrid(t), classic(t)
	w := create(t, spool, archive.Config{Signer: worker}, reader.Recipient(), other.Recipient())
	segment := content(0, 300_000)
	commit(t, begin(t, w, archive.Segment, segment))
	commit(t, begin(t, w, archive.Segment, nil))
	commit(t, begin(t, w, archive.Index, []byte("{}\n")))
	closeWriter(t, w)
	folder := filepath.Join(spool, w.ID())
	store, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	recording, err := archive.Open(t.Context(), store, w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
	if err != nil {
		t.Fatal(err)
	}
	attached, err := recording.Attach(t.Context(), archive.AttachConfig{Signer: s, Kind: archive.Minutes, File: "minutes.md", Data: []byte("We agreed.")})
	if err != nil {
		t.Fatal(err)
	}
	lines[3] = strings.Replace(lines[3], "attachments/HASH.age", attached.Name, 1)

	run := func(t *testing.T, script string) ([]byte, error) {
		sh := exec.Command("sh", "-eu", "-c", script)
		sh.Dir = folder
		sh.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		return sh.CombinedOutput()
	}
	for name, id := range map[string]string{"hybrid": reader.String(), "classic": other.String()} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(folder, "me.txt"), []byte(id+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			script := strings.Join(lines, "\n")
			if name == "classic" {
				script = strings.Replace(script, "epochs/000001.age", "epochs/000001-classic.age", 1)
			}
			out, err := run(t, script)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !bytes.Contains(out, []byte("file: minutes.md\n")) {
				t.Errorf("of the attachment age shows %q", out)
			}
			got, err := os.ReadFile(filepath.Join(folder, "segment.mkv"))
			if err != nil || !bytes.Equal(got, segment) {
				t.Errorf("age made %d bytes of the segment, %v", len(got), err)
			}
		})
	}
	t.Run("approval", func(t *testing.T) {
		script := strings.Join(approvalLines, "\n")
		for key, want := range map[string]bool{fleet.vkey: true, stranger.vkey: false} {
			if err := os.WriteFile(filepath.Join(folder, "fleet.txt"), []byte(key+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := run(t, script)
			if (err == nil) != want || strings.Contains(string(out), "Signature Verified Successfully") != want {
				t.Errorf("openssl says %q, %v; want %v", out, err, want)
			}
		}
		text, err := os.ReadFile(filepath.Join(folder, "text"))
		if err != nil || string(text) != approval.Text(worker.vkey, given.Card, given.Time) {
			t.Errorf("the text is %q, %v", text, err)
		}
	})
	damaged, err := os.OpenFile(filepath.Join(folder, "segments/000001.age"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := damaged.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := damaged.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, lines[0]); err == nil || !strings.Contains(string(out), "segments/000001.age: FAILED") {
		t.Errorf("sha256sum does not see the damage: %v\n%s", err, out)
	}
}

// shellLines returns the lines under "By hand" in FORMAT.md.
func shellLines(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## By hand\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for line := range strings.Lines(section) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.TrimSpace(code))
		}
	}
	if !ok || len(lines) != 4+11 {
		t.Fatalf("found %d lines to run in FORMAT.md: %q", len(lines), lines)
	}
	return lines
}
