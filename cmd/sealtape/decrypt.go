package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/sealtape/sealtape/playback"
	"github.com/urfave/cli/v2"
)

func decryptCommand() *cli.Command {
	return &cli.Command{
		Name:      "decrypt",
		Usage:     "write the segments as they are, in the clear",
		ArgsUsage: "ID -o DIR",
		Description: `Each segment becomes a Matroska file of a few seconds, DIR/000000.mkv and so on.
To get one file for a player, use "sealtape export". ID may be the start of one,
or "last". DIR must be new or empty; it appears when all is written.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the folder to make, `DIR`"},
			storeFlag(),
		},
		Action: decryptAction,
	}
}

func decryptAction(c *cli.Context) (err error) {
	e := envOf(c)
	args, err := arguments(c, "the ID of a recording")
	if err != nil {
		return err
	}
	out := c.String("output")
	if out == "" {
		return usagef(c, "where to? -o DIR is missing")
	}
	out = filepath.Clean(out)
	if err := emptyOrAbsent(out); err != nil {
		return err
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	rec, err := a.openReadable(c.Context, args[0])
	if err != nil {
		return err
	}

	// The folder is filled under another name beside it.
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".sealtape-*.part") // mode 0700
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, os.RemoveAll(tmp))
		}
	}()
	bar := e.progress("decrypting", int64(len(rec.Segments())))
	src := &savingSource{segmentSource: segmentSource{rec: rec, onRead: func(int) { bar.add(1) }}, dir: tmp}
	s, err := playback.Open(c.Context, src, playback.Options{Recording: rec.Head().ID})
	bar.finish()
	if src.err != nil {
		return src.err
	}
	if err != nil {
		return err
	}
	if src.saved == 0 {
		return exitWith(exitIncomplete, fmt.Errorf("recording %s holds no segments", rec.Head().ID))
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) { // only an empty folder goes
		return err
	}
	if err := os.Rename(tmp, out); err != nil {
		return err
	}
	done = true
	if err := syncDir(filepath.Dir(out)); err != nil {
		return err
	}
	e.notef("%s (%s) in %s, in the clear", count(src.saved, "segment"), size(src.bytes), out)
	return e.shortcomings(rec, s.Tracks(), s.Gaps(), s.Missing(), src.tornSegments())
}

// emptyOrAbsent returns an error unless path is an empty folder or nothing.
func emptyOrAbsent(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return hinted(fmt.Errorf("%s is not empty", path), "name a new folder")
	}
	return nil
}

// A savingSource keeps each segment that is read as a file in dir.
type savingSource struct {
	segmentSource
	dir string

	saving sync.Mutex
	saved  int
	bytes  int64
	err    error // the first of writing a file
}

func (s *savingSource) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	b, err := s.segmentSource.ReadSegment(ctx, n)
	s.saving.Lock()
	defer s.saving.Unlock()
	if err != nil || s.err != nil {
		return b, err
	}
	if err := writeSynced(filepath.Join(s.dir, fmt.Sprintf("%06d.mkv", n)), b); err != nil {
		s.err = err
		return nil, err
	}
	s.saved++
	s.bytes += int64(len(b))
	return b, nil
}

// writeSynced writes a new file, durable when it returns.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes the entries of a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
