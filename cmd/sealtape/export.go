package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/urfave/cli/v2"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write a recording as files for any player",
		ArgsUsage: "ID -o PATH",
		Description: `mkv makes one file with a track for each participant and source. tracks makes a
folder with a file for each, all of the same beginning, so that they line up.
Nothing is transcoded. What is missing is listed. ID may be the start of one, or
"last". PATH must be new; it appears when all is written.

Exit code 3: it is written, and something of a second or more is missing.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "the file or folder to make, `PATH`"},
			&cli.StringFlag{Name: "format", Value: "mkv", Usage: "`mkv` or tracks"},
			storeFlag(),
		},
		Action: exportAction,
	}
}

func exportAction(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "the ID of a recording")
	if err != nil {
		return err
	}
	out, format := c.String("output"), c.String("format")
	if out == "" {
		return usagef(c, "where to? -o PATH is missing")
	}
	if format != "mkv" && format != "tracks" {
		return usagef(c, "--format is %q, want mkv or tracks", format)
	}
	if format == "tracks" {
		err = emptyOrAbsent(out)
	} else if _, serr := os.Lstat(out); serr == nil {
		err = hinted(fmt.Errorf("%s exists already", out), "nothing is overwritten; choose another name")
	}
	if err != nil {
		return err
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	rec, err := a.openReadable(c.Context, args[0])
	if err != nil {
		return err
	}
	bar := e.progress("reading", int64(len(rec.Segments())))
	src := &segmentSource{rec: rec, onRead: func(int) { bar.add(1) }}
	s, err := playback.Open(c.Context, src, playback.Options{Recording: rec.Head().ID})
	bar.finish()
	if err != nil {
		return err
	}
	src.onRead = nil

	bar = e.progress("writing", int64(s.Duration()))
	options := playback.ExportOptions{Progress: func(done, _ time.Duration) { bar.set(int64(done)) }}
	var report playback.Report
	if format == "tracks" {
		report, err = playback.ExportTracks(c.Context, s, out, options)
	} else {
		report, err = playback.ExportFile(c.Context, s, out, options)
	}
	bar.finish()
	if err != nil {
		return fmt.Errorf("exporting recording %s: %w", rec.Head().ID, err)
	}
	e.notef("%s, %s in %s", length(report.Duration), count(len(report.Tracks), "track"), out)
	for i, t := range report.Tracks {
		if format == "tracks" {
			e.notef("  %s: %s", clean(t.Label()), clean(report.Files[i]))
		} else {
			e.notef("  %s", clean(t.Label()))
		}
	}
	if report.Dropped > 0 {
		e.notef("%s came too late to keep their place and were left out", count(report.Dropped, "frame"))
	}
	err = e.shortcomings(rec, s.Tracks(), report.Gaps, report.Missing, src.tornSegments())
	if err == nil && report.Incomplete {
		err = exitWith(exitIncomplete, fmt.Errorf("recording %s is not complete", rec.Head().ID))
	}
	return err
}

// shortcomings tells what a recording lacks, and returns the error with the
// exit code for it.
func (e *env) shortcomings(rec *archive.Recording, tracks []media.Track, gaps []media.Event, missing []playback.SegmentError, torn int) error {
	id, state := rec.Head().ID, rec.Head().State
	f := facts{tracks: tracks}
	damaged, closedToUs := 0, 0
	for _, m := range missing {
		switch {
		case errors.Is(m.Err, io.ErrUnexpectedEOF): // it is torn
		case errors.Is(m.Err, playback.ErrDamaged):
			damaged++
		case errors.Is(m.Err, playback.ErrLocked):
			closedToUs++
			continue // many in a row, told once below
		}
		e.notef("missing: segment %d%s: %s", m.Number, span(m.From, m.To), clean(m.Err.Error()))
	}
	if closedToUs > 0 {
		e.notef("missing: %s of which you are no reader", count(closedToUs, "segment"))
	}
	if torn > 0 {
		e.notef("torn: %s, of which the end was lost with the recorder", count(torn, "segment"))
	}
	for _, g := range gaps {
		e.notef("hole: %s%s: %s", f.label(g.Track), span(g.From, g.To), clean(g.Reason))
	}
	switch {
	case damaged > 0:
		return exitWith(exitUnverified, hinted(fmt.Errorf("recording %s is damaged: %s left out", id, count(damaged, "segment")),
			"sealtape verify "+id+" says what is wrong"))
	case len(missing) > 0 || torn > 0 || incomplete(gaps):
		return exitWith(exitIncomplete, fmt.Errorf("recording %s is not complete", id))
	case state == archive.StateOpen:
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s is not closed: more may follow", id),
			"if it is not going on, sealtape recover on the machine that recorded finishes it"))
	case state != archive.StateClosed:
		return exitWith(exitIncomplete, fmt.Errorf("recording %s was cut: its recorder died", id))
	}
	return nil
}

func span(from, to time.Duration) string {
	switch {
	case to > from:
		return fmt.Sprintf(" from %s to %s", length(from), length(to))
	case from > 0:
		return fmt.Sprintf(" from %s on", length(from))
	}
	return ""
}
