package bot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A recording for two stores is done when both have it. One that fails does not
// keep the other from getting it, nor does anything leave the spool before.
func TestSweepTwoStores(t *testing.T) {
	const segments = 150 // more than lie between two heads
	s := newSpoolTest(t, segments)
	good, bad := new(storetest.Mem), new(storetest.Mem)
	bad.OnPut = func(name string) (bool, error) {
		if strings.HasSuffix(name, "/segments/000140.age") {
			return false, archive.ErrRefused
		}
		return true, nil
	}
	s.sweep.Stores = []Store{{good, "good"}, {bad, "bad"}}
	err := errors.Join(s.sweep.Run(t.Context())...)
	if !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), "bad: ") {
		t.Errorf("got %v, want the refusal of the store that is named", err)
	}
	if problems := s.problems(good); len(problems) > 0 {
		t.Errorf("the good store lacks %q", problems)
	}
	// What is under a head in both may go, and nothing else.
	if got, want := s.left(), segments-127; got != want {
		t.Errorf("%d segments are left, want %d", got, want)
	}
	// Another process goes on, with nothing but what is in spool and stores.
	bad.OnPut = nil
	if err := errors.Join(s.sweep.Run(t.Context())...); err != nil {
		t.Fatal(err)
	}
	if problems := s.problems(bad); len(problems) > 0 {
		t.Errorf("the other store lacks %q", problems)
	}
	if _, err := os.Stat(filepath.Join(s.spool, s.id)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the local copy: %v", err)
	}
}
