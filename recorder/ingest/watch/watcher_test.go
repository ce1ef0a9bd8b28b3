package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
)

// A desk is a watcher whose clock is made up, with a folder and what it logs.
type desk struct {
	t        *testing.T
	mu       sync.Mutex // held while anything below changes
	dir      string
	log      bytes.Buffer
	w        *Watcher
	attempts []time.Time // of Import
	resumed  int
	told     int
	slept    time.Duration
}

// watched runs a watcher in a bubble until do returns.
func watched(t *testing.T, importing func(*desk, Recording) error, do func(*desk)) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		f, err := OpenFolder(d.dir, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		d.w = &Watcher{Folder: f, Every: 5 * time.Second, Least: 10 * time.Second, Most: 10 * time.Minute, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
			Resume: func(context.Context) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.resumed++
				return nil
			},
			Import: func(_ context.Context, r Recording) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				d.attempts = append(d.attempts, time.Now())
				return importing(d, r)
			},
			Failing: func(error) { d.told++ }}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.w.Run(ctx) }()
		do(d)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
	return d
}

// sleep lets a time pass, and all that happens in it happen.
func (d *desk) sleep(t time.Duration) {
	d.mu.Lock() // what was looked at until now is not looked at any more
	d.slept += t
	d.mu.Unlock()
	time.Sleep(t)
	synctest.Wait()
}

// TestOnce: a recording is imported once, and again only when it has changed.
func TestOnce(t *testing.T) {
	watched(t, func(d *desk, r Recording) error { d.w.Imported(); return nil }, func(d *desk) {
		path := filepath.Join(d.dir, "a.mp4")
		write(t, path, "1")
		d.sleep(time.Hour)
		if s := d.w.Status(); len(d.attempts) != 1 || s.Imported != 1 || s.Due != 0 || s.Waiting != 0 || s.Busy || s.Last.IsZero() || s.Problems(time.Now()) != nil {
			t.Errorf("%d attempts, %+v", len(d.attempts), s)
		}
		write(t, path, "12")
		d.sleep(20 * time.Second)
		if s := d.w.Status(); len(d.attempts) != 1 || s.Waiting != 1 {
			t.Errorf("%d attempts, %+v", len(d.attempts), s)
		}
		d.sleep(time.Hour)
		if len(d.attempts) != 2 {
			t.Errorf("%d attempts", len(d.attempts))
		}
	})
}

// TestBackoff: what this machine or the store is to blame for is tried again, more and
// more rarely, and told once; what was begun is finished first.
func TestBackoff(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	d := watched(t, func(*desk, Recording) error {
		if away.Load() {
			return &fs.PathError{Op: "put", Path: "CANARY", Err: errors.New("the store is away")}
		}
		return nil
	}, func(d *desk) {
		write(t, filepath.Join(d.dir, "a.mp4"), "1")
		d.sleep(2 * time.Hour)
		s := d.w.Status()
		if n := len(d.attempts); n < 10 || n > 25 || s.Failures != int64(n) || d.resumed != n+1 && d.resumed != n {
			t.Errorf("%d attempts, %d resumed, %+v", n, d.resumed, s)
		}
		last := time.Duration(0)
		for i := 1; i < len(d.attempts); i++ {
			apart := d.attempts[i].Sub(d.attempts[i-1])
			if apart < last || apart < 10*time.Second || apart > 10*time.Minute+time.Second {
				t.Errorf("attempt %d after %v, and the one before after %v", i, apart, last)
			}
			last = apart
		}
		if p := s.Problems(time.Now()); len(p) != 1 || d.told != 1 {
			t.Errorf("%q, told %d times", p, d.told)
		}
		away.Store(false)
		d.sleep(time.Hour)
		if s := d.w.Status(); !s.Failing.IsZero() || s.Problems(time.Now()) != nil {
			t.Errorf("%+v", s)
		}
	})
	if out := d.log.String(); strings.Contains(out, "CANARY") || !strings.Contains(out, "the store is away") {
		t.Errorf("the log says %s", out)
	}
}

// TestPassedOver: a recording that cannot be imported holds up nothing, and is tried again
// when it has changed; one that changed under the import waits until it is at rest.
func TestPassedOver(t *testing.T) {
	var changing atomic.Bool
	changing.Store(true)
	imported := make(map[string]int)
	d := watched(t, func(d *desk, r Recording) error {
		name := filepath.Base(r.Path)
		imported[name]++
		switch {
		case name == "bad.mp4":
			return fmt.Errorf("%w: no index", ErrPassed)
		case name == "changing.mp4" && changing.Load():
			write(t, r.Path, fmt.Sprint("more", imported[name]+100))
			return &ingest.FileError{Name: name, Err: ingest.ErrChanged}
		}
		return nil
	}, func(d *desk) {
		for _, name := range []string{"bad.mp4", "changing.mp4", "good.mp4"} {
			write(t, filepath.Join(d.dir, name), "1")
		}
		d.sleep(5 * time.Minute)
		changing.Store(false)
		if s := d.w.Status(); s.Passed != 1 || !s.Failing.IsZero() || imported["bad.mp4"] != 1 || imported["good.mp4"] != 1 || imported["changing.mp4"] < 1 {
			t.Errorf("%+v, %v", s, imported)
		}
		write(t, filepath.Join(d.dir, "bad.mp4"), "12")
		d.sleep(5 * time.Minute)
		if imported["bad.mp4"] != 2 || imported["good.mp4"] != 1 {
			t.Errorf("%v", imported)
		}
	})
	if n := strings.Count(d.log.String(), "has changed"); n < 1 {
		t.Errorf("the log says %s", d.log.String())
	}
}

// TestFolderGone: a folder that is away is told once, and watched again when it is back.
func TestFolderGone(t *testing.T) {
	d := watched(t, func(*desk, Recording) error { return nil }, func(d *desk) {
		if err := os.Remove(d.dir); err != nil {
			t.Fatal(err)
		}
		d.sleep(time.Hour)
		write(t, filepath.Join(d.dir, "a.mp4"), "1")
		d.sleep(time.Hour)
	})
	if len(d.attempts) != 1 || strings.Count(d.log.String(), "cannot be looked at") != 1 || strings.Contains(d.log.String(), d.dir) {
		t.Errorf("%d attempts\n%s", len(d.attempts), d.log.String())
	}
}

// TestReason: an error for a log names no file.
func TestReason(t *testing.T) {
	for _, err := range []error{
		&ingest.FileError{Name: "CANARY", Err: errors.New("bad")},
		fmt.Errorf("importing: %w", &ingest.FileError{Name: "CANARY", Err: &fs.PathError{Op: "open", Path: "CANARY", Err: fs.ErrPermission}}),
		errors.Join(&fs.PathError{Op: "open", Path: "CANARY", Err: fs.ErrPermission}),
	} {
		if got := Reason(err).Error(); strings.Contains(got, "CANARY") || got == "" {
			t.Errorf("%q", got)
		}
	}
}
