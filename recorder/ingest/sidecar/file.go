package sidecar

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Kind says what is written in a file.
type Kind string

const (
	KindChat     Kind = "chat"
	KindCaptions Kind = "captions"
)

// A File is a chat or captions beside the files of a recording.
type File struct {
	*ingest.File // which has no streams
	Written      Kind
	// SHA256 is that of its bytes. "": they were not read.
	SHA256 string
	// Script is what it has; nil: nothing that could be taken.
	Script *Script
	// Becomes says what becomes of it, for people.
	Becomes string
	// Whole: all of it is in the recording, or in another file that is.
	Whole bool
	// Private is how many messages to one person alone are in the recording.
	Private int
}

// Open reads a file beside a recording. What makes no sense is no error: the file has no
// Script then. others are those that were opened before: a copy of one, as people save by
// hand, is taken once. vtt reads WebVTT; its error wraps ErrForm.
func Open(path string, kind Kind, others []*File, vtt func([]byte) (*Script, error)) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	f := &File{Written: kind, File: &ingest.File{Path: path, Name: filepath.Base(path), Size: info.Size(), Modified: info.ModTime(), Info: info}}
	if f.Size > maxBytes {
		f.Becomes = "nothing: it is too long"
		return f, nil
	}
	b, err := f.Read(maxBytes)
	if err != nil {
		return nil, &ingest.FileError{Name: f.Name, Err: err}
	}
	sum := sha256.Sum256(b)
	f.SHA256 = hex.EncodeToString(sum[:])
	for _, other := range others {
		if other.Script != nil && other.SHA256 == f.SHA256 {
			f.Becomes, f.Whole = "nothing: it is the same as "+other.Name, true
			return f, nil
		}
	}
	switch {
	case kind == KindChat:
		f.Script, err = ReadChat(strings.NewReader(string(b)))
	case strings.EqualFold(filepath.Ext(path), ".vtt"):
		f.Script, err = vtt(b)
	default:
		f.Script, err = ReadCaptions(strings.NewReader(string(b)))
	}
	switch {
	case errors.Is(err, ErrForm):
		f.Script, f.Becomes = nil, "nothing: its form is not known"
	case err != nil:
		return nil, &ingest.FileError{Name: f.Name, Err: err}
	}
	return f, nil
}

// Writers are the names in some files, at most 1000.
func Writers(files []*File) (names []string) {
	for _, f := range files {
		if f.Script == nil {
			continue
		}
		for _, s := range f.Script.Lines {
			if s.Who != "" && !slices.Contains(names, s.Who) && len(names) < 1000 {
				names = append(names, s.Who)
			}
		}
	}
	return names
}

// Place puts what a file says on the clock of a recording that began at a time and lasts so
// long, and notes what becomes of it. Messages to one person alone are left out unless direct
// is set. Identities are those of people, by name.
func (f *File) Place(start time.Time, length time.Duration, direct bool, identity func(name string) string) (events []media.Event, in ingest.Sidecar) {
	lines, outside := f.Script.Place(start, length)
	toOne := func(s Said) bool { return s.To != "" }
	left := 0
	if !direct {
		all := len(lines)
		lines = slices.DeleteFunc(lines, toOne)
		left = all - len(lines)
	}
	for _, s := range lines {
		if toOne(s) {
			f.Private++
		}
	}
	what := "message"
	if f.Written == KindCaptions {
		what, events = "caption", Captions(lines, f.Name, length, identity)
	} else {
		events = Chat(lines, identity)
	}
	notes := []string{count(len(lines), what) + " in the timeline"}
	if left > 0 {
		notes = append(notes, "left out: "+count(left, "message")+" to one person alone")
	}
	if f.Script.LeftOut > 0 {
		notes = append(notes, "left out: "+count(f.Script.LeftOut, "line")+" of a form that is not known")
	}
	if outside > 0 {
		notes = append(notes, fmt.Sprintf("%d of them from before the recording or after it", outside))
	}
	f.Becomes = strings.Join(notes, "; ")
	f.Whole = left == 0 && f.Script.LeftOut == 0
	return events, ingest.Sidecar{Name: f.Name, Size: f.Size, SHA256: f.SHA256, Note: strings.Join(notes, "\n")}
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
