package access

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// A recordedFile lists what was recorded with this home, as lines of a time and
// an ID: IDs tell no time, and whoever records may not be a reader.
const recordedFile = "recorded"

// maxRecorded bounds that file when it is read: the newest lines count.
const maxRecorded = 1 << 20

// NoteRecorded remembers that the recording id started at the given time, for
// "last" to find it.
func NoteRecorded(h *keys.Home, id string, start time.Time) (err error) {
	f, err := os.OpenFile(filepath.Join(h.Dir(), recordedFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = fmt.Fprintf(f, "%s %s\n", start.UTC().Format(time.RFC3339Nano), id)
	return err
}

// RecordedStarts returns the start of each recording made with this home. A
// damaged line is passed over: it costs a shorthand, nothing more.
func RecordedStarts(h *keys.Home) (map[string]time.Time, error) {
	b, err := os.ReadFile(filepath.Join(h.Dir(), recordedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	b = b[max(0, len(b)-maxRecorded):]
	starts := make(map[string]time.Time)
	for line := range bytes.Lines(b) {
		at, id, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil && archive.ValidID(id) == nil {
			starts[id] = t
		}
	}
	return starts, nil
}
