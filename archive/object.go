package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"filippo.io/age"

	"github.com/sealtape/sealtape/internal/durable"
)

const (
	// MaxObject is the most bytes an object can have, sealed. It bounds the
	// memory of those who read one.
	MaxObject = 64 << 20

	// maxPlain is what fits in a sealed object: beside it go a header for one
	// recipient and 16 bytes for each chunk of 64 KiB.
	maxPlain = MaxObject - 32<<10
)

// An Object is a segment or an index that is being written. It seals what is
// written to it, in chunks of 64 KiB, before that reaches the disk. It belongs to
// one goroutine; only Size may be called from others.
type Object struct {
	w     *Writer
	what  logged
	epoch int
	file  *durable.File
	seal  io.WriteCloser
	plain int64
	done  bool
}

// newObject begins an object. Called locked.
func newObject(w *Writer, what logged) (*Object, error) {
	p, err := w.createFile(what.String())
	if err != nil {
		return nil, err
	}
	seal, err := age.Encrypt(p, w.sealTo)
	if err != nil {
		return nil, errors.Join(err, p.Remove())
	}
	return &Object{w: w, what: what, epoch: w.epoch, file: p, seal: seal}, nil
}

// Number counts the objects of one kind from 0.
func (o *Object) Number() int { return o.what.number }

// Name returns the object's name in the log: "segments/000000.age".
func (o *Object) Name() string { return o.what.String() }

// Epoch returns the number of the epoch whose readers can open the object.
func (o *Object) Epoch() int { return o.epoch }

// Size returns how many sealed bytes are in the file. Up to 64 KiB of what was
// written are not sealed yet, and wait until their chunk is full.
func (o *Object) Size() int64 { return o.file.Size() }

// Write seals p. After an error the object is lost, and Commit returns that error
// too.
func (o *Object) Write(p []byte) (int, error) {
	if o.done {
		return 0, fmt.Errorf("could not write %s: %w", o.Name(), fs.ErrClosed)
	}
	if o.plain+int64(len(p)) > maxPlain {
		return 0, fmt.Errorf("could not write %s: %w", o.Name(), ErrTooLarge)
	}
	n, err := o.seal.Write(p)
	o.plain += int64(n)
	if err != nil {
		return n, fmt.Errorf("could not write %s: %w", o.Name(), err)
	}
	return n, nil
}

// Commit seals the rest, and returns once the object, the log line that names
// it and the head that signs that are durable, written in that order.
//
// Objects of one kind are committed in the order of their numbers; while one
// with a lower number is open, Commit fails and changes nothing. After any other
// error the object is over. If the error wraps [ErrUnlogged], the object is
// whole and will be named by the next head; if not, it is gone. Either way the
// Writer is as good as before.
func (o *Object) Commit() error {
	if o.done {
		return fmt.Errorf("could not commit %s: %w", o.Name(), fs.ErrClosed)
	}
	w := o.w
	w.mu.Lock()
	for other := range w.open {
		if other.what.kind == o.what.kind && other.what.number < o.what.number {
			w.mu.Unlock()
			return fmt.Errorf("could not commit %s: %s is open", o.Name(), other.Name())
		}
	}
	w.mu.Unlock()

	o.done = true
	err := o.seal.Close()
	if err == nil {
		w.step("sync")
		err = o.file.Sync()
	}
	if err != nil {
		err = errors.Join(err, o.file.Remove())
	}

	w.mu.Lock()
	before := w.log.underHead
	if err == nil {
		err = o.log()
	}
	delete(w.open, o)
	changed := w.log.underHead != before
	w.mu.Unlock()
	if changed {
		w.config.Changed()
	}
	if err != nil {
		return fmt.Errorf("could not commit %s: %w", o.Name(), err)
	}
	w.config.Log.Debug("object committed", "id", w.id, "object", o.Name(), "size", o.Size())
	return nil
}

// log gives the finished object its name, and writes log and head. The caller
// holds the lock.
func (o *Object) log() error {
	if err := o.w.link(o.file, o.Name()); err != nil {
		return err
	}
	if err := o.w.log.write(StateOpen); err != nil {
		return fmt.Errorf("%w: %w", ErrUnlogged, err)
	}
	return nil
}

// Abort removes what was written. After Commit or Abort it does nothing.
func (o *Object) Abort() error {
	if o.done {
		return nil
	}
	o.done = true
	err := o.file.Remove()
	o.w.mu.Lock()
	delete(o.w.open, o)
	o.w.mu.Unlock()
	if err != nil {
		return fmt.Errorf("could not abort %s: %w", o.Name(), err)
	}
	return nil
}
