package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot"
)

// tell says what would be done.
func (p *importPlan) tell(e *ui.Env, readers []bot.Reader, o *importOptions) error {
	rows := [][]string{
		{"title:", cmp.Or(ui.Clean(p.Title), "none")},
		{"started:", p.Start.Local().Format("2006-01-02 15:04:05 MST") + ", by " + p.startBy},
		{"length:", importLength(p.length())},
		{"readers:", cmp.Or(strings.Join(readerNames(readers), ", "), "none given")},
	}
	if err := e.Facts(rows); err != nil {
		return err
	}
	if err := e.Section(p.fileRows()); err != nil {
		return err
	}
	if notes := p.noteRows(); len(notes) > 1 {
		if err := e.Section(notes); err != nil {
			return err
		}
	}
	for _, w := range p.warned {
		e.Warnf("%s", w)
	}
	if o.remove {
		e.Printf("\nIn the end the files would be deleted, except those of which something is left out.\n")
	}
	e.Printf("\nNothing was written.\n")
	return nil
}

// leftOut says which files are not in the recording, and what of others is not.
func (p *importPlan) leftOut(e *ui.Env) {
	for _, part := range p.Parts {
		for _, out := range part.File.LeftOut {
			e.Notef("%s: left out: %s", part.File.Name, out)
		}
	}
	for _, d := range p.doubled {
		e.Notef("%s: %s", d.File.Name, d.Note())
	}
	for _, f := range p.mixes {
		e.Notef("%s: left out: %s", f.Name, f.LeftOut[len(f.LeftOut)-1])
	}
	for _, f := range p.written {
		e.Notef("%s: %s", f.Name, f.Becomes)
	}
	for _, f := range p.folders {
		for _, name := range f.Passed {
			e.Notef("%s: it is no part of the recording", name)
		}
	}
}

func (p *importPlan) fileRows() [][]string {
	rows := [][]string{{"FILE", "SIZE", "WHO", "FROM", "WHAT", "BECOMES"}}
	for _, part := range p.Parts {
		first := []string{ui.Clean(part.File.Name), ui.Size(part.File.Size), ui.Clean(part.Name), importPlace(part.Offset)}
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
	for _, d := range p.doubled {
		rows = append(rows, []string{ui.Clean(d.File.Name), ui.Size(d.File.Size), "", "", ui.Clean(d.File.Streams[0].Name), "nothing: its sound is that of " + ui.Clean(d.Of.Name)})
	}
	for _, f := range p.mixes {
		rows = append(rows, []string{ui.Clean(f.Name), ui.Size(f.Size), "", "", ui.Clean(f.Streams[0].Name), "nothing: " + ui.Clean(f.LeftOut[len(f.LeftOut)-1])})
	}
	for _, f := range p.written {
		rows = append(rows, []string{ui.Clean(f.Name), ui.Size(f.Size), "", "", string(f.Written), ui.Clean(f.Becomes)})
	}
	for _, f := range p.folders {
		for _, name := range f.Passed {
			rows = append(rows, []string{ui.Clean(name), "", "", "", "", "nothing: it is no part of the recording"})
		}
	}
	return rows
}

// noteRows say where files begin, and how that is known.
func (p *importPlan) noteRows() [][]string {
	rows := [][]string{{"FILE", "HOW IT IS PLACED"}}
	for _, part := range p.Parts {
		if part.Note != "" {
			rows = append(rows, []string{ui.Clean(part.File.Name), ui.Clean(part.Note)})
		}
	}
	return rows
}
