package archive

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/sealtape/sealtape/archive/internal/durable"
)

// A part is a file that is to become an object. It hashes what is written, so
// that nothing needs to be read again. Either link or remove ends it.
type part struct {
	name string // of the object
	path string // of the object
	f    *os.File
	hash *hasher
	size atomic.Int64
}

// createPart begins the object name in the recording's folder dir.
func createPart(dir, name string) (*part, error) {
	p := &part{name: name, path: filepath.Join(dir, filepath.FromSlash(name))}
	f, err := os.OpenFile(p.path+partSuffix, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p.f, p.hash = f, newHasher()
	return p, nil
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.hash.write(b[:n])
	p.size.Add(int64(n))
	return n, err
}

// sync makes the content durable, and closes the file.
func (p *part) sync(step func(string)) error {
	step("sync")
	return errors.Join(p.f.Sync(), p.f.Close())
}

// link gives the object its name. After an error there is no such object: a
// name that may not last is taken back.
func (p *part) link(step func(string)) (Entry, error) {
	sum := p.hash.end()
	step("link")
	if err := durable.Link(p.path+partSuffix, p.path); err != nil {
		if !errors.Is(err, fs.ErrExist) {
			err = errors.Join(err, removeFile(p.path))
		}
		return Entry{}, errors.Join(err, removeFile(p.path+partSuffix))
	}
	return Entry{Name: p.name, SHA256: sum}, nil
}

// remove closes and removes the file.
func (p *part) remove() error {
	p.hash.end()
	p.f.Close() // its content is not wanted, and it may be closed already
	return removeFile(p.path + partSuffix)
}

// removeFile removes path if it is there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// A hasher computes a SHA-256 in a goroutine of its own, beside the sealing,
// which takes about as long. It runs until end.
type hasher struct {
	full chan []byte // to be hashed
	free chan []byte // to be filled; both together bound what waits
	done chan struct{}
	sum  [sha256.Size]byte // once done is closed
}

func newHasher() *hasher {
	const buffers = 4 // of a chunk each
	h := &hasher{full: make(chan []byte, buffers), free: make(chan []byte, buffers), done: make(chan struct{})}
	for range buffers {
		h.free <- nil
	}
	go func() {
		defer close(h.done)
		s := sha256.New()
		for b := range h.full {
			s.Write(b)
			h.free <- b
		}
		s.Sum(h.sum[:0])
	}()
	return h
}

// write hashes b, of which it keeps nothing.
func (h *hasher) write(b []byte) {
	for len(b) > 0 {
		n := min(len(b), chunkSize)
		h.full <- append((<-h.free)[:0], b[:n]...)
		b = b[n:]
	}
}

// end stops the goroutine, waits for it, and returns the hash.
func (h *hasher) end() [sha256.Size]byte {
	close(h.full)
	<-h.done
	return h.sum
}
