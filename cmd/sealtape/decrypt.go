package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// decryptParallel is how many segments are read side by side, each of them in
// memory.
const decryptParallel = 4

func decryptCommand() *cli.Command {
	return &cli.Command{
		Name:      "decrypt",
		Usage:     "write the segments as they are, in the clear",
		ArgsUsage: "ID -o DIR",
		Description: `For tools of your own. Each segment becomes a Matroska file of a few seconds,
DIR/000000.mkv and so on: the bytes that were sealed, once they are verified. Its
times are those of the recording, and its timeline is a track of JSON lines. For
one file that any player shows, use "sealtape export"; to watch, "sealtape play".
A picture may go on in a file without a key frame, so that the file alone does not
decode from its beginning: it says in which, and with --json from which on it does.

ID may be the start of one, or "last". DIR must be new or empty; it appears when
all is written, open to you alone.

Exit code 3: it is written, and the recording is not complete. 4: the same, and
segments that failed verification were left out, or the key that signed the
recording was revoked. 5: no key of yours opens any.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the folder to make, `DIR`"},
			storeFlag(), jsonFlag(),
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

	distrust := cmp.Or(a.distrust(rec), a.withheld(c.Context, rec))
	if distrust != nil {
		e.warnf("%v", distrust)
	}
	e.sweepParts(filepath.Dir(out))
	folder, err := playback.CreateFolder(out)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted(fmt.Errorf("there is no folder %s to make %s in", filepath.Dir(out), filepath.Base(out)), "make it first")
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Discard()) }()
	d := &decryption{rec: rec, dir: folder.Path(), failed: make(map[int]error)}
	bar := e.progress("decrypting", int64(len(rec.Segments())))
	torn, err := d.run(c.Context, func() { bar.add(1) })
	bar.finish()
	if err != nil {
		return err
	}
	if len(rec.Segments()) == 0 {
		return exitWith(exitIncomplete, fmt.Errorf("recording %s holds no segments", rec.Head().ID))
	}
	s, err := playback.Open(c.Context, d, playback.Options{Recording: rec.Head().ID})
	if err != nil {
		return err
	}
	if err := folder.Commit(); err != nil {
		return err
	}
	e.notef("%s (%s) in %s, in the clear", count(d.saved, "segment"), size(d.bytes), out)
	e.tellContinued(s)
	err = e.shortcomings(rec, s.Tracks(), s.Gaps(), s.Missing(), torn)
	if c.Bool("json") {
		if jerr := e.json(d.told(s, out, err != nil)); jerr != nil {
			return jerr
		}
	}
	return e.worse(distrust, err)
}

// emptyOrAbsent returns an error unless path is an empty folder or nothing.
func emptyOrAbsent(path string) error {
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, syscall.ENOTDIR):
		return hinted(fmt.Errorf("%s is a file", path), "nothing is overwritten; name a new folder")
	case err != nil:
		return err
	case len(entries) > 0:
		return hinted(fmt.Errorf("%s is not empty", path), "name a new folder")
	}
	return nil
}

// A decryption writes the segments of a recording as files into dir. Then it is a
// playback.Source of these files.
type decryption struct {
	rec *archive.Recording
	dir string

	mu     sync.Mutex
	failed map[int]error // of segments that were not written
	saved  int
	bytes  int64
}

// run writes all segments that can be read, and returns how many of them are torn.
// The error is one that says nothing of the recording: the store's, the disk's.
func (d *decryption) run(ctx context.Context, onEach func()) (torn int, err error) {
	src := &segmentSource{rec: d.rec}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(decryptParallel)
	for _, seg := range d.rec.Segments() {
		g.Go(func() error {
			b, err := src.ReadSegment(ctx, seg.Number)
			known := errors.Is(err, playback.ErrDamaged) || errors.Is(err, playback.ErrLocked)
			if err == nil {
				err = belongs(b, d.rec.Head().ID, seg)
				known = err != nil
			}
			if err == nil {
				err = writeSynced(d.path(seg.Number), b)
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			switch {
			case err == nil:
				d.saved++
				d.bytes += int64(len(b))
			case known:
				d.failed[seg.Number] = err
			default:
				return err
			}
			onEach()
			return nil
		})
	}
	err = g.Wait()
	return src.tornSegments(), err
}

// belongs returns an error unless a segment says itself that it is the one it is
// taken for. One that a crash tore may lack even that.
func belongs(b []byte, id string, seg archive.SegmentInfo) error {
	r, err := matroska.NewReader(bytes.NewReader(b))
	switch {
	case err != nil && seg.Torn:
		return fmt.Errorf("%s: nothing of it can be read: %w", seg.Name, err)
	case err != nil:
		return &sortedError{fmt.Errorf("%s: %w", seg.Name, err), playback.ErrDamaged}
	}
	if h := r.Header(); h.Recording != id || h.Segment != seg.Number {
		return fmt.Errorf("%w: it says it is segment %d of recording %.40q", playback.ErrForeign, h.Segment, h.Recording)
	}
	return nil
}

func (d *decryption) path(n int) string { return filepath.Join(d.dir, fileOf(n)) }

func (d *decryption) Segments() []int { return (&segmentSource{rec: d.rec}).Segments() }

func (d *decryption) ReadSegment(_ context.Context, n int) ([]byte, error) {
	if err := d.failed[n]; err != nil {
		return nil, err
	}
	return os.ReadFile(d.path(n))
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
func (e *env) sweepParts(dir string) {
	removed, err := playback.SweepParts(dir)
	for _, path := range removed {
		e.notef("%s removed: an export that was killed had left it there, in the clear", path)
	}
	if err != nil {
		e.warnf("what killed exports left in %s could not be removed: %v", dir, err)
	}
}
