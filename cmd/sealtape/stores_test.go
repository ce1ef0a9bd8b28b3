package main

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
	s.sweep.dst = []namedStore{{good, "good"}, {bad, "bad"}}
	err := errors.Join(s.sweep.run(t.Context())...)
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
	if err := errors.Join(s.sweep.run(t.Context())...); err != nil {
		t.Fatal(err)
	}
	if problems := s.problems(bad); len(problems) > 0 {
		t.Errorf("the other store lacks %q", problems)
	}
	if _, err := os.Stat(filepath.Join(s.spool, s.id)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the local copy: %v", err)
	}
}

// The stores of a recording are the same in whatever order they are named, and
// each is named once.
func TestOpenStores(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	e := &env{}
	var ids []string
	for _, names := range [][]string{{a, b}, {b, a}, {a}} {
		stores, id, err := e.openStores(t.Context(), names)
		if err != nil || len(stores) != len(names) || stores[0].name != names[0] {
			t.Fatalf("%v: %v, %v", names, stores, err)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("the notes are %q", ids)
	}
	var usage usageError
	if _, _, err := e.openStores(t.Context(), []string{a, filepath.Join(b, "..", "b"), filepath.Join(a, ".")}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a store that is named twice: %v", err)
	}
	if _, _, err := e.openStores(t.Context(), nil); !errors.As(err, &usage) || !strings.Contains(err.Error(), "--store is missing") {
		t.Errorf("no store: %v", err)
	}
}

// An object waits until the last store has it.
func TestBacklogOfTwoStores(t *testing.T) {
	b, o := newBacklog(2), sealedObject(t)
	if err := b.commit(o); err != nil {
		t.Fatal(err)
	}
	for i, want := range []backlogState{
		{Objects: 1, Bytes: o.Size(), Sealed: o.Size()},
		{Sealed: o.Size(), Uploaded: o.Size()},
	} {
		b.stored(o.Name(), true)
		got := b.state(b.waiting[o.Name()].since)
		if got.Oldest = 0; got != want {
			t.Errorf("with %d stores: %+v, want %+v", i+1, got, want)
		}
	}
}
