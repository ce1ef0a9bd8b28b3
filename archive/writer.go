package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/filelock"
)

var (
	// ErrNoEpoch is returned by [Writer.Create] if no epoch was started, or if
	// the last StartEpoch failed: there are no readers to seal to.
	ErrNoEpoch = errors.New("no epoch was started")

	// ErrUnlogged is wrapped by the error of a Commit or StartEpoch that made the
	// object durable, but could not write the log or head that name it. The
	// object is not lost: the next Create, StartEpoch or Close writes them first,
	// and after a crash Recover does.
	ErrUnlogged = errors.New("written, but not yet in the log")

	// ErrTooLarge: an object has, or would have, more than MaxObject bytes.
	ErrTooLarge = errors.New("object too large")

	// ErrBusy: a live Writer, or a Recover, holds the recording.
	ErrBusy = errors.New("the recording is being written")
)

// A Config is what a Writer and Recover need besides a folder.
type Config struct {
	// Signer signs every head. Required.
	Signer note.Signer

	// Own verify what the recorder signs: its key and the keys that this one
	// replaced. Recover ends recordings that one of them began. Nil means
	// Signer's key only.
	Own note.Verifiers

	// Store names the store that the recording is for, in one line and without
	// secrets. Create notes it in the recording's folder, and Recover accepts
	// only recordings with the same note. Empty means no store: Create notes
	// nothing, and Recover accepts only recordings without a note.
	Store string

	// Log gets what happens, without names of readers or keys. Nil means no log.
	Log *slog.Logger

	// Changed is called after each new head, from the goroutine that caused it
	// and without any lock held. It must not block. It can wake a Copier. Nil is
	// allowed.
	Changed func()

	// KeepSecret holds the secret of the current epoch in memory until the next
	// epoch or Close, so that Admit can let more readers into it. Without it the
	// secret is dropped at once, and whoever takes over the process opens
	// nothing.
	KeepSecret bool
}

// steps is called before each step that a crash can separate from the next, so
// that tests can crash there.
type steps func(name string)

func noStep(string) {}

func (c Config) withDefaults() (Config, error) {
	if c.Signer == nil {
		return c, errors.New("no signer")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	return c, nil
}

// A Writer writes one recording into a folder. Its methods are safe for
// concurrent use.
type Writer struct {
	id     string
	dir    string
	config Config
	step   steps

	mu     sync.Mutex
	lock   *filelock.Lock // nil once closed
	log    *logWriter
	epoch  int                  // the last epoch that was started, or tried
	sealTo *age.HybridRecipient // nil: no epoch is current
	secret *age.HybridIdentity  // of the current epoch; nil unless KeepSecret
	late   int                  // files of it for late readers, written or tried
	next   [Epoch]int           // numbers of the next segment and index
	open   map[*Object]bool
}

// Create begins a recording in a new folder, named by its ID, under spool. It
// makes spool if need be. The folder is locked until Close or the end of the
// process, so that [Recover] knows the recording for a live one.
func Create(spool string, c Config) (*Writer, error) { return create(spool, c, noStep) }

func create(spool string, c Config, step steps) (*Writer, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("could not create a recording: %w", err)
	}
	w := &Writer{config: c, step: step, open: make(map[*Object]bool)}
	for try := 1; ; try++ {
		w.id = NewID()
		w.dir = filepath.Join(spool, w.id)
		w.log = &logWriter{id: w.id, dir: w.dir, signer: c.Signer, step: step}
		err := w.mkdirs(spool)
		if err == nil {
			break
		}
		// A Recover at the same time may find the folder before it is locked,
		// take it for an empty recording, and remove it.
		if try == 5 || !errors.Is(err, ErrBusy) && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("could not create a recording: %w", err)
		}
	}
	c.Log.Info("recording created", "id", w.id)
	return w, nil
}

