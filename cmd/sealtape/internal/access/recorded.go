package access

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	starts := make(map[string]time.Time)
	err := readStarts(h, recordedFile, func(id string, s start) {
		if !s.latest {
			starts[id] = s.at
		}
	})
	return starts, err
}

// A startsFile lists what was learned of other recordings, in the same lines; a time
// after "<" is one after which the recording did not start.
const startsFile = "starts"

// knownStarts returns what is known of starts here.
func knownStarts(h *keys.Home) (map[string]start, error) {
	starts := make(map[string]start)
	for _, file := range []string{startsFile, recordedFile} {
		if err := readStarts(h, file, func(id string, s start) {
			if _, ok := starts[id]; !ok || !s.latest {
				starts[id] = s
			}
		}); err != nil {
			return nil, err
		}
	}
	return starts, nil
}

// noteStarts remembers them.
func noteStarts(h *keys.Home, starts map[string]start) (err error) {
	path := filepath.Join(h.Dir(), startsFile)
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if fi, err := os.Stat(path); err == nil && fi.Size() > maxRecorded {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC // it is learned again
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(starts)) {
		if starts[id].latest {
			b.WriteByte('<')
		}
		fmt.Fprintf(&b, "%s %s\n", starts[id].at.UTC().Format(time.RFC3339Nano), id)
	}
	_, err = f.Write(b.Bytes())
	return err
}

// readStarts calls found with each line of a file. Of a long one the newest count.
func readStarts(h *keys.Home, file string, found func(id string, s start)) error {
	b, err := os.ReadFile(filepath.Join(h.Dir(), file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b = b[max(0, len(b)-maxRecorded):]
	for line := range bytes.Lines(b) {
		at, id, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		at, latest := strings.CutPrefix(at, "<")
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil && archive.ValidID(id) == nil {
			found(id, start{t, latest})
		}
	}
	return nil
}
