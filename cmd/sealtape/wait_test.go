//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// until waits for something to be so of which nobody tells.
func (l *lab) until(what string, ok func() bool) {
	l.t.Helper()
	begun := time.Now()
	for !ok() {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-l.ctx.Done():
			l.t.Fatalf("waited in vain: %s\n%s", what, l.told())
		}
	}
	if took := time.Since(begun); took > time.Second {
		l.t.Logf("waited %.1f s: %s", took.Seconds(), what) // to see what makes a test slow
	}
}

// stored waits for something to be so of a recording in a store. It looks whenever
// there is more of it, so that looking takes nothing from those who work.
func (l *lab) stored(store, id, what string, ok func() bool) {
	l.t.Helper()
	if strings.HasPrefix(store, "s3://") {
		n := 0
		l.until(what, func() bool { n++; return n%4 == 0 && ok() })
		return
	}
	var last os.FileInfo
	head := filepath.Join(store, id, "head") // is replaced with all that comes
	l.until(what, func() bool {
		fi, err := os.Stat(head)
		if err != nil || last != nil && os.SameFile(fi, last) && fi.ModTime().Equal(last.ModTime()) {
			return false
		}
		last = fi
		return ok()
	})
}

// segments waits until the store has more than n segments of the recording, by
// what the list command says to someone without a key.
func (l *lab) segments(home, store, id string, n int) {
	l.t.Helper()
	l.stored(store, id, fmt.Sprintf("more than %d segments", n), func() bool {
		if !strings.HasPrefix(store, "s3://") { // there is no need to ask while a look says no
			if all, err := os.ReadDir(filepath.Join(store, id, "segments")); err != nil || len(all) <= n {
				return false
			}
		}
		return l.listed(home, store, id) > n
	})
}

// listed returns how many segments the store has of the recording.
func (l *lab) listed(home, store, id string) int {
	l.t.Helper()
	// Until the first upload there may be no store, or nothing in it.
	out, _, code := l.run(home, nil, "list", "--store", store, "--json")
	if code != 0 {
		return 0
	}
	var recordings []struct {
		ID       string
		Segments int
	}
	if err := json.Unmarshal([]byte(out), &recordings); err != nil {
		l.t.Fatalf("list: %v\n%s", err, out)
	}
	for _, r := range recordings {
		if r.ID == id {
			return r.Segments
		}
	}
	return 0
}

// informed waits until info --json says something of the recording, and returns it.
func (l *lab) informed(home, store, id, what string, cond func(*show.InfoJSON) bool) (i *show.InfoJSON) {
	l.t.Helper()
	l.stored(store, id, what, func() bool {
		out, _, code := l.run(home, nil, "info", id, "--store", store, "--json")
		if code != 0 && code != ui.ExitIncomplete {
			return false
		}
		i = new(show.InfoJSON)
		if err := json.Unmarshal([]byte(out), i); err != nil {
			l.t.Fatalf("info: %v\n%s", err, out)
		}
		return cond(i)
	})
	return i
}

// lasts waits until so much of what happens from now on is stored, as the
// recording's own clock has it.
func (l *lab) lasts(home, store, id string, d time.Duration) {
	l.t.Helper()
	until := time.Now().Add(d)
	l.informed(home, store, id, d.String()+" more", func(i *show.InfoJSON) bool {
		return i.Start != nil && i.Start.Add(pts(*i.Duration)).After(until)
	})
}
