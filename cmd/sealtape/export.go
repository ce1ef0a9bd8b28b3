package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
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
		Description: `The ending of PATH says what is made:

  .mkv   every track as it was sent, in one file, with chapters, and the chat and what
         was said as subtitles. Nothing is decoded. Most players play one sound of it at a time.
  .mp4   all pictures as tiles of one, all sounds mixed, chapters and subtitles
  .m4a   all sounds mixed into one, AAC; .ogg is the same as Opus, .wav uncompressed
  .vtt   chat and timeline as subtitles: who came, left, spoke, wrote and showed a
         screen, and what is missing; .txt is the same to read
  .srt   what was said, as subtitles
  --format tracks makes PATH a folder with a file for each track as it was sent, all
         of the same beginning and length, so that they line up

"-o -" writes to standard output, where --format says what: mkv, m4a, ogg, wav, vtt, srt
or txt. Of an mkv of more than 32 MiB all is then read twice. A file must be new, and appears
when all is written. ID may be the start of one, or "last".

Mixed files need ffmpeg on this machine. It decodes what strangers sent, and gets it
through pipes, never as a file. Each speaker is turned up or down, by 15 dB at most, to
a loudness of -20 LUFS, measured as EBU R128 says in a minute of what they said;
--no-level leaves that out. Whatever many say at once does not clip.

TIME is as in 754, 12:34, 1:02:03 or 12m34s. The times in an exported part count from
its beginning. An .mkv and tracks also hold, hidden, the pictures since the last key
frame before it, without which its first ones cannot be decoded. With --participant,
the chat is theirs alone. Two people of one name have their identities behind it.

What was said is in files with text, if somebody wrote it down: by the newest transcript
that counts of those attached (see "sealtape attach"), else as agents in the room wrote
it down. --words chooses. What begins with [unencrypted] came so into an encrypted room: the
server can have written it.

Where a recorder died, the meeting is in several recordings. --meeting joins all of them, by
their wall clocks, whichever is named; what is missing between two is a hole, "between". Each
has the words of its own newest transcript, or of the one that --words names, if it has it.

Time stays true: where there is no sound there is silence, and a picture stands still.
What is missing is listed, and so is every frame that could not be taken along.

` + holeHelp + `

Exit code 3: it is written, and something of a second or more is missing, or frames
were left out, or the recording was not closed. 4: it is written without what failed
verification, or the key that signed the recording was revoked.`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "the file or folder to make, `PATH`, or - for standard output"},
			&cli.StringFlag{Name: "format", Destination: &o.format, Usage: "`FORMAT` is mkv, mp4, m4a, ogg, wav, vtt, srt, txt or tracks, where the ending does not say it"},
			&cli.StringFlag{Name: "from", Destination: &o.from, Usage: "begin at `TIME` of the recording"},
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "end at `TIME` of the recording"},
			&cli.StringSliceFlag{Name: "participant", Usage: "export only who is called `NAME` or has that identity; may be repeated"},
			&cli.StringFlag{Name: "words", Destination: &o.words, Usage: "`WHICH` words: live, none, or a transcript that is attached (default: the newest of these, else live)"},
			&cli.BoolFlag{Name: "meeting", Destination: &o.meeting, Usage: "join all recordings of the meeting on one clock, see above"},
			o.StoreFlag(), o.JSONFlag(),
		}, o.mixFlags()...),
		UsageText: `  sealtape export last -o meeting.mp4                    # to show it to somebody
  sealtape export last -o meeting.mkv                    # to keep all of it
  sealtape export last -o talk.m4a --from 12:30 --to 40:00
  sealtape export last -o ada.mkv --participant Ada
  sealtape export last -o minutes.txt
  sealtape export last -o meeting.srt --words transcript.vtt
  sealtape export last -o voices --format tracks         # to cut it
  sealtape export last -o - --format wav | whisper -     # for another program`,
		Action: flags.Action(&o, runExport, flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type exportOptions struct {
	flags.StoreOption
	flags.JSONOption
	id, output, format string
	from, to, words    string
	meeting            bool // join its parts
	participants       []string
	layout, size       string
	noLevel            bool
	encoder            string
	given              map[string]bool // the flags that were, of those with a default

	// Set by check from these.
	kind    format
	mp4     playback.MP4Options
	excerpt playback.ExportOptions
}

// RecordingName returns what names the recording.
func (o *exportOptions) RecordingName() string { return o.id }

func (o *exportOptions) Rest(c *cli.Context) {
	o.participants, o.given = c.StringSlice("participant"), make(map[string]bool)
	for _, name := range []string{"layout", "size", "encoder"} {
		o.given[name] = c.IsSet(name)
	}
}

func (o *exportOptions) Check() (err error) {
	if o.output == "" {
		return ui.Misuse("where to? -o PATH is missing")
	}
	if o.kind, err = chooseFormat(o.output, o.format); err != nil {
		return err
	}
	if o.output == toStdout && o.JSON {
		return ui.Misuse("--json is printed on standard output too: name a file with -o PATH")
	}
	if err := o.checkMix(); err != nil {
		return err
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

// checkPath returns why the path cannot be written: something is there, or nothing can
// be. It refuses a terminal for what is no text.
func (o *exportOptions) checkPath(stdout io.Writer) (err error) {
	out := o.output
	if out == toStdout {
		if !o.kind.text && terminal.Is(stdout) {
			return ui.Hinted(ui.Misuse("standard output is a terminal, and %s is no text", o.kind.name), "send it to a file or another program",
				"sealtape export "+ui.ShellWord(o.id)+" -o - --format "+o.kind.name+" > FILE")
		}
		return nil
	}
	if o.kind.name == "tracks" {
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
	if err := o.checkPath(e.Stdout); err != nil {
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
	set := func(t *tape.Options) {
		t.OnRead = func(int) { reading.Load().Add(1) }
		// What a store withholds is not to look as if it had not been recorded.
		t.OnStoreError = giveUp
	}
	t, err := a.OpenReadable(ctx, o.id, set)
	if err != nil {
		return err
	}
	id := t.ID()
	if err := a.Untrusted(ctx, t); err != nil {
		e.Warnf("%v", err) // the verdict says it again, and has the exit code
	}
	if out != toStdout {
		sweepParts(e, filepath.Dir(out))
	}
	if len(t.Segments()) == 0 && !o.meeting {
		return nothingKept(t)
	}
	open := func(t *tape.Tape) (*playback.Session, error) {
		bar := e.Progress("reading", int64(len(t.Segments())))
		reading.Store(bar)
		s, err := t.Session(reads)
		reading.Store(nil)
		bar.Finish()
		if errors.Is(err, context.Canceled) {
			err = context.Cause(reads)
		}
		return s, err
	}
	s, err := open(t)
	if err != nil {
		return err
	}
	parts, err := partsOf(ctx, a, t, o.meeting, "joins all its parts", set)
	if err != nil {
		return err
	}
	kept := func(t *tape.Tape) bool { return len(t.Segments()) > 0 }
	if !kept(t) && !slices.ContainsFunc(parts, kept) {
		return nothingKept(t)
	}
	each := []*playback.Session{s} // recording, if there are several
	if len(parts) > 0 {
		if s, each, err = joinParts(ctx, s, parts, open); err != nil {
			return err
		}
	}
	if options.From > 0 && options.From >= s.Duration() {
		return ui.Hinted(fmt.Errorf("recording %s lasts %s, there is nothing from %s on", id, ui.Length(s.Duration()), ui.Length(options.From)),
			"--from counts from the recording's beginning")
	}
	if options.Participants, err = chosenParticipants(o.present(s), o.participants); err != nil {
		return err
	}

	if len(parts) > 0 {
		options.Words, err = meetingWords(ctx, a, append([]*tape.Tape{t}, parts...), each, s, o)
	} else {
		options.Words, err = chooseWords(ctx, a, t, s, o)
	}
	if err != nil {
		return err
	}

	bar := e.Progress("writing", int64(excerptLength(s, options)))
	began := time.Now()
	options.Progress = func(done, _ time.Duration) {
		bar.Describe("writing" + speed(done, time.Since(began)))
		bar.Set(int64(done))
	}
	o.mp4.Warn = func(err error) { e.Warnf("%v", err) }
	report, err := o.write(reads, s, e.Stdout, options)
	bar.Finish()
	if errors.Is(err, context.Canceled) {
		err = context.Cause(reads)
	}
	var unread *playback.SegmentError
	switch {
	case errors.Is(err, playback.ErrNothing) && !errors.As(err, &unread) && (len(options.Participants) > 0 || options.From > 0 || options.To > 0):
		return ui.Hinted(fmt.Errorf("recording %s has nothing of that", id), "see who was there when", "sealtape info "+id+" --timeline")
	case errors.Is(err, playback.ErrNoSound):
		return ui.Hinted(fmt.Errorf("recording %s cannot be %s: %w", id, o.kind.name, err), "there are pictures alone", "sealtape export "+id+" -o FILE.mkv")
	case errors.Is(err, playback.ErrTooLong):
		return ui.Hinted(fmt.Errorf("recording %s cannot be %s: %w", id, o.kind.name, err), "--from and --to export a part of it; .m4a and .ogg may be of any length")
	case out == toStdout && errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("exporting recording %s: what reads standard output has ended before all was written", id)
	case out == toStdout && errors.Is(err, syscall.ENOSPC):
		return ui.Hinted(fmt.Errorf("exporting recording %s: %w", id, err), "make room or choose another disk; what standard output has of the export is not whole")
	case errors.Is(err, syscall.ENOSPC):
		return ui.Hinted(fmt.Errorf("exporting recording %s: %w", id, err), "make room or choose another disk; nothing is left of the export")
	case err != nil:
		return fmt.Errorf("exporting recording %s: %w", id, err)
	}
	show.Export(e, report, out)
	if o.kind.name == "mkv" && out != toStdout {
		show.OneSoundHint(e, report, id, out)
	}
	d, err := t.Describe(ctx)
	if err != nil {
		return err
	}
	f := show.Lacks(e, d, s.Tracks(), report.Holes, report.Missing)
	for _, p := range parts {
		if state := p.Recording().Head().State; state != archive.StateClosed && f.State == archive.StateClosed {
			f.State = state
		}
	}
	f.Dropped = report.Dropped()
	end := ui.Outcome{ID: id, Verdict: f.Verdict()}.Err()
	if o.JSON {
		if err := e.JSON(show.ExportOf(id, out, o.kind.name, report, end != nil)); err != nil {
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
