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
// the file is not as long as it was when it was looked at.
func (f *File) Hash(ctx context.Context, progress func(int64)) (_ string, err error) {
	in, err := os.Open(f.Path)
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

// Unchanged returns an error that wraps ErrChanged if the file is not what it was when
// it was looked at, by its length and its date.
func (f *File) Unchanged() error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return err
	}
	if info.Size() != f.Size || !info.ModTime().Equal(f.Modified) {
		return ErrChanged
	}
	return nil
}
