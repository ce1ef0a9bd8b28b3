package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// Hash returns the SHA-256 of a file's bytes in 64 lower-case digits. progress, which may
// be nil, is called with how many bytes were read since. The error wraps ErrChanged if
// the file is not the one that was looked at, or not as long.
func (f *File) Hash(ctx context.Context, progress func(int64)) (_ string, err error) {
	in, err := f.open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	var all int64
	for {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		n, err := in.Read(buf)
		h.Write(buf[:n])
		if all += int64(n); progress != nil {
			progress(int64(n))
		}
		if err == io.EOF {
			break
		} else if err != nil {
			return "", err
		}
	}
	if all != f.Size {
		return "", fmt.Errorf("%w: it had %d bytes, and now %d", ErrChanged, f.Size, all)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Read returns the file's bytes. The error wraps ErrChanged if it is not the one that was
// looked at, or has more than most bytes by now.
func (f *File) Read(most int64) ([]byte, error) {
	in, err := f.open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(b)) > most {
		err = ErrChanged
	}
	return b, err
}

// Unchanged returns an error that wraps ErrChanged if the file is not what it was when
// it was looked at, by its length and its date, or if another one has its name.
func (f *File) Unchanged() error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return err
	}
	if info.Size() != f.Size || !info.ModTime().Equal(f.Modified) || f.Info != nil && !os.SameFile(info, f.Info) {
		return ErrChanged
	}
	return nil
}