// mkdirs makes the recording's folders and takes the lock.
func (w *Writer) mkdirs(spool string) error {
	if err := durable.MkdirAll(spool); err != nil {
		return err
	}
	return durable.Change(spool, func() (err error) {
		if err := os.Mkdir(w.dir, 0o700); err != nil {
			return err
		}
		if w.lock, err = lockFolder(w.dir); err != nil {
			return err
		}
		err = durable.Change(w.dir, func() error {
			// The note comes first: a folder with other files and without a note
			// is for no named store.
			if w.config.Store != "" {
				if err := writeBelongs(w.dir, w.config.Store); err != nil {
					return err
				}
			}
			for _, folder := range []string{folders[Epoch], folders[Segment], folders[Index], logFolder} {
				if err := os.Mkdir(filepath.Join(w.dir, folder), 0o700); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			err = errors.Join(err, w.lock.Close())
		}
		return err
	})
}

// ID returns the recording's ID.
func (w *Writer) ID() string { return w.id }

// StartEpoch begins a span with the given readers, from 1 to MaxReaders, and
// returns its number, from 1. It makes a secret, seals it to the readers, writes
// that to the disk, and drops the secret: what is created from now on only these
// readers can open, and this Writer cannot.
//
// Readers without post-quantum keys get files of their own. With such readers, a
// quantum computer could open the epoch. Each file is for 512 readers at most,
// and padded with some that do not exist.
//
// Objects of the epoch before must be committed or aborted first. After any error
// no epoch is current, and Create fails until StartEpoch succeeds: a hole is
// better than media sealed to readers who left.
func (w *Writer) StartEpoch(readers []age.Recipient) (epoch int, err error) {
	w.mu.Lock()
	before := w.log.underHead
	defer func() {
		changed := w.log.underHead != before
		w.mu.Unlock()
		if changed {
			w.config.Changed()
		}
	}()

	w.sealTo, w.secret = nil, nil
	if w.lock == nil {
		return 0, fmt.Errorf("could not start an epoch: %w", fs.ErrClosed)
	}
	if len(w.open) > 0 {
		return 0, fmt.Errorf("could not start an epoch: %d objects of the one before are open", len(w.open))
	}
	// Log first what is on the disk but not in the log. Otherwise Recover would
	// have to guess, after a crash, which epoch it belongs to.
	if err := w.log.catchUp(); err != nil {
		return 0, fmt.Errorf("could not start an epoch: %w", err)
	}
	if w.epoch >= maxNumber || w.log.size()+2*maxEpochFiles > MaxObjects {
		return 0, errors.New("could not start an epoch: the recording is full")
	}
	sealed, err := sealEpoch(readers)
	if err != nil {
		return 0, fmt.Errorf("could not start an epoch: %w", err)
	}
	// The number counts as used even if this fails: a file may have got its name.
	w.epoch++
	for _, f := range sealed.files {
		name := logged{kind: Epoch, number: w.epoch, classic: f.classic, part: f.part}
		if err := w.publish(name.String(), f.data); err != nil {
			return 0, fmt.Errorf("could not start epoch %d: %w", w.epoch, err)
		}
	}
	if err := w.log.write(StateOpen); err != nil {
		return 0, fmt.Errorf("epoch %d: %w: %w", w.epoch, ErrUnlogged, err)
	}
	w.sealTo = sealed.recipient
	if w.config.KeepSecret {
		w.secret = sealed.secret
	}
	w.late = 0
	w.config.Log.Info("epoch started", "id", w.id, "epoch", w.epoch, "readers", len(readers), "classic", sealed.classic(), "files", len(sealed.files))
	return w.epoch, nil
}

// publish writes a small object at once. The caller holds the lock.
func (w *Writer) publish(name string, data []byte) error {
	p, err := w.createFile(name)
	if err != nil {
		return err
	}
	if _, err := p.Write(data); err != nil {
		return errors.Join(err, p.Remove())
	}
	w.step("sync")
	if err := p.Sync(); err != nil {
		return errors.Join(err, p.Remove())
	}
	return w.link(p, name)
}

// createFile begins the file of the object name.
func (w *Writer) createFile(name string) (*durable.File, error) {
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	return durable.Create(path+partSuffix, path)
}

// link gives the finished object its name and adds it to the log in memory. After
// an error there is no such object. The caller holds the lock.
func (w *Writer) link(f *durable.File, name string) error {
	w.step("link")
	sum, err := f.Link()
	if err == nil {
		w.log.add(Entry{Name: name, SHA256: sum})
	}
	return err
}

// Create begins the next segment or index, sealed to the current epoch. Several
// may be open at once. The caller ends each with Commit or Abort. The number of
// an aborted object is not used again.
func (w *Writer) Create(k Kind) (*Object, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k != Segment && k != Index {
		return nil, fmt.Errorf("could not create an object of kind %v", k)
	}
	if w.lock == nil {
		return nil, fmt.Errorf("could not create %v: %w", k, fs.ErrClosed)
	}
	if w.sealTo == nil {
		return nil, fmt.Errorf("could not create %v: %w", k, ErrNoEpoch)
	}
	// Write no more media while finished objects cannot be logged.
	if err := w.log.catchUp(); err != nil {
		return nil, fmt.Errorf("could not create %v: %w", k, err)
	}
	if w.next[k] > maxNumber || w.log.size()+int64(len(w.open)) >= MaxObjects {
		return nil, fmt.Errorf("could not create %v: the recording is full", k)
	}
	o, err := newObject(w, logged{kind: k, number: w.next[k]})
	if err != nil {
		return nil, fmt.Errorf("could not create %v %d: %w", k, w.next[k], err)
	}
	w.next[k]++
	w.open[o] = true
	return o, nil
}

// Close ends the recording: its head says closed, and nothing may follow. It
// fails while objects are open. If it fails, nothing is lost, the recording stays
// open, and Close may be called again. A recording without any epoch is removed.
// Once Close succeeded, further calls do nothing.
func (w *Writer) Close() error { return w.closeAll(StateClosed) }

// End ends the recording as Close does, but still holds it: nobody else can take
// it from the spool until the returned Spooled is closed. The Spooled is nil if
// the recording was removed, or had ended before.
func (w *Writer) End() (*Spooled, error) { return w.end(StateClosed) }

// CloseCut ends the recording as Close does, but with state cut: for a recording
// that is made of another one with that state.
func (w *Writer) CloseCut() error { return w.closeAll(StateCut) }

func (w *Writer) closeAll(state State) error {
	held, err := w.end(state)
	if held != nil {
		err = errors.Join(err, held.Close())
	}
	return err
}

func (w *Writer) end(state State) (*Spooled, error) {
	w.mu.Lock()
	if w.lock == nil {
		w.mu.Unlock()
		return nil, nil
	}
	held, err := w.endLocked(state)
	w.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("could not close recording %s: %w", w.id, err)
	}
	if held != nil {
		w.config.Changed()
	}
	return held, nil
}

func (w *Writer) endLocked(state State) (*Spooled, error) {
	if len(w.open) > 0 {
		return nil, fmt.Errorf("%d objects are open", len(w.open))
	}
	empty := w.log.size() == 0
	if empty {
		if err := removeFolder(w.dir); err != nil {
			return nil, err
		}
		w.config.Log.Info("empty recording removed", "id", w.id)
	} else if err := w.log.write(state); err != nil {
		return nil, err
	} else {
		w.config.Log.Info("recording "+string(state), "id", w.id, "objects", w.log.size())
	}
	w.sealTo, w.secret = nil, nil
	lock := w.lock
	w.lock = nil
	if empty {
		return nil, lock.Close()
	}
	return &Spooled{w.dir, lock}, nil
}

// A logWriter writes the log and the head of a recording to the disk. In memory
// it holds the last log file and one path of the tree.
type logWriter struct {
	id, dir string
	signer  note.Signer
	step    steps

	logState          // of the lines in the files, tail included
	tail      []Entry // lines of the last file
	pending   []Entry // lines that are in no file yet
	dirty     bool    // tail has lines that may not be on the disk
	underHead int64   // how many lines the head on the disk signs
}

// size returns the number of lines, pending ones included.
func (l *logWriter) size() int64 { return l.tree.size + int64(len(l.pending)) }

// add appends a line. write makes it durable.
func (l *logWriter) add(e Entry) { l.pending = append(l.pending, e) }

// catchUp writes what an earlier write failed to.
func (l *logWriter) catchUp() error {
	if l.underHead == l.size() {
		return nil
	}
	return l.write(StateOpen)
}

// write makes all lines durable, then the head that signs them. After an error
// it can be called again.
func (l *logWriter) write(state State) error {
	for len(l.pending) > 0 || l.dirty {
		if len(l.tail) == logLines && !l.dirty {
			l.tail = nil
		}
		n := min(len(l.pending), logLines-len(l.tail))
		for _, e := range l.pending[:n] {
			l.tree.add(e)
		}
		l.tail = append(l.tail, l.pending[:n]...)
		l.pending = l.pending[n:]
		l.dirty = true
		l.step("log")
		name := logName(l.tree.size - 1)
		if err := durable.WriteFile(filepath.Join(l.dir, name), formatLog(l.tail)); err != nil {
			return fmt.Errorf("could not write the log: %w", err)
		}
		l.dirty = false
	}
	msg, err := signHead(l.head(state), l.signer)
	if err != nil {
		return err
	}
	l.step("head")
	if err := durable.WriteFile(filepath.Join(l.dir, headName), msg); err != nil {
		return fmt.Errorf("could not write the head: %w", err)
	}
	l.underHead = l.tree.size
	l.step("done")
	return nil
}

func (l *logWriter) head(state State) Head {
	return Head{ID: l.id, Size: l.tree.size, Root: l.tree.root(), State: state}
}
