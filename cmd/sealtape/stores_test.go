package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// The stores of a recording are the same in whatever order they are named, and
// each is named once.
func TestOpenStores(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	e := &ui.Env{}
	var ids []string
	for _, names := range [][]string{{a, b}, {b, a}, {a}} {
		stores, id, err := openStores(t.Context(), e, names)
		if err != nil || len(stores) != len(names) || stores[0].Name != names[0] {
			t.Fatalf("%v: %v, %v", names, stores, err)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Errorf("the notes are %q", ids)
	}
	var usage ui.UsageError
	if _, _, err := openStores(t.Context(), e, []string{a, filepath.Join(b, "..", "b"), filepath.Join(a, ".")}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a store that is named twice: %v", err)
	}
	if _, _, err := openStores(t.Context(), e, nil); !errors.As(err, &usage) || !strings.Contains(err.Error(), "--store is missing") {
		t.Errorf("no store: %v", err)
	}
}
