package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive/internal/notes"
	"github.com/sealtape/sealtape/internal/durable"
)

// A Recovered is a recording that Recover finished.
type Recovered struct {
	ID string
	// Head is the final head, with state cut. A zero Head means that nothing was
	// worth keeping and the recording was removed.
	Head Head
	// Torn are the segments that were being written, under their new names.
	Torn []string
	// Found are the finished objects that were not in the log.
	Found []string
	// Aside are the files that were not in the log and that the disk cannot read.
	// They were moved to quarantine, and the recording lacks them.
	Aside []string
}

// An OtherRecorderError reports a recording in the spool that another recorder
// began and has not ended.
type OtherRecorderError struct {
	ID string
	By []string // the names of the keys that signed its head
}

func (e *OtherRecorderError) Error() string {
	return fmt.Sprintf("recording %s was begun by another recorder, %.200q", e.ID, strings.Join(e.By, ", "))
}

// Recover ends every recording in the spool that a crash interrupted. It keeps
// what reached the disk of each open segment, under a name that says torn; logs
// the finished objects that the log does not name yet; and signs a final head
// with state cut. It leaves alone a recording that has ended, that a live Writer
// holds, or that is for another store than the Config names. A second call finds
// nothing to do.
//
// Recover signs what it finds on the disk, so only the recorder may be able to
// write to the spool. A recording whose head another recorder signed is left
// alone, with an *OtherRecorderError: nobody may sign the end of another's
// recording.
//
// A file that the disk cannot read and no log line names is moved to quarantine.
//
// A recording that cannot be recovered does not stop the others. The errors are
// joined, and returned with what was recovered. A missing spool counts as empty.
func Recover(ctx context.Context, spool string, c Config) ([]Recovered, error) {
	return recoverAll(ctx, spool, c, noStep)
}

func recoverAll(ctx context.Context, spool string, c Config, step steps) ([]Recovered, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("could not recover: %w", err)
	}
	folder, err := os.ReadDir(spool)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("could not recover: %w", err)
	}
	var all []Recovered
	var errs []error
	for _, f := range folder {
		if ctx.Err() != nil {
			return all, errors.Join(append(errs, ctx.Err())...)
		}
		if strings.HasPrefix(f.Name(), removedPrefix) {
			errs = append(errs, os.RemoveAll(filepath.Join(spool, f.Name())))
			continue
		}
		if ValidID(f.Name()) != nil || !f.IsDir() {
			continue
		}
		r, err := recoverOne(filepath.Join(spool, f.Name()), f.Name(), c, step)
		if err != nil {
			errs = append(errs, fmt.Errorf("could not recover recording %s: %w", f.Name(), err))
		} else if r != nil {
			all = append(all, *r)
			c.Log.Info("recording recovered", "id", r.ID, "objects", r.Head.Size, "torn", len(r.Torn))
			if r.Head.Size > 0 {
				c.Changed()
			}
		}
	}
	return all, errors.Join(errs...)
}

// recoverOne recovers the recording in dir. It returns nil if there is nothing
// to do.
func recoverOne(dir, id string, c Config, step steps) (_ *Recovered, err error) {
	lock, err := lockFolder(dir)
	if errors.Is(err, ErrBusy) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	store, err := readBelongs(dir)
	if err != nil {
		return nil, err
	}
	if store != c.Store {
		if empty, err := neverBegan(dir); err != nil || !empty {
			return nil, err
		}
		return &Recovered{ID: id}, removeFolder(dir)
	}
	l := &logWriter{id: id, dir: dir, signer: c.Signer, step: step}
	entries, over, err := l.load()
	if err != nil || over {
		return nil, err
	}
	if err := begunBy(dir, id, c); err != nil {
		return nil, err
	}
	s := salvage{dir: dir, step: step, order: l.order, logged: make(map[string]bool)}
	for _, e := range entries {
		s.logged[e.Name] = true
	}
	r := &Recovered{ID: id}
	if err := s.log(l, r); err != nil {
		return nil, err
	}
	r.Aside = s.aside
	if err := removeTemporary(dir); err != nil {
		return nil, err
	}
	if l.size() == 0 {
		return r, removeFolder(dir)
	}
	if err := l.write(StateCut); err != nil {
		return nil, err
	}
	r.Head = l.head(StateCut)
	return r, nil
}

// neverBegan reports whether a recording's folder is from a Create that a crash
// interrupted: the note of its store is the first file in it, and there is none.
func neverBegan(dir string) (bool, error) {
	files, err := os.ReadDir(dir)
	return err == nil && !slices.ContainsFunc(files, func(f fs.DirEntry) bool {
		return f.Name() != notes.Lock && !strings.HasPrefix(f.Name(), durable.TempPrefix)
	}), err
}

// begunBy returns an *OtherRecorderError if there is a head on the disk that none
// of the recorder's own keys signed. Without a head there are epochs at most.
func begunBy(dir, id string, c Config) error {
	msg, err := os.ReadFile(filepath.Join(dir, headName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(msg, note.VerifierList()); !errors.As(err, &unverified) {
		return fmt.Errorf("malformed head: %w", err)
	}
	other := &OtherRecorderError{ID: id}
	for _, s := range unverified.Note.UnverifiedSigs {
		if s.Name == c.Signer.Name() && s.Hash == c.Signer.KeyHash() {
			return nil
		}
		if c.Own != nil {
			if _, err := c.Own.Verifier(s.Name, s.Hash); err == nil {
				return nil
			}
		}
		other.By = append(other.By, s.Name)
	}
	return other
}

// load reads the log and the head from the disk. over reports that the head is
// final.
func (l *logWriter) load() (entries []Entry, over bool, err error) {
	for n := int64(0); n%logLines == 0; n = int64(len(entries)) {
		text, err := os.ReadFile(filepath.Join(l.dir, logName(n)))
		if errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return nil, false, err
		}
		if l.tail, err = parseLog(text); err != nil {
			return nil, false, fmt.Errorf("%s: %w", logName(n), err)
		}
		entries = append(entries, l.tail...)
		if len(entries) >= MaxObjects {
			break
		}
	}
	for _, e := range entries {
		if err := l.logState.add(e); err != nil {
			return nil, false, fmt.Errorf("log: %w", err)
		}
	}
	msg, err := os.ReadFile(filepath.Join(l.dir, headName))
	if err == nil {
		head, err := readHead(msg, l.id)
		if err != nil {
			return nil, false, err
		}
		if head.Size > int64(len(entries)) || rootOf(entries[:head.Size]) != head.Root {
			return nil, false, errors.New("the log is not the one that the head signs")
		}
		l.underHead = head.Size
		over = head.State.Final()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	return entries, over, nil
}

// removeTemporary removes what an interrupted write of log or head left.
func removeTemporary(dir string) error {
	for _, folder := range []string{"", logFolder} {
		files, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range files {
			if strings.HasPrefix(f.Name(), durable.TempPrefix) {
				if err := durable.Remove(filepath.Join(dir, folder, f.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
