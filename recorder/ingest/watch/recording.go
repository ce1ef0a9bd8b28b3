package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
)

const (
	// maxFiles is the most files of one recording, maxDepth how many folders deep
	// they may be.
	maxFiles = 1000
	maxDepth = 4
)

// A Recording is what lies in the folder as one: a file, or a folder with its files.
type Recording struct {
	// Path is absolute.
	Path string
	// Files are in the order of their paths. There is at least one.
	Files []File
}

// A File is a file of a recording, as it was when it was seen to be at rest.
type File struct {
	Path     string // absolute
	Size     int64
	Modified time.Time
	SHA256   string // "" until Hash; 64 lower-case digits

	info fs.FileInfo // tells it from another file at its path
}

func (f File) file() *ingest.File {
	return &ingest.File{Path: f.Path, Size: f.Size, Modified: f.Modified, Info: f.info}
}

// Links returns how many names the file has, see ingest.File.
func (f File) Links() int { return f.file().Links() }

// Print returns what changes when the recording does, as far as names, sizes and dates
// tell: a SHA-256 of these, from which no name can be read.
func (r Recording) Print() string {
	h := sha256.New()
	for _, f := range r.Files {
		fmt.Fprintf(h, "%q %d %d\n", f.Path, f.Size, f.Modified.UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Hash reads the files and sets their SHA256. The error wraps ingest.ErrChanged if one
// of them is not as long any more as it was.
func (r *Recording) Hash(ctx context.Context) (err error) {
	for i := range r.Files {
		f := &r.Files[i]
		if f.SHA256, err = f.file().Hash(ctx, nil); err != nil {
			return err
		}
	}
	return r.Unchanged()
}

// Hashes returns the SHA256 of the files.
func (r Recording) Hashes() (all []string) {
	for _, f := range r.Files {
		all = append(all, f.SHA256)
	}
	return all
}

// HashOf returns the SHA256 of the file at a path, "" if there is none.
func (r Recording) HashOf(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	for _, f := range r.Files {
		if f.Path == abs {
			return f.SHA256
		}
	}
	return ""
}

// Unchanged returns an error that wraps ingest.ErrChanged if a file is not what it was
// when it was seen, by its length and its date.
func (r Recording) Unchanged() error {
	for _, f := range r.Files {
		if err := f.file().Unchanged(); err != nil {
			return err
		}
	}
	return nil
}

// find returns the recording at a path, and whether something in it says that it is not
// complete. Links are not followed, and hidden files are none of it.
func find(path string) (r Recording, unfinished bool, err error) {
	r.Path = path
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			if p != path && strings.Count(p[len(path):], string(os.PathSeparator)) > maxDepth {
				return fmt.Errorf("it has folders in folders, more than %d deep", maxDepth)
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		case inTheMaking(d.Name()):
			unfinished = true
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if len(r.Files) == maxFiles {
			return fmt.Errorf("it has more than %d files", maxFiles)
		}
		r.Files = append(r.Files, File{Path: p, Size: info.Size(), Modified: info.ModTime(), info: info})
		return nil
	})
	return r, unfinished, err
}

// inTheMaking reports whether a file's name says that a program still works on what
// will be the recording. Zoom has double_click_to_convert_01.zoom until it has made the
// MP4 of it; browsers and copying programs have endings of their own.
func inTheMaking(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".zoom", ".part", ".partial", ".crdownload", ".download", ".tmp", ".filepart":
		return true
	}
	return strings.HasPrefix(name, "~")
}
