package archive

import (
	"context"
	"errors"

	"golang.org/x/mod/sumdb/note"
)

// Names for tests outside the package.
var Padded = padded

// CreateStepped is Create with a function that is called before each durable step.
func CreateStepped(spool string, c Config, step func(string)) (*Writer, error) {
	return create(spool, c, step)
}

// RecoverStepped is Recover with such a function.
func RecoverStepped(ctx context.Context, spool string, c Config, step func(string)) ([]Recovered, error) {
	return recoverAll(ctx, spool, c, step)
}

// Crash leaves everything as the death of the process would. The Writer and its
// objects must not be used any more.
func (w *Writer) Crash() error {
	var errs []error
	for o := range w.open {
		if !o.done {
			o.file.Close()
		}
	}
	if w.lock != nil {
		errs = append(errs, w.lock.Close())
	}
	return errors.Join(errs...)
}

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

// ShareName is the name of a share of these bytes.
func ShareName(sealed []byte) string { return nameBeside(sharesFolder, sealed) }

func AttachmentName(sealed []byte) string { return nameBeside(attachmentsFolder, sealed) }

// Verifiers returns those that the recording was opened with.
func (r *Recording) Verifiers() note.Verifiers { return r.options.Verifiers }
