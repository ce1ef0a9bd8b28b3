package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

func decryptCommand() *cli.Command {
	var o decryptOptions
	return &cli.Command{
		Name:      "decrypt",
		Usage:     "write the segments as they are, in the clear",
		ArgsUsage: "ID -o DIR",
		Description: `Writes each segment as a Matroska file of a few seconds, for tools of your own:
DIR/000000.mkv and so on. A file has the bytes that were sealed, once they are verified. Its
times are those of the recording. Its timeline is a track of JSON lines. To get one file
that any player shows, use "sealtape export"; to watch, use "sealtape play".

A picture may begin in one file and go on in the next. The next file alone does not decode
from its beginning. The command says which files these are; --json says where to begin.

ID may be the beginning of an ID, or "last". DIR must be new or empty. It appears when all
is written, and only you can read it.

Exit codes:
  3  all is written, and the recording is not complete
  4  segments that failed verification were left out, or the key that signed the recording
     was revoked
  5  no key of yours opens any of it`,
		UsageText: `  sealtape decrypt last -o segments --store ./meetings
  sealtape decrypt F2JE -o segments --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "the folder to make, `DIR`"},
			o.StoreFlag(), o.JSONFlag(),
		},
		Action: flags.Action(&o, runDecrypt, flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type decryptOptions struct {
	flags.StoreOption
	flags.JSONOption
	id, output string
}

// RecordingName returns what names the recording.
func (o *decryptOptions) RecordingName() string { return o.id }

func (o *decryptOptions) Check() error {
	if o.output == "" {
		return ui.Misuse("where to? -o DIR is missing")
	}
	return nil
}

func runDecrypt(ctx context.Context, e *ui.Env, o *decryptOptions) (err error) {
	out := filepath.Clean(o.output)
	if err := emptyOrAbsent(out); err != nil {
		return err
	}
	a, err := access.OpenStoreOf(ctx, e, o)
	if err != nil {
		return err
	}
	var bar *terminal.Bar
	t, err := a.OpenReadable(ctx, o.id, func(t *tape.Options) { t.OnRead = func(int) { bar.Add(1) } })
	if err != nil {
		return err
	}
	if err := a.Untrusted(ctx, t); err != nil {
		e.Warnf("%v", err) // the verdict says it again, and has the exit code
	}
	sweepParts(e, filepath.Dir(out))
	folder, err := playback.CreateFolder(out)
	if errors.Is(err, fs.ErrNotExist) {
		return ui.Hinted(fmt.Errorf("there is no folder %s to make %s in", filepath.Dir(out), filepath.Base(out)), "make it first")
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Discard()) }()
	f := &decrypted{Tape: t, dir: folder.Path()}
	bar = e.Progress("decrypting", int64(len(t.Segments())))
	f.failed, err = t.Decrypt(ctx, f.save)
	bar.Finish()
	if err != nil {
		return err
	}
	if len(t.Segments()) == 0 {
		return nothingKept(t)
	}
	s, err := playback.Open(ctx, &decryptedFiles{f}, playback.Options{Recording: t.ID()})
	if err != nil {
		return err
	}
	if err := folder.Commit(); err != nil {
		return err
	}
	e.Notef("%s (%s) in %s, in the clear", ui.Count(int(f.saved.Load()), "segment"), ui.Size(f.bytes.Load()), out)
	show.Continued(e, s)
	d, err := t.DescribeSession(ctx, s)
	if err != nil {
		return err
	}
	end := ui.Outcome{ID: t.ID(), Verdict: show.Lacks(e, d, s.Tracks(), s.Holes(), s.Missing()).Verdict()}.Err()
	if o.JSON {
		if err := e.JSON(show.DecryptOf(t.ID(), out, f.bytes.Load(), s, f.failed, end != nil)); err != nil {
			return err
		}
	}
	return end
}

// emptyOrAbsent returns an error unless path is an empty folder or nothing.
func emptyOrAbsent(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		return ui.Hinted(fmt.Errorf("%s is a file", path), "nothing is overwritten; name a new folder")
	case err != nil:
		return err
	case len(entries) > 0:
		return ui.Hinted(fmt.Errorf("%s is not empty", path), "name a new folder")
	}
	return nil
}

// A decrypted is a recording of which segments were written to dir.
type decrypted struct {
	*tape.Tape
	dir          string
	failed       map[int]error // of segments that were not written
	saved, bytes atomic.Int64
}

func (d *decrypted) path(n int) string { return filepath.Join(d.dir, show.FileOf(n)) }

// save writes a segment.
func (d *decrypted) save(n int, plain []byte) error {
	if err := writeSynced(d.path(n), plain); err != nil {
		return err
	}
	d.saved.Add(1)
	d.bytes.Add(int64(len(plain)))
	return nil
}

// decryptedFiles are the files as a playback.Source.
type decryptedFiles struct{ d *decrypted }

func (f *decryptedFiles) Segments() []int { return f.d.Segments() }

func (f *decryptedFiles) ReadSegment(_ context.Context, n int) ([]byte, error) {
	if err := f.d.failed[n]; err != nil {
		return nil, err
	}
	return os.ReadFile(f.d.path(n))
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

// sweepParts removes from dir what killed exports left there in the clear, and
// says so.
func sweepParts(e *ui.Env, dir string) {
	removed, err := playback.SweepParts(dir)
	for _, path := range removed {
		e.Notef("%s removed: an export that was killed had left it there, in the clear", path)
	}
	if err != nil {
		e.Warnf("what killed exports left in %s could not be removed: %v", dir, err)
	}
}
