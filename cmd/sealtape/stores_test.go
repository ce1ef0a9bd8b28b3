package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
)

// The stores of a recording are the same in whatever order they are named, and
// each is named once.
func TestOpenStores(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	e := &ui.Env{}
	var ids []string
	for _, names := range [][]string{{a, b}, {b, a}, {a}} {
		stores, id, err := access.OpenStores(t.Context(), e, names)
		if err != nil || len(stores) != len(names) || stores[0].Name != names[0] {
			t.Fatalf("%v: %v, %v", names, stores, err)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("the notes are %q", ids)
	}
	var usage ui.UsageError
	if _, _, err := access.OpenStores(t.Context(), e, []string{a, filepath.Join(b, "..", "b"), filepath.Join(a, ".")}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a store that is named twice: %v", err)
	}
	if _, _, err := access.OpenStores(t.Context(), e, nil); !errors.As(err, &usage) || !strings.Contains(err.Error(), "--store is missing") {
		t.Errorf("no store: %v", err)
	}
}

// What a hint says to run works as it stands: with all stores of the recording, as they
// were given.
func TestRecoverHint(t *testing.T) {
	stores := []string{"./my store", "s3://bucket/a?region=eu&class=STANDARD_IA"}
	want := "sealtape recover --store './my store' --store 's3://bucket/a?region=eu&class=STANDARD_IA'"
	for _, err := range []error{&bot.NotStoredError{Away: true, Err: errors.New("gone")}, syscall.ENOSPC} {
		_, hints := ui.Explain(explainRecord(err, stores))
		if len(hints) != 1 || !slices.Equal(hints[0].Run, []string{want}) {
			t.Errorf("%v: %q, want %s", err, hints, want)
		}
	}
	if got := access.RecoverCommandFor(nil); got != "sealtape recover --store STORE" {
		t.Error(got)
	}
}
