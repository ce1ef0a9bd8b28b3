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
