package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// Drafts is a folder for recordings that are copied to a store once they are whole, and
// are worth nothing before, as a resealed one is. It is no spool: nobody is to finish
// and upload half of such a recording. Several processes may use one.
type Drafts struct{ path string }

// OpenDrafts returns the folder at path, which archive.Create makes if it is missing.
// It removes what processes left there that died, and leaves alone what is in use and
// the recordings with the IDs in keep. The folder is for drafts alone: whatever else is
// in it is removed too.
func OpenDrafts(path string, keep ...string) (*Drafts, error) {
	left, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Drafts{path}, nil
	} else if err != nil {
		return nil, err
	}
	for _, f := range left {
		if f.IsDir() && slices.Contains(keep, f.Name()) {
			continue
		}
		if archive.ValidID(f.Name()) != nil || !f.IsDir() {
			// A crash in the middle of a removal leaves a folder under another name.
			if err := os.RemoveAll(filepath.Join(path, f.Name())); err != nil {
				return nil, err
			}
			continue
		}
		if err := archive.RemoveSpooled(path, f.Name()); err != nil && !errors.Is(err, archive.ErrBusy) && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return &Drafts{path}, nil
}

// Path returns the folder, for archive.Create.
func (d *Drafts) Path() string { return d.path }

// Copy copies a recording whose Writer is closed to a store. It holds the recording
// meanwhile, so that no OpenDrafts takes it for left over.
func (d *Drafts) Copy(ctx context.Context, to archive.Store, id string) (err error) {
	h, err := archive.HoldSpooled(d.path, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	local, err := Open(d.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Close()) }()
	return archive.Copy(ctx, to, local, id)
}

// ErrHalf: what was put of a recording could not be removed.
var ErrHalf = errors.New("half of the recording may be left in the store")

// withdrawIn is how long removing half of a recording from a store may take.
const withdrawIn = 10 * time.Second

// Deliver is Copy for a recording that nobody goes on with after an error, nor after the end
// of ctx: it removes what it has put then, since half of a recording alarms all who verify.
// The error wraps ErrHalf, too, if that fails.
func (d *Drafts) Deliver(ctx context.Context, to archive.Store, id string) error {
	err := d.Copy(ctx, to, id)
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawIn)
	defer cancel()
	if perr := to.Purge(ctx, id+"/"); perr != nil {
		err = fmt.Errorf("%w; %w: %w", err, ErrHalf, perr)
	}
	return err
}

// Remove removes a recording, and the folder if it was the last. If there is none of
// that ID, there is no error.
func (d *Drafts) Remove(id string) error {
	if err := archive.RemoveSpooled(d.path, id); err != nil {
		return err
	}
	_ = os.Remove(d.path) // others are in it, or nobody minds an empty folder
	return nil
}
