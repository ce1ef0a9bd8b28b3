package watch

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxRecordings is the most that a folder may have in it.
const maxRecordings = 10_000

// ErrCrowded: a folder has too much in it to be watched.
var ErrCrowded = fmt.Errorf("it has more than %d recordings in it", maxRecordings)

// A Folder is a folder that is looked at again and again. It belongs to one goroutine.
type Folder struct {
	path string
	rest time.Duration
	seen map[string]*sight // by path
}

// A sight is what was last seen of a recording.
type sight struct {
	print string
	since time.Time
	done  bool
}

// OpenFolder returns the folder at path. Its recordings are complete once they have been
// at rest for so long.
func OpenFolder(path string, rest time.Duration) (*Folder, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "watch", Path: path, Err: errors.New("not a folder")}
	}
	return &Folder{path: abs, rest: rest, seen: make(map[string]*sight)}, nil
}

// Path returns where the folder is: absolute.
func (f *Folder) Path() string { return f.path }

// A Sighting is what one look finds.
type Sighting struct {
	// Complete are the recordings that are complete and not Done, the oldest first.
	Complete []Recording
	// Waiting is how many are not complete.
	Waiting int
}

// Look looks at the folder. A recording is complete if since looks that are rest apart
// nothing in it has another length or date, no name in it says that a program still works
// on it, no program has one of its files open for writing, as far as the system tells,
// and it has a byte. An error may be of some recordings only: the others are there.
func (f *Folder) Look(now time.Time) (s Sighting, err error) {
	all, err := os.ReadDir(f.path)
	if err != nil {
		return s, err
	}
	if len(all) > maxRecordings {
		return s, ErrCrowded
	}
	var errs []error
	here := make(map[string]bool)
	for _, d := range all {
		if strings.HasPrefix(d.Name(), ".") || !d.IsDir() && !d.Type().IsRegular() {
			continue
		}
		path := filepath.Join(f.path, d.Name())
		r, unfinished, err := find(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is being moved or removed
		} else if err != nil {
			errs = append(errs, err)
			continue
		}
		if len(r.Files) == 0 && !unfinished {
			continue
		}
		here[path] = true
		done, complete := f.judge(r, unfinished, now)
		switch {
		case done:
		case complete:
			s.Complete = append(s.Complete, r)
		default:
			s.Waiting++
		}
	}
	for path := range f.seen {
		if !here[path] {
			delete(f.seen, path)
		}
	}
	slices.SortStableFunc(s.Complete, func(a, b Recording) int { return cmp.Compare(a.latest(), b.latest()) })
	return s, errors.Join(errs...)
}

// judge reports whether a recording is done, or complete and not done.
func (f *Folder) judge(r Recording, unfinished bool, now time.Time) (done, complete bool) {
	print := r.Print()
	if unfinished {
		print = "" // what it is then, is another
	}
	was := f.seen[r.Path]
	if was == nil || was.print != print || unfinished {
		f.seen[r.Path] = &sight{print: print, since: now}
		return false, false
	}
	if was.done {
		return true, false
	}
	empty := !slices.ContainsFunc(r.Files, func(f File) bool { return f.Size > 0 })
	if empty || now.Sub(was.since) < f.rest {
		return false, false
	}
	return false, !slices.ContainsFunc(r.Files, func(f File) bool { return hasWriter(f.Path) })
}

// Done says that there is nothing more to do with a recording, as it is now: it is
// Complete again only if it changes.
func (f *Folder) Done(r Recording) {
	if s := f.seen[r.Path]; s != nil && s.print == r.Print() {
		s.done = true
	}
}

// latest is when the newest file was modified, in nanoseconds since 1970.
func (r Recording) latest() (at int64) {
	for _, f := range r.Files {
		at = max(at, f.Modified.UnixNano())
	}
	return at
}
