package archive

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/sealtape/sealtape/archive/internal/durable"
)

const (
	// maxWaiting is how many bytes wait for the file before Write does. As much
	// again may be on the way. The death of the process loses both; but more than
	// a chunk waits only while objects are written faster than the disk takes them.
	maxWaiting = 8 * chunkSize

	// writeAhead is how many bytes collect before the disk is told to begin.
	writeAhead = 1 << 20
)

// A part is a file that is to become an object. What is written to it is only
// copied: a goroutine brings it to the file and hashes it meanwhile, so that
// nothing needs to be read again, and sealing, which takes about as long, goes on
// beside it. Either sync and link, or remove, ends it.
type part struct {
	name string // of the object
	path string // of the object
	f    *os.File
	size atomic.Int64 // bytes that Write took

	mu      sync.Mutex
	changed sync.Cond // whenever something of the following did
	waiting []byte    // what Write took, and run did not
	written int64     // bytes that run is done with
	ending  bool      // Write is not called any more
	err     error     // the first of writing to the file

	over chan struct{}     // closed when run returned
	sum  [sha256.Size]byte // of the whole content, then
}

// createPart begins the object name in the recording's folder dir.
func createPart(dir, name string) (*part, error) {
	p := &part{name: name, path: filepath.Join(dir, filepath.FromSlash(name)), over: make(chan struct{})}
	p.changed.L = &p.mu
	f, err := os.OpenFile(p.path+partSuffix, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p.f = f
	go p.run()
	return p, nil
}

// Write takes b, of which it keeps nothing. An error may be of what it took
// before, and is final.
func (p *part) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil && len(p.waiting) > 0 && len(p.waiting)+len(b) > maxWaiting {
		p.changed.Wait()
	}
	if p.err != nil {
		return 0, p.err
	}
	p.waiting = append(p.waiting, b...)
	p.size.Add(int64(len(b)))
	p.changed.Broadcast()
	return len(b), nil
}

// run writes and hashes what Write took: at once, or what has come together while
// it was busy. After an error it takes the rest all the same.
func (p *part) run() {
	defer close(p.over)
	hash := sha256.New()
	var batch []byte
	var begun int64 // bytes that the disk was told of
	for {
		p.mu.Lock()
		p.written += int64(len(batch))
		p.changed.Broadcast()
		for len(p.waiting) == 0 && !p.ending {
			p.changed.Wait()
		}
		batch, p.waiting = p.waiting, batch[:0]
		end := p.written + int64(len(batch))
		p.mu.Unlock()
		if len(batch) == 0 {
			break
		}
		var hashing sync.WaitGroup
		hashing.Go(func() { hash.Write(batch) })
		_, err := p.f.Write(batch)
		if end-begun >= writeAhead {
			durable.StartWrite(p.f, begun, end)
			begun = end
		}
		hashing.Wait()
		if err != nil {
			p.mu.Lock()
			if p.err == nil {
				p.err = err
			}
			p.mu.Unlock()
		}
	}
	hash.Sum(p.sum[:0])
}

// end waits until all that Write took was written, and returns the first error.
func (p *part) end() error {
	p.mu.Lock()
	p.ending = true
	p.changed.Broadcast()
	p.mu.Unlock()
	<-p.over
	return p.err
}

// sync makes the content durable, and closes the file.
func (p *part) sync(step func(string)) error {
	err := p.end()
	step("sync")
	return errors.Join(err, p.f.Sync(), p.f.Close())
}

// link gives the object its name. After an error there is no such object: a
// name that may not last is taken back.
func (p *part) link(step func(string)) (Entry, error) {
	step("link")
	if err := durable.Link(p.path+partSuffix, p.path); err != nil {
		if !errors.Is(err, fs.ErrExist) {
			err = errors.Join(err, removeFile(p.path))
		}
		return Entry{}, errors.Join(err, removeFile(p.path+partSuffix))
	}
	return Entry{Name: p.name, SHA256: p.sum}, nil
}

// remove closes and removes the file.
func (p *part) remove() error {
	_ = p.end() // an error of writing is the caller's already, or of no matter
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
