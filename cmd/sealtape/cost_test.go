//go:build unix

package main

import (
	"context"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// A requestCounter counts what is asked of it.
type requestCounter struct {
	archive.Store
	gets, lists, stats atomic.Int64
}

func (s *requestCounter) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, name, off, n)
}

func (s *requestCounter) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	s.lists.Add(1)
	return s.Store.List(ctx, prefix)
}

func (s *requestCounter) Prefixes(ctx context.Context) iter.Seq2[string, error] {
	s.lists.Add(1)
	return s.Store.Prefixes(ctx)
}

func (s *requestCounter) Stat(ctx context.Context, name string) (archive.Info, error) {
	s.stats.Add(1)
	return s.Store.Stat(ctx, name)
}

// asked returns how many requests there were, and begins to count anew.
func (s *requestCounter) asked() (gets, lists, stats int64) {
	return s.gets.Swap(0), s.lists.Swap(0), s.stats.Swap(0)
}

// What list and last ask of a store: for each recording, list reads head, log, epoch and
// index, and lists it once; last asks for the heads of those it does not know, which are
// none after list, and next time.
func TestRequests(t *testing.T) {
	l := newDesk(t)
	home, _ := l.recorder("Ada")
	t.Setenv("SEALTAPE_HOME", home)
	folder := filepath.Join(l.dir, "store")
	const n = 6
	for range n {
		l.sealed(home, folder)
	}
	files, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	store := &requestCounter{Store: files}
	open := func() *access.Access {
		a, err := access.OpenTo(&ui.Env{Stdout: io.Discard, Stderr: io.Discard}, store)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}

	first, err := open().Resolve(t.Context(), "last")
	if err != nil {
		t.Fatal(err)
	}
	if gets, lists, stats := store.asked(); gets > 4*n || lists != 1 || stats != n {
		t.Errorf("last of %d: %d GETs, %d LISTs, %d HEADs", n, gets, lists, stats)
	}
	again, err := open().Resolve(t.Context(), "last")
	if err != nil || again != first {
		t.Fatalf("%s, then %s, %v", first, again, err)
	}
	if gets, lists, stats := store.asked(); gets != 0 || lists != 1 || stats != 0 {
		t.Errorf("last again: %d GETs, %d LISTs, %d HEADs", gets, lists, stats)
	}

	// After a list, last knows all.
	if err := os.Remove(filepath.Join(home, "starts")); err != nil {
		t.Fatal(err)
	}
	if err := runList(t.Context(), open(), &listOptions{}); err != nil {
		t.Fatal(err)
	}
	if gets, lists, stats := store.asked(); gets != 4*n || lists != n+1 || stats != 0 {
		t.Errorf("list of %d: %d GETs, %d LISTs, %d HEADs", n, gets, lists, stats)
	}
	if listed, err := open().Resolve(t.Context(), "last"); err != nil || listed != first {
		t.Fatalf("%s, then %s, %v", first, listed, err)
	}
	if gets, lists, stats := store.asked(); gets != 0 || lists != 1 || stats != 0 {
		t.Errorf("last after list: %d GETs, %d LISTs, %d HEADs", gets, lists, stats)
	}
}
