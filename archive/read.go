package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"syscall"
)

// A CorruptError reports an object that is not what was recorded. It is missing,
// or the store withholds it but not the others, or its bytes are not those that
// the log names, or they make no sense.
type CorruptError struct {
	Name string // relative to the recording's folder
	Err  error  // wraps fs.ErrNotExist if the object is missing
}

func (e *CorruptError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Name, e.Err) }
func (e *CorruptError) Unwrap() error { return e.Err }

var errHash = errors.New("its SHA-256 is not the one in the log")

// isDefect reports whether err means that one object cannot be given back: a disk
// has a sector that cannot be read or whose checksum is wrong, or a store gives
// other objects but not this one.
func isDefect(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EBADMSG) || errors.Is(err, ErrUnreadable)
}

// deniedAlone reports whether err means that a store withholds this object, but
// still gives the head of the recording. Examples are a file without the
// permission to read it, and in a bucket an object encrypted under another key of
// the server. Then the object is the trouble, and not the caller's credentials.
func deniedAlone(ctx context.Context, s Store, id string, err error) bool {
	if !errors.Is(err, ErrDenied) {
		return false
	}
	_, err = fetchHead(ctx, s, id)
	return err == nil
}

// read returns a whole object of the recording id. The error is a *CorruptError
// if it is missing, has more than max bytes, is denied by itself or not given back,
// and anything else if the store failed.
func read(ctx context.Context, s Store, id, name string, max int64) ([]byte, error) {
	data, err := readAll(ctx, s, id+"/"+name, max)
	return data, readError(ctx, s, id, name, err)
}

// readError returns the error of read for one of reading an object.
func readError(ctx context.Context, s Store, id, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrTooLarge) || isDefect(err) || name != headName && deniedAlone(ctx, s, id, err) {
		return &CorruptError{name, err}
	} else if err != nil {
		return fmt.Errorf("could not read %s: %w", name, err)
	}
	return nil
}

func readAll(ctx context.Context, s Store, name string, max int64) ([]byte, error) {
	r, err := s.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > max {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, max)
	}
	return data, nil
}

// readEntry reads an object of the log as read does. It returns no bytes but
// those that the log names.
func readEntry(ctx context.Context, s Store, id string, e Entry, max int64) ([]byte, error) {
	data, sum, err := readSummed(ctx, s, id+"/"+e.Name, max)
	if err != nil {
		return nil, readError(ctx, s, id, e.Name, err)
	}
	if sum != e.SHA256 {
		return nil, &CorruptError{e.Name, errHash}
	}
	return data, nil
}

// hashObject reads an object through buf: max bytes and at most one more. It
// returns how many bytes it read, and their hash.
func hashObject(ctx context.Context, s Store, name string, max int64, buf []byte) (int64, [sha256.Size]byte, error) {
	var sum [sha256.Size]byte
	r, err := s.Get(ctx, name, 0, -1)
	if err != nil {
		return 0, sum, err
	}
	defer r.Close()
	h := sha256.New()
	// Hide WriterTo and ReaderFrom, so that CopyBuffer uses buf.
	n, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{io.LimitReader(r, max+1)}, buf)
	return n, [sha256.Size]byte(h.Sum(sum[:0])), err
}

// maxSize returns how many bytes an object of the log can have.
func maxSize(name string) int64 {
	if l, _ := parseName(name); l.kind == Epoch {
		return maxEpoch
	}
	return MaxObject
}

// unsigned yields what is in the recording's folder and is neither in the log,
// nor the head, nor a log file, nor an object that a reader added beside it. Names are relative to the folder.
func unsigned(ctx context.Context, s Store, h Head, entries []Entry) iter.Seq2[Info, error] {
	known := map[string]bool{headName: true}
	for n := int64(0); n < h.Size; n += logLines {
		known[logName(n)] = true
	}
	for _, e := range entries {
		known[e.Name] = true
	}
	return func(yield func(Info, error) bool) {
		for info, err := range List(ctx, s, h.ID+"/") {
			if err != nil {
				yield(Info{}, fmt.Errorf("could not list the objects: %w", err))
				return
			}
			name := strings.TrimPrefix(info.Name, h.ID+"/")
			_, _, beside := folderBeside(name)
			if !known[name] && !beside && !yield(Info{Name: name, Size: info.Size}, nil) {
				return
			}
		}
	}
}

// validShare reports whether name is that of a share.
func validShare(name string) bool {
	folder, _, ok := folderBeside(name)
	return ok && folder == sharesFolder
}
