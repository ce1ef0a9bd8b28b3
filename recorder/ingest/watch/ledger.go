package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/filelock"
)

const (
	ledgerFile = "imported.json"
	lockFile   = "imported.lock"

	// maxEntries is how many recordings a ledger remembers, maxLedger the most bytes
	// of its file.
	maxEntries = 10_000
	maxLedger  = 64 << 20
)

var (
	// ErrBusy: another process has the ledger.
	ErrBusy = errors.New("another process imports with these keys already")
	// ErrFull: a ledger has so many recordings whose files are still there that there
	// is no room for another: to forget one could mean to import it twice.
	ErrFull = fmt.Errorf("%d recordings were imported whose files are still there", maxEntries)
	// ErrDamaged: a ledger cannot be read, and what it knew is not guessed.
	ErrDamaged = errors.New("the list of what was imported is damaged")
	// ErrPartly: some of a recording's files were imported, and others were not.
	ErrPartly = errors.New("some of its files were imported already, and others were not")
)

// A State is how far an imported recording is.
type State string

const (
	// Sealed: it waits on this machine, sealed, for its store.
	Sealed State = "sealed"
	// Stored: the store has confirmed all of it.
	Stored State = "stored"
)

// An Entry is what a ledger knows of a recording. There is no name and no path in it.
type Entry struct {
	// Recording is its ID, Store what names its store.
	Recording string    `json:"recording"`
	Store     string    `json:"store"`
	State     State     `json:"state"`
	At        time.Time `json:"at"`
	// Sources are the files that it was made of.
	Sources []Source `json:"sources"`
	// Tracks are the sums of its tracks, by their UIDs in decimal digits.
	Tracks map[string]string `json:"tracks"`
	// Settled is the Print of the files when nothing was left to do with them, "" if
	// there is. What was to be done belongs to it.
	Settled string `json:"settled,omitempty"`
	// Removing: its files are being removed, and some may be gone.
	Removing bool `json:"removing,omitempty"`
	// Removed: all its files were removed.
	Removed bool `json:"removed,omitempty"`
}

// A Source is a file that was imported.
type Source struct {
	SHA256 string `json:"sha256"`
	// Whole: nothing of it was left out, so that it may be removed.
	Whole bool `json:"whole,omitempty"`
}

// A Ledger remembers in a file what was imported, so that no file is imported twice into
// a store. Each change is on the disk, whole, before the method returns. It belongs to
// one goroutine, and to one process at a time.
type Ledger struct {
	dir     string
	lock    *filelock.Lock
	entries []*Entry
}

// ledgerJSON is the file.
type ledgerJSON struct {
	Version    int      `json:"version"`
	Recordings []*Entry `json:"recordings"`
}

// OpenLedger opens the ledger in a folder, where there may be none yet. The error wraps
// ErrBusy if another process has it, and ErrDamaged.
func OpenLedger(dir string) (_ *Ledger, err error) {
	l := &Ledger{dir: dir}
	// Without flock, two processes could import the same.
	if l.lock, err = filelock.Take(filepath.Join(dir, lockFile)); errors.Is(err, filelock.ErrHeld) {
		return nil, ErrBusy
	} else if err != nil {
		return nil, err
	}
	if err := l.read(); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	return l, nil
}

func (l *Ledger) read() error {
	path := filepath.Join(l.dir, ledgerFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if info.Size() > maxLedger {
		return fmt.Errorf("%w: %s has %d bytes", ErrDamaged, path, info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if l.entries, err = parseLedger(b); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	return nil
}

// parseLedger reads what Ledger writes.
func parseLedger(b []byte) ([]*Entry, error) {
	var v ledgerJSON
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	if v.Version != 1 {
		return nil, fmt.Errorf("it is of version %d", v.Version)
	}
	if len(v.Recordings) > maxEntries {
		return nil, fmt.Errorf("it has %d recordings", len(v.Recordings))
	}
	for i, e := range v.Recordings {
		switch {
		case e == nil || e.Recording == "" || len(e.Sources) == 0 || e.State != Sealed && e.State != Stored:
			return nil, fmt.Errorf("its recording %d makes no sense", i)
		case slices.ContainsFunc(e.Sources, func(s Source) bool { return len(s.SHA256) != 64 }):
			return nil, fmt.Errorf("a hash of its recording %d makes no sense", i)
		}
	}
	return v.Recordings, nil
}

// Close gives up the ledger.
func (l *Ledger) Close() error { return l.lock.Close() }

// Find returns the entry of a recording of which files with these hashes were imported
// into a store; nil: none of them was. If only some were, the error wraps ErrPartly.
func (l *Ledger) Find(store string, hashes []string) (*Entry, error) {
	var found *Entry
	known := 0
	for _, h := range hashes {
		for _, e := range l.entries {
			if e.Store == store && e.has(h) {
				known++
				if found == nil {
					found = e
				}
				break
			}
		}
	}
	if found != nil && known < len(hashes) {
		return nil, fmt.Errorf("%w: %d of %d, in recording %s", ErrPartly, known, len(hashes), found.Recording)
	}
	return found, nil
}

func (e *Entry) has(hash string) bool {
	return slices.ContainsFunc(e.Sources, func(s Source) bool { return s.SHA256 == hash })
}

// Removing returns the entry of a recording in a store whose files are being removed, if
// one with these hashes is among them. Nil: there is none.
func (l *Ledger) Removing(store string, hashes []string) *Entry {
	for _, e := range l.entries {
		if e.Removing && e.Store == store && slices.ContainsFunc(hashes, e.has) {
			return e
		}
	}
	return nil
}

// Removable reports whether a file with this hash is one that the recording was made
// of, whole.
func (e *Entry) Removable(hash string) bool {
	return slices.ContainsFunc(e.Sources, func(s Source) bool { return s.SHA256 == hash && s.Whole })
}

// Settled reports whether there is nothing left to do with files of this Print.
func (l *Ledger) Settled(print string) bool {
	return print != "" && slices.ContainsFunc(l.entries, func(e *Entry) bool { return e.Settled == print })
}

// Sealed returns the IDs of the recordings that wait for a store.
func (l *Ledger) Sealed() (all []*Entry) {
	for _, e := range l.entries {
		if e.State == Sealed {
			all = append(all, e)
		}
	}
	return all
}

// Add adds an entry. It may forget the oldest whose files were removed. The error wraps
// ErrFull if there is none to forget.
func (l *Ledger) Add(e Entry) error {
	all := slices.Clone(l.entries)
	for len(all) >= maxEntries {
		i := slices.IndexFunc(all, func(e *Entry) bool { return e.State == Stored && e.Removed })
		if i < 0 {
			return ErrFull
		}
		all = slices.Delete(all, i, i+1)
	}
	return l.write(append(all, &e))
}

// Change changes the entry of a recording by a function, which gets a copy of it. There
// is no error if there is none any more.
func (l *Ledger) Change(id string, change func(*Entry)) error {
	all := slices.Clone(l.entries)
	for i, e := range all {
		if e.Recording == id {
			changed := *e
			change(&changed)
			all[i] = &changed
		}
	}
	return l.write(all)
}

// Drop forgets a recording that is nowhere any more.
func (l *Ledger) Drop(id string) error {
	return l.write(slices.DeleteFunc(slices.Clone(l.entries), func(e *Entry) bool { return e.Recording == id }))
}

// write puts entries in the place of those there are: in the file, and then here.
func (l *Ledger) write(entries []*Entry) error {
	b, err := json.Marshal(ledgerJSON{1, entries})
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(l.dir, ledgerFile), append(b, '\n')); err != nil {
		return err
	}
	l.entries = entries
	return nil
}
