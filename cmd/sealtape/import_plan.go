package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/media"
)

// An importPlan is what is to be imported.
type importPlan struct {
	ingest.Meeting
	startBy string // what told the start
}

// plan looks at the files, and decides what they become.
func (o *importOptions) plan(ctx context.Context, program *ingest.Program) (*importPlan, error) {
	p := &importPlan{}
	seen := make(map[string]bool)
	for _, path := range o.paths {
		if abs, err := filepath.Abs(path); err == nil && seen[abs] {
			return nil, ui.Misuse("%s is given twice", ui.Clean(path))
		} else if err == nil {
			seen[abs] = true
		}
		f, err := program.Look(ctx, path)
		if err != nil {
			return nil, &ingest.FileError{Name: path, Err: err}
		}
		p.Parts = append(p.Parts, ingest.Part{File: f})
	}
	if err := o.people(p); err != nil {
		return nil, err
	}
	p.align(time.Local)
	if !o.begun.IsZero() {
		p.Start, p.startBy = o.begun, "--start"
	}
	p.Title = media.Plain(cmp.Or(o.title, p.Parts[0].File.Title), media.MaxTitle)
	p.Name = media.Plain(base(p.Parts[0].File.Name), media.MaxTitle)
	return p, nil
}

// people says who is in each file.
func (o *importOptions) people(p *importPlan) error {
	names := make(map[string]string)
	for _, n := range o.names {
		file, name, _ := strings.Cut(n, "=")
		names[file] = name
	}
	taken := make(map[string]int)
	for i := range p.Parts {
		part := &p.Parts[i]
		part.Name = media.Plain(base(part.File.Name), media.MaxTitle)
		for _, by := range []string{part.File.Path, part.File.Name} {
			if name, ok := names[by]; ok {
				part.Name = name
				delete(names, by)
			}
		}
		part.Participant = media.Clamp(part.File.Name, media.MaxIdentity-16)
		if n := taken[part.Participant]; n > 0 {
			part.Participant = fmt.Sprintf("%s (%d)", part.Participant, n+1)
		}
		taken[part.Participant]++
	}
	for file := range names {
		return ui.Misuse("--name is for %s, which is not among the files", ui.Clean(file))
	}
	return nil
}

// base is a file's name without what says its format.
func base(name string) string { return cmp.Or(strings.TrimSuffix(name, filepath.Ext(name)), name) }

// align says when each file begins. They do so together, unless the names of all say
// when, as names of OBS do.
func (p *importPlan) align(zone *time.Location) {
	p.Start, p.startBy = p.Parts[0].File.Start(zone)
	if len(p.Parts) == 1 {
		return
	}
	var starts []time.Time
	for _, part := range p.Parts {
		if at, ok := ingest.Dated(part.File.Name, zone); ok {
			starts = append(starts, at)
		}
	}
	first, last := p.Start, p.Start
	if len(starts) == len(p.Parts) {
		first, last = slices.MinFunc(starts, time.Time.Compare), slices.MaxFunc(starts, time.Time.Compare)
	}
	apart := len(starts) == len(p.Parts) && last.Sub(first) < 24*time.Hour
	for i := range p.Parts {
		part := &p.Parts[i]
		if part.Note = "aligned by its beginning"; apart {
			part.Offset = starts[i].Sub(first)
			part.Note = "aligned by its name, to the second"
		}
	}
	if apart {
		p.Start = first
	}
}

// length is how long the files say that all lasts.
func (p *importPlan) length() (longest time.Duration) {
	for _, part := range p.Parts {
		longest = max(longest, part.Offset+part.File.Length)
	}
	return longest
}

// tell says what would be done.
func (p *importPlan) tell(e *ui.Env, readers []bot.Reader, o *importOptions) error {
	var names []string
	for _, r := range readers {
		names = append(names, r.Name)
	}
	rows := [][]string{
		{"title:", cmp.Or(ui.Clean(p.Title), "none")},
		{"started:", p.Start.Local().Format("2006-01-02 15:04:05 MST") + ", by " + p.startBy},
		{"length:", importLength(p.length())},
		{"readers:", cmp.Or(strings.Join(names, ", "), "none given")},
	}
	if err := e.Facts(rows); err != nil {
		return err
	}
	rows = [][]string{{"FILE", "SIZE", "WHO", "FROM", "WHAT", "BECOMES"}}
	for _, part := range p.Parts {
		first := []string{ui.Clean(part.File.Name), ui.Size(part.File.Size), ui.Clean(part.Name), importLength(part.Offset)}
		for _, s := range part.File.Streams {
			becomes := "the same, bit by bit"
			if !s.Copied() {
				becomes = "opus, encoded again"
			}
			rows = append(rows, append(first, ui.Clean(s.Name), becomes))
			first = []string{"", "", "", ""}
		}
		for _, out := range part.File.LeftOut {
			rows = append(rows, append(slices.Clone(first), ui.Clean(out), "nothing: it is left out"))
			first = []string{"", "", "", ""}
		}
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	if o.remove {
		e.Printf("\nIn the end the files would be deleted, except those of which something is left out.\n")
	}
	e.Printf("\nNothing was written.\n")
	return nil
}

func importLength(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
}
