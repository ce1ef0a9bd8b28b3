package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/media"
)

// sources returns the files of the paths, and of the folders among them.
func (o *importOptions) sources(p *importPlan, zone *time.Location) (all []ingest.Source, err error) {
	seen := make(map[string]bool)
	for _, path := range o.paths {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		if seen[abs] {
			return nil, ui.Misuse("%s is given twice", ui.Clean(path))
		}
		seen[abs] = true
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			all = append(all, ingest.SourceOf(path, zone)) // looking at it will say what is wrong
			continue
		}
		f, err := ingest.OpenFolder(path, zone)
		if err != nil {
			return nil, &ingest.FileError{Name: path, Err: err}
		}
		p.folders = append(p.folders, f)
		all = append(all, f.Sources...)
	}
	if len(all) > ingest.MaxParts {
		return nil, ui.Misuse("import takes at most %d files at once, and these are %d", ingest.MaxParts, len(all))
	}
	return all, nil
}

// folderStart returns when a folder's name says that the meeting began, for programs that
// name the folder and not the files.
func (p *importPlan) folderStart(zone *time.Location) (at time.Time, by string) {
	for _, f := range p.folders {
		if at, ok := ingest.Dated(f.Name, zone); ok && f.By == "Zoom" {
			return at, "its folder's name"
		}
	}
	return time.Time{}, ""
}

// A paper is a chat or captions beside the files.
type paper struct {
	path, name string
	size       int64
	info       fs.FileInfo
	sha256     string
	kind       string // what it is, for people
	script     *ingest.Script
	becomes    string
	kept       bool // all of it is in the recording
}

const (
	paperChat     = "chat"
	paperCaptions = "captions"
)

func (x *paper) file() *ingest.File {
	return &ingest.File{Path: x.path, Name: x.name, Size: x.size, Modified: x.info.ModTime(), Info: x.info}
}

// readPapers reads what is written down beside the files. What makes no sense is passed
// over, and said.
func (p *importPlan) readPapers() (all []*paper, err error) {
	for _, f := range p.folders {
		for _, path := range f.Chat {
			if all, err = p.readPaper(all, path, paperChat); err != nil {
				return nil, err
			}
		}
		for _, path := range f.Captions {
			if all, err = p.readPaper(all, path, paperCaptions); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (p *importPlan) readPaper(all []*paper, path, kind string) ([]*paper, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	x := &paper{path: path, name: filepath.Base(path), size: info.Size(), info: info, kind: kind}
	p.papers = append(p.papers, x)
	if info.Size() > transcript.MaxBytes {
		x.becomes = "nothing: it is too long"
		return all, nil
	}
	b, err := x.file().Read(transcript.MaxBytes)
	if err != nil {
		return nil, &ingest.FileError{Name: x.name, Err: err}
	}
	sum := sha256.Sum256(b)
	x.sha256 = hex.EncodeToString(sum[:])
	for _, other := range all { // a copy that was saved by hand
		if other.sha256 == x.sha256 {
			x.becomes, x.kept = "nothing: it is the same as "+other.name, true
			return all, nil
		}
	}
	switch {
	case kind == paperChat:
		x.script, err = ingest.ReadChat(bytes.NewReader(b))
	case strings.EqualFold(filepath.Ext(path), ".vtt"):
		x.script, err = vttScript(b)
	default:
		x.script, err = ingest.ReadCaptions(bytes.NewReader(b))
	}
	if err != nil && !errors.Is(err, ingest.ErrPaper) {
		return nil, &ingest.FileError{Name: x.name, Err: err}
	}
	if err != nil {
		x.becomes = "nothing: its form is not known"
		return all, nil
	}
	return append(all, x), nil
}

// vttScript reads captions in WebVTT. Zoom puts names before them, as plain text.
func vttScript(b []byte) (*ingest.Script, error) {
	t, _, err := transcript.Parse(b)
	if err != nil || len(t.Cues) == 0 {
		return nil, fmt.Errorf("%w: %w", ingest.ErrPaper, cmp.Or(err, errors.New("it has no captions")))
	}
	s := &ingest.Script{Relative: true}
	for _, c := range t.Cues {
		line := ingest.Said{Who: c.Who, Text: c.Text, At: c.From, Until: c.To}
		if who, text, ok := strings.Cut(c.Text, ": "); ok && c.Who == "" && len(strings.Fields(who)) <= 5 && !strings.Contains(who, "\n") {
			line.Who, line.Text = media.Plain(who, media.MaxTitle), text
		}
		s.Lines = append(s.Lines, line)
	}
	return s, nil
}

// writers are the names in what was written down.
func writers(papers []*paper) (names []string) {
	for _, x := range papers {
		for _, s := range x.script.Lines {
			if s.Who != "" && !slices.Contains(names, s.Who) && len(names) < 1000 {
				names = append(names, s.Who)
			}
		}
	}
	return names
}

// place puts what was written down into the timeline.
func (p *importPlan) place(papers []*paper, o *importOptions, zone *time.Location) {
	length := p.length()
	identities := make(map[string]string)
	for _, part := range p.Parts {
		identities[part.Name] = part.Participant
	}
	identity := func(name string) string { return cmp.Or(identities[name], name) }
	for _, x := range papers {
		lines, outside := x.script.Place(p.Start.In(zone), length)
		private := 0
		if !o.direct {
			lines = slices.DeleteFunc(lines, func(s ingest.Said) bool {
				if s.To != "" {
					private++
				}
				return s.To != ""
			})
		}
		what := "message"
		if x.kind == paperCaptions {
			what = "caption"
			p.Events = append(p.Events, ingest.Captions(lines, x.name, length, identity)...)
		} else {
			p.Events = append(p.Events, ingest.Chat(lines, identity)...)
		}
		notes := []string{ui.Count(len(lines), what) + " in the timeline"}
		if private > 0 {
			notes = append(notes, "left out: "+ui.Count(private, "message")+" to one person alone")
		}
		if x.script.LeftOut > 0 {
			notes = append(notes, "left out: "+ui.Count(x.script.LeftOut, "line")+" of a form that is not known")
		}
		if outside > 0 {
			notes = append(notes, fmt.Sprintf("%d of them from before the recording or after it", outside))
		}
		x.becomes = strings.Join(notes, "; ")
		x.kept = private == 0 && x.script.LeftOut == 0
		p.Papers = append(p.Papers, ingest.Paper{Name: x.name, Size: x.size, SHA256: x.sha256, Note: strings.Join(notes, "\n")})
		for _, s := range lines {
			if s.To != "" {
				p.warned = append(p.warned, "all readers will see the messages in "+x.name+" that were to one person alone")
				break
			}
		}
	}
}
