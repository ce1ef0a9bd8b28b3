package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

func exportCommand() *cli.Command {
	var o exportOptions
	return &cli.Command{
		Name:      "export",
		Usage:     "write a recording as files for any player",
		ArgsUsage: "ID -o PATH",
		Description: `mkv makes one file with a track for each participant and source, of which players
play one sound and one picture at a time, chapters for what happened, and the chat
as subtitles, which are off by default. tracks makes a folder with a file for each,
all of the same beginning and length, so that they line up. Nothing is transcoded
in these. mp4 mixes all into one picture and one sound, by the ffmpeg of this
machine, which then decodes what strangers sent; what it is given goes through
pipes, never to a file. ID may be the start of one, or "last". PATH must be new; it
appears when all is written.

--layout grid shows all alike, speaker who speaks large; a shared screen is large
in both. Names are drawn in Latin letters.

Time stays true: where there is no sound, for whatever reason, there is silence,
and a picture stands still. What is missing is listed. Every frame of the recording
is in mkv and tracks; if one cannot be, it is listed too, by track. A picture that
began small, as cameras do, has its largest one before the first, too short to see:
by that tools choose the size of what they convert.

TIME is as in 754, 12:34, 1:02:03 or 12m34s. With --from, mkv and tracks also hold,
hidden, the pictures since the last key frame before, without which the first ones
cannot be decoded; mp4 does not. With --participant, the chat is theirs alone.

` + holeHelp + `

Exit code 3: it is written, and something of a second or more is missing, or frames
were left out, or the recording was not closed. 4: it is written without what failed
verification, or the key that signed the recording was revoked.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "the file or folder to make, `PATH`"},
			&cli.StringFlag{Name: "format", Value: "mkv", Destination: &o.format, Usage: "`mkv`, tracks or mp4, which is for what is called .mp4"},
			&cli.StringFlag{Name: "from", Destination: &o.from, Usage: "begin at `TIME` of the recording"},
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "end at `TIME` of the recording"},
			&cli.StringSliceFlag{Name: "participant", Usage: "export only who is called `NAME` or has that identity; may be repeated"},
			o.StoreFlag(), o.JSONFlag(),
		}, o.mp4Flags()...),
		UsageText: `  sealtape export last -o meeting.mkv --store ./meetings
  sealtape export F2JE -o tracks --format tracks --participant Bob
  sealtape export last -o clip.mp4 --from 12:34 --to 15:00`,
		Action: flags.Action(&o, runExport, flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

// An exporter writes a session to a path.
type exporter func(context.Context, *playback.Session, string, playback.ExportOptions) (playback.Report, error)

// exporters are the functions that export, by format.
var exporters = map[string]exporter{
	"mkv":    playback.ExportFile,
	"tracks": playback.ExportTracks,
}

type exportOptions struct {
	flags.StoreOption
	flags.JSONOption
	id, output, format string
	from, to           string
	participants       []string
	layout, size       string
	encoder            string
	given              map[string]bool // the flags that were, of those with a default

	// Set by check from these.
	export  exporter
	warn    func(error) // set by runExport
	excerpt playback.ExportOptions
}

func (o *exportOptions) Rest(c *cli.Context) {
	o.participants, o.given = c.StringSlice("participant"), make(map[string]bool)
	for _, name := range []string{"format", "layout", "size", "encoder"} {
		o.given[name] = c.IsSet(name)
	}
}

func (o *exportOptions) Check() (err error) {
	if !o.given["format"] && strings.EqualFold(filepath.Ext(o.output), ".mp4") {
		o.format = "mp4"
	}
	if o.output == "" {
		return ui.Misuse("where to? -o PATH is missing")
	}
	if o.output == "-" {
		return ui.Misuse("export writes files, and nothing to standard output; ./- is a file of that name")
	}
	if o.export, err = o.exporter(); err != nil {
		return err
	}
	for _, other := range []string{"mkv", "mp4"} {
		if o.format != other && strings.EqualFold(filepath.Ext(o.output), "."+other) {
			return ui.Misuse("-o %s would be of format %s: give it another name, or --format %s", ui.Clean(o.output), o.format, other)
		}
	}
	return o.checkExcerpt()
}

// checkExcerpt reads --from and --to.
func (o *exportOptions) checkExcerpt() (err error) {
	x := &o.excerpt
	if o.from != "" {
		if x.From, err = parsePosition(o.from); err != nil {
			return ui.Misuse("--from: %v", err)
		}
	}
	if o.to != "" {
		if x.To, err = parsePosition(o.to); err != nil {
			return ui.Misuse("--to: %v", err)
		}
		if x.To <= x.From {
			return ui.Misuse("--to is %s, which is not after %s", o.to, ui.Length(x.From))
		}
	}
	return nil
}

// checkPath returns why the path cannot be written: something is there, or nothing can be.
func (o *exportOptions) checkPath() (err error) {
	out := o.output
	if o.format == "tracks" {
		err = emptyOrAbsent(out)
	} else if _, serr := os.Lstat(out); serr == nil {
		err = ui.Hinted(fmt.Errorf("%s exists already", out), "nothing is overwritten; choose another name")
	}
	if _, serr := os.Stat(filepath.Dir(out)); err == nil && errors.Is(serr, fs.ErrNotExist) {
		err = ui.Hinted(fmt.Errorf("there is no folder %s to make %s in", filepath.Dir(out), filepath.Base(out)), "make it first")
	}
	return err
}

func runExport(ctx context.Context, e *ui.Env, o *exportOptions) error {
	if err := o.checkPath(); err != nil {
		return err
	}
	a, err := access.OpenStoreOf(ctx, e, o)
	if err != nil {
		return err
	}
	options, out := o.excerpt, o.output
	reads, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var reading atomic.Pointer[terminal.Bar] // while the recording is opened
	t, err := a.OpenReadable(ctx, o.id, func(t *tape.Options) {
		t.OnRead = func(int) { reading.Load().Add(1) }
		// What a store withholds is not to look as if it had not been recorded.
		t.OnStoreError = giveUp
	})
	if err != nil {
		return err
	}
	id := t.ID()
	if err := a.Untrusted(ctx, t); err != nil {
		e.Warnf("%v", err) // the verdict says it again, and has the exit code
	}
	sweepParts(e, filepath.Dir(out))
	if len(t.Segments()) == 0 {
		return nothingKept(t)
	}
	bar := e.Progress("reading", int64(len(t.Segments())))
	reading.Store(bar)
	s, err := t.Session(reads)
	reading.Store(nil)
	bar.Finish()
	if errors.Is(err, context.Canceled) {
		err = context.Cause(reads)
	}
	if err != nil {
		return err
	}
	if options.From > 0 && options.From >= s.Duration() {
		return ui.Hinted(fmt.Errorf("recording %s lasts %s, there is nothing from %s on", id, ui.Length(s.Duration()), ui.Length(options.From)),
			"--from counts from the recording's beginning")
	}
	if options.Participants, err = chosenParticipants(s.Participants(), o.participants); err != nil {
		return err
	}

	bar = e.Progress("writing", int64(excerptLength(s, options)))
	began := time.Now()
	options.Progress = func(done, _ time.Duration) {
		bar.Describe("writing" + speed(done, time.Since(began)))
		bar.Set(int64(done))
	}
	o.warn = func(err error) { e.Warnf("%v", err) }
	report, err := o.export(reads, s, out, options)
	bar.Finish()
	if errors.Is(err, context.Canceled) {
		err = context.Cause(reads)
	}
	var unread *playback.SegmentError
	switch {
	case errors.Is(err, playback.ErrNothing) && !errors.As(err, &unread) && (len(options.Participants) > 0 || options.From > 0 || options.To > 0):
		return ui.Hinted(fmt.Errorf("recording %s has nothing of that", id), "see who was there when", "sealtape info "+id+" --timeline")
	case errors.Is(err, syscall.ENOSPC):
		return ui.Hinted(fmt.Errorf("exporting recording %s: %w", id, err), "make room or choose another disk; nothing is left of the export")
	case err != nil:
		return fmt.Errorf("exporting recording %s: %w", id, err)
	}
	show.Export(e, report, out)
	d, err := t.Describe(ctx)
	if err != nil {
		return err
	}
	f := show.Lacks(e, d, s.Tracks(), report.Holes, report.Missing)
	f.Dropped = report.Dropped()
	end := ui.Outcome{ID: id, Verdict: f.Verdict()}.Err()
	if o.JSON {
		if err := e.JSON(show.ExportOf(id, out, o.format, report, end != nil)); err != nil {
			return err
		}
	}
	return end
}

func excerptLength(s *playback.Session, o playback.ExportOptions) time.Duration {
	to := s.Duration()
	if o.To > 0 {
		to = min(to, o.To)
	}
	return to - o.From
}

// speed returns how much faster than the meeting something goes, once that is known.
func speed(done, took time.Duration) string {
	if took < time.Second || done <= 0 {
		return ""
	}
	x := done.Seconds() / took.Seconds()
	if x < 10 {
		return fmt.Sprintf(" at %.1f× real time", x)
	}
	return fmt.Sprintf(" at %.0f× real time", x)
}
