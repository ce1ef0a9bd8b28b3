package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealtape/sealtape/archive/internal/durable"
)

// removedPrefix begins the name of a recording's folder that is being removed.
const removedPrefix = ".removed-"

// RemoveSpooled removes the recording id from a spool folder, once its copy is
// confirmed elsewhere. If the recording is being written, the error wraps
// ErrBusy. Removing what is not there is no error.
//
// The folder is renamed first, so that a crash in the middle leaves no half of
// a recording that Recover would take for a whole one.
func RemoveSpooled(spool, id string) error {
	if err := ValidID(id); err != nil {
		return err
	}
	dir := filepath.Join(spool, id)
	lock, err := lockFolder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("could not remove recording %s: %w", id, err)
	}
	if err := errors.Join(removeFolder(dir), lock.Close()); err != nil {
		return fmt.Errorf("could not remove recording %s: %w", id, err)
	}
	return nil
}

// removeFolder removes a recording's folder, whose lock the caller holds.
func removeFolder(dir string) error {
	spool, id := filepath.Split(dir)
	removed := filepath.Join(spool, removedPrefix+id)
	if err := os.Rename(dir, removed); err != nil {
		return err
	}
	// The rename is durable before anything is gone from under it.
	if err := durable.SyncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return os.RemoveAll(removed)
}
