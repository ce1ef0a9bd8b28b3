// Package folder finds out what the files are that one meeting left in a folder: which show
// everybody, who is in the others, what was written down beside them.
//
//	Zoom       pictures, a sound for each participant, chat, captions, what is converted   zoom
//	LiveKit    what egress wrote, with its manifests                                       egress
//	others     by their first bytes and their names                                        folder
//
// Files are opened for reading only, and no names are believed to be more than names.
package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
)

var (
	// ErrUnconverted: Zoom has not made files of what it recorded yet.
	ErrUnconverted = errors.New("not converted by Zoom yet")
	// ErrEmpty: nothing in a folder can be imported.
	ErrEmpty = errors.New("the folder has no recording in a format that can be imported")
)

// maxEntries is the most files of a folder that are looked at.
const maxEntries = 4096

// A Folder is what one meeting left in a folder.
type Folder struct {
	// Path is the folder's, Name its last element.
	Path, Name string
	// By is the program that made it, "" if not known, and Title what it called the
	// meeting, "" for nothing.
	By, Title string
	// Sources are the files to import, those of the whole meeting first.
	Sources []ingest.Source
	// Chat and Captions are the paths of what was written down.
	Chat, Captions []string
	// Passed are the names of files that are no part of the recording, and of folders,
	// which end in a slash.
	Passed []string
}

// Open finds out what the files of a folder are. Times without a zone are of zone.
// It follows no links, and looks into no folder within but Zoom's. The errors wrap
// ErrUnconverted, ErrEmpty or ingest.ErrManyMeetings.
func Open(path string, zone *time.Location) (*Folder, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	names, folders, err := filesIn(path)
	if err != nil {
		return nil, err
	}
	f := &Folder{Path: path, Name: filepath.Base(abs)}
	switch {
	case isZoom(names, folders):
		err = f.zoom(names, folders)
	default:
		err = f.plain(names, zone)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range folders {
		if f.By != "Zoom" || name != ZoomVoices {
			f.Passed = append(f.Passed, name+"/")
		}
	}
	if len(f.Sources) == 0 {
		if len(folders) > 0 {
			return nil, fmt.Errorf("%w; it has %d folders, each of which may have one", ErrEmpty, len(folders))
		}
		return nil, ErrEmpty
	}
	slices.SortStableFunc(f.Sources, func(a, b ingest.Source) int {
		if a.Whole != b.Whole {
			if a.Whole {
				return -1
			}
			return 1
		}
		return 0
	})
	return f, nil
}

// filesIn returns the names of the regular files of a folder, and of its folders, in
// order. Hidden ones are none.
func filesIn(path string) (files, folders []string, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, nil, err
	}
	if len(entries) > maxEntries {
		return nil, nil, fmt.Errorf("%w: it has more than %d files", ingest.ErrManyMeetings, maxEntries)
	}
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir():
			folders = append(folders, e.Name())
		case e.Type() == fs.FileMode(0):
			files = append(files, e.Name())
		}
	}
	return files, folders, nil
}

// plain takes the files of a folder of any other program: OBS, Jitsi, Galene, LiveKit.
func (f *Folder) plain(names []string, zone *time.Location) error {
	var manifests []manifest
	for _, name := range names {
		path := filepath.Join(f.Path, name)
		lower := strings.ToLower(name)
		switch {
		case strings.HasSuffix(lower, ".json"):
			m, ok, err := readManifest(path)
			if err != nil {
				return err
			}
			if f.Passed = append(f.Passed, name); ok {
				manifests = append(manifests, m)
			}
			continue
		case strings.HasSuffix(lower, ".vtt"):
			f.Captions = append(f.Captions, path)
			continue
		}
		switch _, _, err := ingest.KindOfFile(path); {
		case errors.Is(err, ingest.ErrKind):
			f.Passed = append(f.Passed, name)
			continue
		case err != nil:
			return err
		}
		f.Sources = append(f.Sources, ingest.SourceOf(path, zone))
	}
	for _, m := range manifests {
		f.egress(m)
	}
	return nil
}
