package checkup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/internal/words"
)

// minSpace is below what free space is worth a warning. An hour of a meeting
// with a few cameras takes about as much.
const minSpace = 1 << 30

// Spool looks at the folder of recordings on their way to a store.
func Spool(ctx context.Context, r *Report, path string) {
	const section = "spool"
	if err := tryWriting(path); err != nil {
		r.Fail(section, "writable", err, "check its owner and mode, and whether the disk is full")
	} else {
		r.Pass(section, "writable", "%s", path)
	}
	Space(r, section, path)
	waiting, busy, err := leftovers(ctx, path)
	var other *archive.NotObjectError
	switch {
	case errors.As(err, &other):
		r.Warn(section, "leftovers", "move the recording itself to its place, or take that away: recover leaves it alone", "%v", other)
	case err != nil:
		r.Fail(section, "leftovers", err, "check the owners and modes of what is in "+path)
	case len(waiting) > 0:
		r.Warn(section, "leftovers", "finish and upload those that are for STORE, with --store for each of several", "waiting for recover: %s", words.Few(waiting))
		r.Run("sealtape recover --store STORE")
	case busy > 0:
		r.Pass(section, "leftovers", "none; %s under way", words.Count(busy, "recording"))
	default:
		r.Pass(section, "leftovers", "none")
	}
	if files, err := os.ReadDir(filepath.Join(path, "quarantine")); err == nil && len(files) > 0 {
		r.Warn(section, "quarantine", "look at them, and remove them once they are of no use",
			"%s damaged on this disk: %s", words.Count(len(files), "recording"), filepath.Join(path, "quarantine"))
	}
}

// Space says how much room the disk of a folder has left.
func Space(r *Report, section, path string) {
	free, err := machine.FreeSpace(path)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		r.Unknown(section, "free space", "not looked at on this system")
	case err != nil:
		r.Unknown(section, "free space", "%v", err)
	default:
		space(r, section, free)
	}
}

func space(r *Report, section string, free int64) {
	if free < minSpace {
		r.Warn(section, "free space", "make room: a recording pauses when there is none", "%s, about an hour or less of a meeting", words.Size(free))
		return
	}
	r.Pass(section, "free space", "%s", words.Size(free))
}

// tryWriting writes a file into the folder, and removes it.
func tryWriting(path string) (err error) {
	f, err := os.CreateTemp(path, ".tmp-doctor-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(make([]byte, 4096))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// leftovers returns the recordings in the spool that nobody works on, and how
// many others there are. Those that are kept on purpose are neither.
func leftovers(ctx context.Context, path string) (waiting []string, busy int, err error) {
	spool, err := dir.Open(path)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the spool: %w", err)
	}
	defer func() { err = errors.Join(err, spool.Close()) }()
	for id, err := range archive.IDs(ctx, spool) {
		if err != nil {
			return nil, 0, fmt.Errorf("reading the spool: %w", err)
		}
		held, err := archive.HoldSpooled(path, id)
		var other *archive.NotObjectError
		switch {
		case errors.As(err, &other):
			return nil, 0, err
		case errors.Is(err, archive.ErrBusy):
			busy++
			continue
		case errors.Is(err, fs.ErrNotExist):
			continue // it was removed since
		case err != nil:
			return nil, 0, err
		}
		kept, err := held.Kept()
		store, serr := held.Store()
		if err := errors.Join(err, serr, held.Close()); err != nil {
			return nil, 0, err
		}
		if !kept {
			waiting = append(waiting, id+" for "+cmp.Or(words.Clean(store), "a store that is not noted"))
		}
	}
	return waiting, busy, nil
}
