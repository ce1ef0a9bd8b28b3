package durable_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/sealtape/sealtape/internal/durable"
)

// Whatever is written, in whatever pieces, is in the file and in the hash.
func TestFile(t *testing.T) {
	data := make([]byte, 3<<20+17)
	rand.Read(data)
	for _, piece := range []int{1 << 10, 64<<10 + 16, 1 << 20, len(data)} {
		t.Run(fmt.Sprint(piece), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "object")
			f, err := durable.Create(path+".part", path)
			if err != nil {
				t.Fatal(err)
			}
			scratch := make([]byte, piece) // Write must keep nothing of it
			for rest := data; len(rest) > 0; {
				n := copy(scratch, rest)
				if got, err := f.Write(scratch[:n]); got != n || err != nil {
					t.Fatal(got, err)
				}
				clear(scratch)
				rest = rest[n:]
			}
			if f.Size() != int64(len(data)) {
				t.Errorf("%d bytes", f.Size())
			}
			if got := content(t, path+".part"); !bytes.Equal(got, data) {
				t.Errorf("the file has %d bytes, or others", len(got))
			}
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
			if sum, err := f.Link(); err != nil || sum != sha256.Sum256(data) {
				t.Errorf("SHA-256 %x, %v", sum, err)
			}
			if got := content(t, path); !bytes.Equal(got, data) || mode(t, path) != 0o600 {
				t.Errorf("the file has %d bytes, or others; mode %o", len(got), mode(t, path))
			}
			if got := names(t, dir); len(got) != 1 {
				t.Errorf("the folder holds %q", got)
			}
		})
	}
}

// A file that is not to be, or cannot have its name, leaves nothing.
func TestFileEndsOtherwise(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "object")
	create := func() *durable.File {
		t.Helper()
		f, err := durable.Create(path+".part", path)
		if err == nil {
			_, err = f.Write([]byte("content"))
		}
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if err := create().Remove(); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("after Remove the folder holds %q", got)
	}
	f := create()
	if _, err := durable.Create(path+".part", path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second file of the name: %v", err)
	}
	if err := os.WriteFile(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Link(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is taken: %v", err)
	}
	if got := content(t, path); string(got) != "first" || len(names(t, dir)) != 1 {
		t.Errorf("%q, and the folder holds %q", got, names(t, dir))
	}
}
