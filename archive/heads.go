package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sealtape/sealtape/archive/internal/notes"
	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/filelock"
)

// A HeadMemory remembers the largest head that a reader has seen of each
// recording. Whoever holds the store can put back an older state with its
// signatures; only this memory shows it. Methods are safe for concurrent use,
// also by several processes.
type HeadMemory interface {
	// Load returns the head saved last for id, and whether there is one.
	Load(id string) (Head, bool, error)
	// Replace saves h if the head saved for h.ID is still seen, and reports
	// whether it was. A nil seen means that no head was saved. So nobody
	// overwrites a head that another saved meanwhile.
	Replace(seen *Head, h Head) (bool, error)
}

// HeadDir returns a memory that writes one small file for each recording in the
// folder path. It makes the folder if need be. Processes take turns by a lock on
// a file in it, where the system has flock.
func HeadDir(path string) HeadMemory { return headDir(path) }

type headDir string

func (d headDir) Load(id string) (Head, bool, error) {
	if err := ValidID(id); err != nil {
		return Head{}, false, err
	}
	text, err := os.ReadFile(filepath.Join(string(d), id))
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, false, nil
	} else if err != nil {
		return Head{}, false, err
	}
	h, err := ParseHead(string(text))
	if err == nil && h.ID != id {
		err = fmt.Errorf("the head is that of recording %s", h.ID)
	}
	return h, err == nil, err
}

func (d headDir) Replace(seen *Head, h Head) (ok bool, err error) {
	if err := durable.MkdirAll(string(d)); err != nil {
		return false, err
	}
	lock, err := filelock.Wait(filepath.Join(string(d), notes.Lock))
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil // see HeadDir
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	saved, there, err := d.Load(h.ID)
	if err != nil || there != (seen != nil) || there && saved != *seen {
		return false, err
	}
	err = durable.WriteFile(filepath.Join(string(d), h.ID), []byte(h.String()))
	return err == nil, err
}

// A RollbackError reports that the store shows less than the reader has seen: a
// smaller head, or an open head of a recording that had ended.
type RollbackError struct {
	Seen, Found Head
}

func (e *RollbackError) Error() string {
	return fmt.Sprintf("rolled back: it had %d objects and was %s, now it has %d and is %s",
		e.Seen.Size, e.Seen.State, e.Found.Size, e.Found.State)
}

// A ForkError reports that a recorder signed two heads of which neither continues
// the other.
type ForkError struct {
	Seen, Found Head
}

func (e *ForkError) Error() string {
	return fmt.Sprintf("forked: its first %d objects are not those that were there before",
		min(e.Seen.Size, e.Found.Size))
}

// recall returns the head that memory has of a recording, nil if it has none.
func recall(memory HeadMemory, id string) (*Head, error) {
	if memory == nil {
		return nil, nil
	}
	h, ok, err := memory.Load(id)
	if err != nil {
		return nil, fmt.Errorf("could not recall the head: %w", err)
	}
	if !ok {
		return nil, nil
	}
	return &h, nil
}

// checkSeen compares found with what memory has, as far as the heads alone allow.
// seen is nil if memory does not know this recording.
func checkSeen(memory HeadMemory, found Head) (seen *Head, err error) {
	seen, err = recall(memory, found.ID)
	if seen != nil {
		err = checkFollows(*seen, found)
	}
	return seen, err
}

// checkFollows returns an error if next cannot come after h.
func checkFollows(h, next Head) error {
	switch {
	case next.Size < h.Size:
		return &RollbackError{Seen: h, Found: next}
	case h.State.Final() && !next.State.Final():
		return &RollbackError{Seen: h, Found: next}
	case h.State.Final() && (next.Size > h.Size || next.State != h.State):
		return &ForkError{Seen: h, Found: next}
	case next.Size == h.Size && next.Root != h.Root:
		return &ForkError{Seen: h, Found: next}
	}
	return nil
}

// checkGrown returns an error unless the log of found begins with that of seen.
func checkGrown(seen *Head, found Head, entries []Entry) error {
	if seen != nil && rootOf(entries[:seen.Size]) != seen.Root {
		return &ForkError{Seen: *seen, Found: found}
	}
	return nil
}

// remember saves h if it is newer than what memory has. First it compares h with
// what others saved since seen was read. grown returns an error unless the log of
// h begins with that of the other head.
func remember(memory HeadMemory, seen *Head, h Head, grown func(seen *Head) error) error {
	for memory != nil && (seen == nil || *seen != h) {
		ok, err := memory.Replace(seen, h)
		if err != nil {
			return fmt.Errorf("could not remember the head: %w", err)
		}
		if ok {
			return nil
		}
		if seen, err = checkSeen(memory, h); err != nil {
			return err
		}
		if err := grown(seen); err != nil {
			return err
		}
	}
	return nil
}

// newest calls f, which reads a head and compares it with memory. If another
// process has seen a newer head meanwhile, it calls f again and that result
// counts.
func newest[T any](memory HeadMemory, id string, f func() (T, error)) (T, error) {
	for {
		before, err := recall(memory, id)
		if err != nil {
			var zero T
			return zero, err
		}
		v, err := f()
		var back *RollbackError
		if !errors.As(err, &back) || memory == nil {
			return v, err
		}
		now, recallErr := recall(memory, id)
		if recallErr != nil || now == nil || before != nil && *before == *now {
			return v, err
		}
	}
}
