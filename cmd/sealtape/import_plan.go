package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/ingest/folder"
	"github.com/sealtape/sealtape/recorder/ingest/sidecar"
	"github.com/sealtape/sealtape/recorder/media"
)

// An importPlan is what is to be imported.
type importPlan struct {
	ingest.Meeting
	startBy string // what told the start
	folders []*folder.Folder
	doubled []ingest.Doubled
	mixes   []*ingest.File          // left out as --no-mix says
	sums    map[*ingest.File]string // SHA-256 of both
	written []*sidecar.File         // chat and captions
	warned  []string                // what the readers should know
}

// plan looks at the files, and decides what they become.
func (o *importOptions) plan(ctx context.Context, e *ui.Env, program *ingest.Program, zone *time.Location) (*importPlan, error) {
	p := &importPlan{}
	sources, err := o.sources(p, zone)
	if err != nil {
		return nil, err
	}
	var found []ingest.Found
	for _, s := range sources {
		f, err := program.Look(ctx, s.Path)
		if err != nil {
			return nil, &ingest.FileError{Name: s.Path, Err: err}
		}
		found = append(found, ingest.Found{Source: s, File: f})
	}
	if err := p.readSidecars(); err != nil {
		return nil, err
	}
	people, err := o.people(found, sidecar.Writers(p.written))
	if err != nil {
		return nil, err
	}
	start, by := p.folderStart(zone)
	var bar *terminal.Bar // only if there is something to hear
	a, err := program.Arrange(ctx, found, start, by, zone, func(heard, all time.Duration) {
		if bar == nil {
			bar = e.Progress("comparing sounds", int64(all/time.Second))
		}
		bar.Set(int64(heard / time.Second))
	})
	bar.Finish()
	if err != nil {
		return nil, err
	}
	p.Start, p.startBy, p.doubled = a.Start, a.By, a.Left
	for _, part := range a.Parts {
		who := people[part.File]
		part.Participant, part.Name = who.identity, who.name
		p.Parts = append(p.Parts, part)
	}
	if !o.begun.IsZero() {
		p.Start, p.startBy = o.begun, "--start"
	}
	title, name := p.Parts[0].File.Title, base(p.Parts[0].File.Name)
	for _, f := range p.folders {
		title, name = cmp.Or(f.Title, title), f.Name
	}
	p.Title = media.Plain(cmp.Or(o.title, title), media.MaxTitle)
	p.Name = media.Plain(name, media.MaxTitle)
	for _, m := range a.Mixes {
		if !o.noMix {
			p.warned = append(p.warned, "speakers are heard twice: in "+m.File.Name+" and in files of their own; --no-mix leaves the former sound out")
			continue
		}
		p.leaveOutMix(m.File)
		if m.Alone > aloneAtMost {
			p.warned = append(p.warned, fmt.Sprintf("in the sound of %s, which is left out, something is heard for %v while every speaker's own file is silent: somebody may have no file", m.File.Name, m.Alone))
		}
	}
	p.place(o, zone)
	return p, nil
}

// aloneAtMost is how long a mix may be loud alone: so long do signals sound when people come.
const aloneAtMost = 5 * time.Second

// leaveOutMix leaves out the sound of a file, and the file if it has nothing else.
func (p *importPlan) leaveOutMix(f *ingest.File) {
	const why = "the sound of all, since speakers have files of their own"
	if f.LeaveOutSound(why) {
		return
	}
	p.Parts = slices.DeleteFunc(p.Parts, func(part ingest.Part) bool { return part.File == f })
	f.LeftOut = append(f.LeftOut, why)
	p.mixes = append(p.mixes, f)
}

// A whose says who is in a file.
type whose struct{ identity, name string }

// people says who is in each file.
func (o *importOptions) people(found []ingest.Found, written []string) (map[*ingest.File]whose, error) {
	names := make(map[string]string)
	for _, n := range o.names {
		file, name, _ := strings.Cut(n, "=")
		names[file] = name
	}
	people := make(map[*ingest.File]whose)
	taken := make(map[string]int)
	for _, x := range found {
		w := whose{x.Identity, folder.Called(x.Who, written)}
		switch {
		case x.Who == "":
			w.name = media.Plain(base(x.File.Name), media.MaxTitle)
		case w.identity == "" && !x.Whole:
			w.identity = w.name // as in the chat
		}
		for _, by := range []string{x.File.Path, x.File.Name} {
			if name, ok := names[by]; ok {
				w.name = name
				delete(names, by)
			}
		}
		if x.Identity != "" { // with all that they sent
			people[x.File] = w
			continue
		}
		w.identity = media.Clamp(cmp.Or(w.identity, x.File.Name), media.MaxIdentity-16)
		taken[w.identity]++
		if n := taken[w.identity]; n > 1 {
			w.identity = fmt.Sprintf("%s (%d)", w.identity, n)
		}
		people[x.File] = w
	}
	for file := range names {
		return nil, ui.Misuse("--name is for %s, which is not among the files", ui.Clean(file))
	}
	return people, nil
}

// base is a file's name without what says its format.
func base(name string) string { return cmp.Or(strings.TrimSuffix(name, filepath.Ext(name)), name) }

// length is how long the files say that all lasts.
func (p *importPlan) length() (longest time.Duration) {
	for _, part := range p.Parts {
		longest = max(longest, part.Offset+part.File.Length)
	}
	return longest
}

// bytes is how large all files are.
func (p *importPlan) bytes() (n int64) {
	for _, f := range p.files() {
		n += f.Size
	}
	return n
}

// files are those with sound or pictures, also where another has them.
func (p *importPlan) files() (all []*ingest.File) {
	for _, part := range p.Parts {
		all = append(all, part.File)
	}
	for _, d := range p.doubled {
		all = append(all, d.File)
	}
	all = append(all, p.mixes...)
	return all
}

func importLength(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d/time.Minute%60, d/time.Second%60)
}

// importPlace is when a file begins, to the millisecond if that is known.
func importPlace(d time.Duration) string {
	if d = d.Round(time.Millisecond); d%time.Second == 0 {
		return importLength(d)
	}
	return fmt.Sprintf("%d:%02d:%02d.%03d", d/time.Hour, d/time.Minute%60, d/time.Second%60, d/time.Millisecond%1000)
}

// readerNames are the names of readers.
func readerNames(readers []bot.Reader) (names []string) {
	for _, r := range readers {
		names = append(names, r.Name)
	}
	return names
}
