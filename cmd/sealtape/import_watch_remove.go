package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/ingest/watch"
)

// removeSources deletes the files of a recording that the store has, once they were read
// back and are the same, and returns what is left. What changed meanwhile stays, and is
// another recording then.
func (w *watchImport) removeSources(ctx context.Context, r watch.Recording, entry *watch.Entry) (left watch.Recording, err error) {
	if !slices.ContainsFunc(r.Files, func(f watch.File) bool { return entry.Removable(f.SHA256) }) {
		w.log.Info("its files stay: something of them was left out", "recording", entry.Recording, "files", len(r.Files))
		return r, nil
	}
	if err := compareStored(ctx, w.access, entry.Recording, 0, entry.Tracks); err != nil {
		if !errors.Is(err, errCompared) && !w.answers(ctx) {
			return r, err
		}
		w.log.Error("its files stay: it cannot be read back from the store, or is not what they have", "recording", entry.Recording, "err", err)
		w.notify(ctx, "A recording cannot be read back from the store: its files stay. The log says why.")
		return r, fmt.Errorf("%w: %w", watch.ErrPassed, err) // until the next start
	}
	w.env.At("compared")
	now := watch.Recording{Path: r.Path, Files: slices.Clone(r.Files)}
	if err := now.Hash(ctx); err != nil { // all, before the first is deleted
		return r, w.changed(ctx, r, err)
	}
	if !slices.Equal(now.Hashes(), r.Hashes()) {
		return r, w.changed(ctx, r, ingest.ErrChanged)
	}
	// From here on it is known that files may be missing.
	if err := w.ledger.Change(entry.Recording, func(e *watch.Entry) { e.Removing = true }); err != nil {
		return r, err
	}
	left = watch.Recording{Path: r.Path}
	for _, f := range now.Files {
		if !entry.Removable(f.SHA256) {
			left.Files = append(left.Files, f)
			continue
		}
		if err := (watch.Recording{Files: []watch.File{f}}).Unchanged(); err != nil {
			return r, w.changed(ctx, r, err)
		}
		if err := os.Remove(f.Path); err != nil {
			return r, w.judged(ctx, r, &ingest.FileError{Err: err})
		}
		if f.Links() > 1 {
			w.log.Warn("a file that was deleted has another name (a hard link), under which it is still there", "source", f.SHA256[:12])
		}
		w.env.At("removed")
	}
	removeEmpty(r)
	w.log.Info("read back, compared and deleted its files; an SSD, a snapshot, a backup or a sync client may still have them",
		"recording", entry.Recording, "deleted", len(now.Files)-len(left.Files), "kept", len(left.Files))
	return left, w.ledger.Change(entry.Recording, func(e *watch.Entry) { e.Removing, e.Removed = false, len(left.Files) == 0 })
}

// answers reports whether the store answers: then what it gives of one recording is that
// one's fault.
func (w *watchImport) answers(ctx context.Context) bool {
	for _, err := range archive.IDs(ctx, w.to) {
		return err == nil
	}
	return ctx.Err() == nil // and it is empty
}

// changed says that files stay because they are others now.
func (w *watchImport) changed(ctx context.Context, r watch.Recording, err error) error {
	if errors.Is(err, ingest.ErrChanged) {
		w.log.Warn("its files have changed since they were imported, and stay", "source", short(r))
	}
	return w.judged(ctx, r, err)
}

// removeEmpty removes the folders of a recording in which nothing is left.
func removeEmpty(r watch.Recording) {
	var folders []string
	for _, f := range r.Files {
		for d := filepath.Dir(f.Path); len(d) >= len(r.Path); d = filepath.Dir(d) {
			folders = append(folders, d)
		}
	}
	slices.SortFunc(folders, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	for _, d := range slices.Compact(folders) {
		_ = os.Remove(d) // what is not empty stays
	}
}
