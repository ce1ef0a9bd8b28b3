package archive

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sealtape/sealtape/archive/internal/notes"
	"github.com/sealtape/sealtape/internal/filelock"
)

// lockFolder takes the lock of a recording's folder. The error wraps ErrBusy if another
// holds it, fs.ErrNotExist if there is no folder (any more), and errors.ErrUnsupported
// where there is no flock: a recording that is being written would look like one that a
// crash left. Reading archives needs no lock.
func lockFolder(dir string) (*filelock.Lock, error) {
	l, err := filelock.Take(filepath.Join(dir, notes.Lock))
	if errors.Is(err, filelock.ErrHeld) {
		err = ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("could not lock the recording: %w", err)
	}
	return l, nil
}
