package durable

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// writeAhead is how many bytes collect before the disk is asked to begin.
const writeAhead = 1 << 20

// A File is a new file that gets its name once it is whole. It hashes what is
// written to it. Sync and then Link end it, or Remove at any time. It belongs to
// one goroutine; only Size may be called from others.
type File struct {
	tmp, path string
	f         *os.File
	dir       *os.File // opened before the file was made
	hash      hash.Hash
	both      io.Writer    // f and hash
	size      atomic.Int64 // bytes in the file
	begun     int64        // bytes that the disk was asked to write
	err       error        // the first error of Write
}

// Create begins the file that is to be path, mode 0600, under the name tmp, which
// must be new and in the same folder.
func Create(tmp, path string) (*File, error) {
	dir, err := openDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	h := sha256.New()
	return &File{tmp: tmp, path: path, f: f, dir: dir, hash: h, both: io.MultiWriter(f, h)}, nil
}

// Size returns how many bytes are in the file.
func (p *File) Size() int64 { return p.size.Load() }

// Write writes b to the file, where it survives the death of the process. An
// error is final.
func (p *File) Write(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.both.Write(b)
	p.err = err
	if size := p.size.Add(int64(n)); size-p.begun >= writeAhead {
		StartWrite(p.f, p.begun, size)
		p.begun = size
	}
	return n, err
}

// Sync makes the content durable, and closes the file.
//
//	fsync, close
func (p *File) Sync() error { return errors.Join(p.err, p.f.Sync(), p.f.Close()) }

// Link gives the file its name, as the function Link does, and returns the
// SHA-256 of its content. After an error there is no such file: if the name may
// not survive a crash, it is removed again.
//
//	link(tmp, path), unlink(tmp), fsync(dir)
func (p *File) Link() (sum [sha256.Size]byte, err error) {
	linked := false
	err = ChangeOpen(p.dir, func() error {
		err := linkBy(os.Link, p.tmp, p.path)
		linked = err == nil
		return err
	})
	if err != nil {
		if linked || !errors.Is(err, fs.ErrExist) {
			err = errors.Join(err, Remove(p.path))
		}
		return sum, errors.Join(err, Remove(p.tmp))
	}
	return [sha256.Size]byte(p.hash.Sum(nil)), nil
}

// Remove closes and removes the file, unless Link gave it its name.
func (p *File) Remove() error {
	p.Close()
	return Remove(p.tmp)
}

// Close closes the file. Nothing of it is durable yet. Only Remove may follow.
func (p *File) Close() {
	p.f.Close() // its content is not needed, and it may be closed already
	p.dir.Close()
}
