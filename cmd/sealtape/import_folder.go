package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/ingest/folder"
	"github.com/sealtape/sealtape/recorder/ingest/sidecar"
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
		f, err := folder.Open(path, zone)
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

// readSidecars reads what is written down beside the files.
func (p *importPlan) readSidecars() error {
	read := func(paths []string, kind sidecar.Kind) error {
		for _, path := range paths {
			f, err := sidecar.Open(path, kind, p.written, vttScript)
			if err != nil {
				return err
			}
			p.written = append(p.written, f)
		}
		return nil
	}
	for _, f := range p.folders {
		if err := read(f.Chat, sidecar.KindChat); err != nil {
			return err
		}
		if err := read(f.Captions, sidecar.KindCaptions); err != nil {
			return err
		}
	}
	return nil
}

// vttScript reads captions in WebVTT. Zoom puts names before them, as plain text.
func vttScript(b []byte) (*sidecar.Script, error) {
	t, _, err := transcript.Parse(b)
	if err != nil || len(t.Cues) == 0 {
		return nil, fmt.Errorf("%w: %w", sidecar.ErrForm, cmp.Or(err, errors.New("it has no captions")))
	}
	s := &sidecar.Script{Relative: true}
	for _, c := range t.Cues {
		line := sidecar.Said{Who: c.Who, Text: c.Text, At: c.From, Until: c.To}
		if who, text, ok := strings.Cut(c.Text, ": "); ok && c.Who == "" && len(strings.Fields(who)) <= 5 && !strings.Contains(who, "\n") {
			line.Who, line.Text = media.Plain(who, media.MaxTitle), text
		}
		s.Lines = append(s.Lines, line)
	}
	return s, nil
}

// place puts what was written down into the timeline.
func (p *importPlan) place(o *importOptions, zone *time.Location) {
	length := p.length()
	identities := make(map[string]string)
	for _, part := range p.Parts {
		identities[part.Name] = part.Participant
	}
	identity := func(name string) string { return cmp.Or(identities[name], name) }
	for _, f := range p.written {
		if f.Script == nil {
			continue
		}
		events, in := f.Place(p.Start.In(zone), length, o.direct, identity)
		p.Events, p.Sidecars = append(p.Events, events...), append(p.Sidecars, in)
		if f.Private > 0 {
			p.warned = append(p.warned, "all readers will see the messages in "+f.Name+" that were to one person alone")
		}
	}
}
