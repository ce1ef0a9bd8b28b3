package durable

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
)

const (
	// maxWaiting is how many bytes wait for the file before Write does. As much
	// again may be on the way. The death of the process loses both; but more than
	// one Write waits only while they come faster than the disk takes them.
	maxWaiting = 512 << 10

	// writeAhead is how many bytes collect before the disk is told to begin.
	writeAhead = 1 << 20
)

// A File is a new file that gets its name once it is whole. What is written to it
// is only copied: a goroutine brings it to the disk and hashes it meanwhile, so
// that nothing needs to be read again, and whoever makes the content goes on
// beside it. Sync, and then Link, or Remove at any time, end it. It belongs to one
// goroutine, except that Size may be called from any.
type File struct {
	tmp, path string
	f         *os.File
	size      atomic.Int64 // bytes that Write took

	mu      sync.Mutex
	changed sync.Cond // whenever something of the following did
	waiting []byte    // what Write took, and run did not
	written int64     // bytes that run is done with
	ending  bool      // Write is not called any more
	err     error     // the first of writing to the file

	over chan struct{}     // closed when run returned
	sum  [sha256.Size]byte // of the whole content, then
}

// Create begins the file that is to be path, mode 0600, under the name tmp, which
// must be new and on the same file system.
func Create(tmp, path string) (*File, error) {
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &File{tmp: tmp, path: path, f: f, over: make(chan struct{})}
	p.changed.L = &p.mu
	go p.run()
	return p, nil
}

// Size returns how many bytes there are so far: in the file, or at most 1 MiB of
// them on the way to it.
func (p *File) Size() int64 { return p.size.Load() }

// Write takes b, of which it keeps nothing. An error may be of what it took
// before, and is final.
func (p *File) Write(b []byte) (int, error) {
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
func (p *File) run() {
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
			StartWrite(p.f, begun, end)
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
func (p *File) end() error {
	p.mu.Lock()
	p.ending = true
	p.changed.Broadcast()
	p.mu.Unlock()
	<-p.over
	return p.err
}

// Close stops the goroutine, once all is written, and closes the file. Nothing of
// it is durable yet. The error is the first of writing. Only Remove may follow.
func (p *File) Close() error { return errors.Join(p.end(), p.f.Close()) }

// Sync makes the content durable, and closes the file.
//
//	write what waits, fsync, close
func (p *File) Sync() error {
	err := p.end()
	return errors.Join(err, p.f.Sync(), p.f.Close())
}

// Link gives the file its name, as the function of this name does, and returns the
// content's SHA-256. After an error there is no such file: a name that may not
// last is taken back.
func (p *File) Link() (sum [sha256.Size]byte, err error) {
	if err := Link(p.tmp, p.path); err != nil {
		if !errors.Is(err, fs.ErrExist) {
			err = errors.Join(err, Remove(p.path))
		}
		return sum, errors.Join(err, Remove(p.tmp))
	}
	return p.sum, nil
}

// Remove closes and removes the file, unless it has its name.
func (p *File) Remove() error {
	_ = p.end() // an error of writing is the caller's already, or of no matter
	p.f.Close() // its content is not wanted, and it may be closed already
	return Remove(p.tmp)
}

// Settle waits until all that Write took is in the file, where the death of the
// process leaves it, and returns the first error of writing.
func (p *File) Settle() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.written < p.size.Load() {
		p.changed.Wait()
	}
	return p.err
}

// Remove removes path if it is there. Its absence is not durable.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
