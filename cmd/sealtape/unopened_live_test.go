//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestOneWrongPassphrase: of one member whose passphrase is another, the others hear
// while it matters that they are not recorded; log and metrics say so of nobody.
func TestOneWrongPassphrase(t *testing.T) {
	l := newLab(t)
	home, _ := l.person("Recorder")
	ada := l.publisher(l.room("r"), "ada", "Ada Lovelace")
	l.join(members.Config{Room: l.room("r"), Identity: "ben", Name: "Ben Nevis", Passphrase: "another one", Audio: media.Speech(1)})
	rec := l.operate(home, l.room("r"), "store: "+filepath.Join(l.dir, "store")+"\nreader: [Recorder]\n")
	want := "Ben Nevis (microphone) is not recorded: the recorder has no key that opens it."
	l.until("Ada hears that Ben is not recorded", func() bool {
		for _, m := range ada.Messages() {
			if m.Text == want {
				return true
			}
		}
		return false
	})
	// On a machine that is busy with other things, the cause may come later.
	l.until("the metrics and the log say why", func() bool {
		_, text := rec.get("/metrics")
		return strings.Contains(text, `sealtape_unopened_tracks{cause="passphrase",reason="auth"} 1`) && strings.Contains(rec.stderr(), `"cause":"passphrase"`)
	})
	if code, text := rec.get("/healthz"); code != 200 {
		t.Errorf("healthz while Ada opens: %d %s", code, text)
	}
	rec.namesNobody("the log", rec.stderr(), "Ada Lovelace", "Ben Nevis", "Nevis")
	if code := rec.stop(syscall.SIGTERM); code != 3 {
		t.Errorf("exit code %d, want 3: Ben is missing", code)
	}
}
