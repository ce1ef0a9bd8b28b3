package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/ingest/folder"
	"github.com/sealtape/sealtape/recorder/media"
)

// errCompared: what the store has is not what the files have.
var errCompared = errors.New("what was stored is not what the files have")

// remove deletes the files of what was imported, once what the store has was read back
// and is the same. It deletes none if anything is in doubt.
func (p *importPlan) remove(ctx context.Context, a *access.Access, report *ingest.Report) error {
	const kept = "the recording is stored, and no file was deleted"
	if len(report.Said) > 0 {
		return ui.Hinted(ui.ExitWith(ui.ExitIncomplete, errors.New("not all of the files was read without complaint")), kept)
	}
	if err := p.compare(ctx, a, report); err != nil {
		if errors.Is(err, archive.ErrNoKey) {
			err = fmt.Errorf("it cannot be read back with your keys: %w", err)
			return ui.Hinted(ui.ExitWith(ui.ExitNoKey, err), kept+"; --remove-source needs you among the readers")
		}
		return ui.Hinted(err, kept)
	}
	originals := p.originals()
	for _, o := range originals { // all, before the first is deleted
		if err := o.unchanged(ctx); err != nil {
			return ui.Hinted(&ingest.FileError{Name: o.name, Err: err}, kept)
		}
	}
	removed := 0
	for _, o := range originals {
		if !o.goes {
			a.Env.Notef("%s stays: something of it was left out", o.name)
			continue
		}
		if err := o.file.Unchanged(); err != nil {
			return ui.Hinted(&ingest.FileError{Name: o.name, Err: err}, fmt.Sprintf("the recording is stored; %s deleted, and the others stay", ui.Count(removed, "file")))
		}
		if err := os.Remove(o.path); err != nil {
			return fmt.Errorf("deleting a file: %w", err)
		}
		if removed++; o.file.Links() > 1 {
			a.Env.Warnf("%s has another name (a hard link), under which it is still there", o.name)
		}
	}
	for _, f := range p.folders {
		for _, path := range []string{filepath.Join(f.Path, folder.ZoomVoices), f.Path} { // which works only if they are empty
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				a.Env.Notef("%s stays: it has other files", path)
				break
			}
		}
	}
	if removed == 0 {
		a.Env.Notef("read back and compared; no file was deleted")
		return nil
	}
	a.Env.Notef("read back, compared, and deleted %s; an SSD, a snapshot, a backup or a sync client may still have them", ui.Count(removed, "file"))
	return nil
}

// compare compares what the store has with what came from the files.
func (p *importPlan) compare(ctx context.Context, a *access.Access, report *ingest.Report) error {
	return compareStored(ctx, a, p.Recording, report.Length, sumsOf(report))
}

// sumsOf returns the sums of the tracks that were written, by their UIDs.
func sumsOf(report *ingest.Report) map[string]string {
	sums := make(map[string]string)
	for uid, s := range report.Sums {
		sums[strconv.FormatUint(uid, 10)] = s.String()
	}
	return sums
}

// compareStored reads a recording of this length from the store, and compares its frames
// with the sums of its tracks. The error wraps errCompared if they differ.
func compareStored(ctx context.Context, a *access.Access, id string, length time.Duration, want map[string]string) error {
	t, err := a.OpenReadable(ctx, id, nil)
	if err != nil {
		return err
	}
	s, err := t.Session(ctx)
	if err != nil {
		return err
	}
	sums := make(map[uint64]*ingest.Sum)
	bar := a.Env.Progress("comparing", int64(length.Seconds()))
	defer bar.Finish()
	for f, err := range s.Frames(ctx) {
		if err != nil {
			return err
		}
		if sums[f.Track] == nil {
			sums[f.Track] = ingest.NewSum()
		}
		sums[f.Track].Add(media.Frame{Time: f.Time, Later: f.Later, Data: f.Data})
		bar.Set(int64(f.Time.Seconds()))
	}
	if len(sums) != len(want) {
		return fmt.Errorf("%w: %d tracks of %d", errCompared, len(sums), len(want))
	}
	for uid, got := range sums {
		if got.String() != want[strconv.FormatUint(uid, 10)] {
			return fmt.Errorf("%w: a track differs", errCompared)
		}
	}
	return nil
}
