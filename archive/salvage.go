package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/internal/durable"
)

// A salvage finds files in a recording's folder that the log does not name.
type salvage struct {
	dir    string
	step   steps
	order  order // of the log
	logged map[string]bool
	aside  []string // what went to quarantine
}

// log adds the finished objects that can still be logged to the log, and to r.
func (s *salvage) log(l *logWriter, r *Recovered) error {
	// A Writer starts no epoch while an object is not logged, and creates no
	// object while an epoch is not logged. So objects of one kind are in order,
	// and the kinds do not interleave.
	for _, kind := range []Kind{Epoch, Segment, Index} {
		found, err := s.folder(kind)
		if err != nil {
			return err
		}
		for _, n := range found {
			sum, err := hashFile(filepath.Join(s.dir, n.String()))
			if isDefect(err) {
				if err := s.putAside(n.String()); err != nil {
					return err
				}
				continue
			} else if err != nil {
				return err
			}
			l.add(Entry{Name: n.String(), SHA256: sum})
			if n.torn {
				r.Torn = append(r.Torn, n.String())
			} else {
				r.Found = append(r.Found, n.String())
			}
		}
	}
	return nil
}

func (s *salvage) putAside(name string) error {
	s.aside = append(s.aside, name)
	return putAside(s.dir, name)
}

// folder returns the finished objects of one kind that can still be logged, in
// order, with durable names.
func (s *salvage) folder(kind Kind) (found []logged, err error) {
	path := filepath.Join(s.dir, folders[kind])
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the crash came while the folders were made
	}
	err = durable.Change(path, func() error {
		found, err = s.sort(kind, path)
		return err
	})
	return found, err
}

// sort turns parts of segments into torn segments. It removes other parts, and
// the remains of objects that were given up.
func (s *salvage) sort(kind Kind, path string) ([]logged, error) {
	files, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var found []logged
	for _, f := range files {
		if n, ok := parseName(folders[kind] + f.Name()); ok && !s.logged[n.String()] && (n.number >= s.order.next[kind] || s.order.current(n)) {
			found = append(found, n)
		}
	}
	for _, f := range files {
		base, ok := strings.CutSuffix(f.Name(), partSuffix)
		n, valid := parseName(folders[kind] + base)
		if !ok || !valid {
			continue
		}
		part := filepath.Join(path, f.Name())
		n.torn = true
		published := slices.ContainsFunc(found, func(m logged) bool { return m.number == n.number })
		if kind == Segment && n.number >= s.order.next[kind] && !published {
			ok, err := s.torn(part, filepath.Join(s.dir, n.String()))
			if isDefect(err) {
				if err := s.putAside(folders[kind] + f.Name()); err != nil {
					return nil, err
				}
				continue
			} else if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, n)
				continue
			}
		}
		if err := durable.Remove(part); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, compareNames)
	if kind == Epoch {
		// Files are written in order: one without its predecessors is not the
		// recorder's.
		order := s.order
		found = slices.DeleteFunc(found, func(n logged) bool {
			ok := order.allows(n)
			if ok {
				order.add(n)
			}
			return !ok
		})
	}
	return found, nil
}

// torn publishes the part of a segment under the name path. It reports false if
// nothing in the part can be read.
//
// It keeps the bytes after the last whole chunk. age writes whole chunks, and a
// shorter one only at the end, so such bytes most likely mean that the file was
// finished and only its name is missing. If not, they do no harm, since a reader
// stops before them. Only bytes that are too few for a chunk are cut off.
func (s *salvage) torn(part, path string) (bool, error) {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return false, err
	}
	header, err := headerSize(f)
	if isDefect(err) {
		return false, err
	} else if err != nil {
		return false, nil // it ends within the header
	}
	payload := fi.Size() - header
	if cutShort(payload) {
		payload -= (payload - nonceSize) % chunkSize
	}
	if payload <= nonceSize+tagSize || header+payload > MaxObject {
		return false, nil
	}
	s.step("truncate")
	if err := f.Truncate(header + payload); err != nil {
		return false, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return false, err
	}
	s.step("link")
	return true, durable.Link(part, path)
}

func hashFile(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(sum[:0])), err
}

// The payload of an age file: a nonce, then chunks, each with a tag.
const (
	nonceSize = 16
	tagSize   = 16
	chunkSize = 64<<10 + tagSize
)

// headerSize returns the length of the age header at the start of r: a version
// line, stanzas, and a line that begins with "---". It may read further than
// that.
func headerSize(r io.Reader) (int64, error) {
	b := bufio.NewReaderSize(io.LimitReader(r, maxEpoch), 4<<10)
	var size int64
	for {
		line, err := b.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("no whole age header: %w", err)
		}
		if size == 0 && string(line) != "age-encryption.org/v1\n" {
			return 0, errors.New("not an age file")
		}
		size += int64(len(line))
		if bytes.HasPrefix(line, []byte("--- ")) {
			return size, nil
		}
	}
}

// cutShort reports whether no age file can have a payload of that many bytes.
func cutShort(payload int64) bool {
	last := (payload - nonceSize) % chunkSize
	return payload < nonceSize+tagSize || last > 0 && last <= tagSize && payload != nonceSize+tagSize
}
