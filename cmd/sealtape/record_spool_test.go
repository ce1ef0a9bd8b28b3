//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// whole verifies a recording that was closed.
func (l *lab) whole(home, id, store string) {
	l.t.Helper()
	if out, errs, code := l.run(home, nil, "verify", id, "--store", store); code != 0 && code != ui.ExitIncomplete || !strings.Contains(out, "closed") {
		l.t.Errorf("verify: exit code %d\n%s%s", code, out, errs)
	}
}

// TestRecordAndSpool records after a crash: the new recording brings what the
// earlier one left to the store, and takes from the spool what is stored; with
// --keep-local it leaves all of itself there.
func TestRecordAndSpool(t *testing.T) {
	l := newLab(t)
	home, _ := l.person("Recorder")
	spool, store := filepath.Join(home, "spool"), filepath.Join(l.dir, "store")
	out, err := l.program("make-recording", home, nil, "-crash", "-for", store).Output()
	if err != nil {
		t.Fatal(err)
	}
	earlier := strings.TrimSpace(string(out))

	l.publisher(l.room("weekly"), "ada", "Ada")
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s")
	l.until("the store has the earlier recording, and the spool has not", func() bool {
		if _, err := os.Stat(filepath.Join(spool, earlier)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
		_, _, code := l.run(home, nil, "verify", earlier, "--store", store)
		return code == ui.ExitIncomplete
	})
	l.segments(home, store, rec.id, 1)
	l.until("the first segment leaves the spool", func() bool {
		_, err := os.Stat(filepath.Join(spool, rec.id, "segments", "000000.age"))
		return errors.Is(err, fs.ErrNotExist)
	})
	if _, err := os.Stat(filepath.Join(spool, rec.id, "head")); err != nil {
		t.Errorf("the recording that goes on: %v", err)
	}
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	if left, err := os.ReadDir(spool); err != nil || len(left) > 0 {
		t.Errorf("the spool still holds %v (%v)", left, err)
	}
	l.whole(home, rec.id, store)

	rec = l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--keep-local")
	l.segments(home, store, rec.id, 1)
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	for range 2 {
		for _, s := range []string{spool, store} {
			l.whole(home, rec.id, s)
		}
		l.must(home, "recover", "--store", store)
	}
}
