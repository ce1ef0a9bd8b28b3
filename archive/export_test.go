package archive

import (
	"errors"

	"golang.org/x/mod/sumdb/note"
)

// Names for tests outside the package.
var Padded = padded

// WithStep returns c with a function that is called before each durable step.
func (c Config) WithStep(step func(string)) Config {
	c.step = step
	return c
}

// Crash leaves everything as the death of the process would. The Writer and its
// objects must not be used any more.
func (w *Writer) Crash() error {
	var errs []error
	for o := range w.open {
		if !o.done {
			errs = append(errs, o.file.Close())
		}
	}
	if w.lock != nil {
		errs = append(errs, w.lock.Close())
	}
	return errors.Join(errs...)
}

// Settle waits until what was sealed so far is in the file.
func (o *Object) Settle() error { return o.file.Settle() }

// Forge returns the log and the head of a recording made by hand.
func Forge(id string, entries []Entry, state State, s note.Signer) (log, head []byte, err error) {
	head, err = signHead(Head{ID: id, Size: int64(len(entries)), Root: rootOf(entries), State: state}, s)
	return formatLog(entries), head, err
}

// A Forged is log and head of a recording made by hand, line by line.
type Forged struct {
	ID     string
	Signer note.Signer

	state logState
	file  []Entry // the lines of the last log file
}

// Add adds a line.
func (f *Forged) Add(e Entry) error {
	if len(f.file) == logLines {
		f.file = nil
	}
	f.file = append(f.file, e)
	return f.state.add(e)
}

// Objects returns the last log file, under its name, and the head.
func (f *Forged) Objects() (name string, log, head []byte, err error) {
	h := Head{ID: f.ID, Size: f.state.size, Root: f.state.root(), State: StateOpen}
	head, err = signHead(h, f.Signer)
	return logName(f.state.size - 1), formatLog(f.file), head, err
}
