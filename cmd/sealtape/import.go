package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/ingest/folder"
)

func importCommand() *cli.Command {
	var o importOptions
	return &cli.Command{
		Name:      "import",
		Usage:     "seal what another program recorded: Zoom, OBS, Jitsi, a telephone",
		ArgsUsage: "FILE… | FOLDER | --watch FOLDER --reader NAME",
		Description: `Makes one recording of one file or of several of the same meeting, sealed to its readers, and
prints its ID first. The files stay as they are. Nothing is ever written unsealed. Your keys must
be a recorder's (keys init --recorder).

  pictures   H264, H265, VP8, VP9 and AV1 are kept bit by bit
  sound      Opus is kept; AAC, MP3, FLAC and others are encoded to Opus, which loses a little
  files      MP4, MOV, M4A, MKV, WebM, MP3, WAV, OGG, FLAC
  folders    that of one meeting: Zoom's, with a file for each speaker, chat and captions;
             Jitsi's, Galene's, LiveKit egress's, and any other's

The recording says that it was imported, by whom, when, and from which files: the name, the
size and the SHA-256 of each are sealed in it. What such a file shows is not proved by that:
whoever had it could have changed it.

Files begin together, unless their names say when each was begun, as those of OBS do. Where
that is not exact, and the sound of one is in that of another, as a speaker's is in that of the
whole meeting, the sound tells, and the recording says how exactly. A file that has the sound
of another and nothing else is left out. Messages of a chat that were to one person alone are
left out, too, unless --direct-messages is given: all readers would see them.

--remove-source deletes the files once the store has all, and what it has was read back and
compared with them, frame by frame. You must be one of the readers. A file of which something
was left out stays, unless another that goes has it, too; so does one that was not read whole.
An SSD, a snapshot, a backup or a sync client may keep what was deleted.

--watch FOLDER imports what comes into a folder, until Ctrl-C or SIGTERM: a file is a recording,
a folder in it is one with the files in it. It waits until nothing has changed for --settle, no
program writes any more, and Zoom's conversion is done. What it imported it remembers by the
SHA-256 of the files in SEALTAPE_HOME, and never imports twice into a store. While the store is
away, recordings wait sealed, and it tries again. It logs no names unless --log-level is debug.

The command needs ffmpeg and ffprobe.`,
		UsageText: `  sealtape import meeting.mp4 --reader Bob --store ./meetings
  sealtape import talk.mkv ada.m4a --name ada.m4a=Ada --reader Ada --title "Board, May" --remove-source
  sealtape import "2026-11-29 14.03.21 Weekly meeting" --reader Ada --reader Bob
  sealtape import meeting.mp4 --dry-run
  sealtape import --watch ~/Documents/Zoom --reader Ada --store ./meetings --remove-source`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "reader", Usage: "who can open it: a pinned `NAME`, an age recipient, or a file with either; repeat for more"},
			&cli.StringFlag{Name: "title", Destination: &o.title, Usage: "what the recording is called; only its readers see this `TITLE`", DefaultText: "what the first file says"},
			&cli.StringFlag{Name: "start", Destination: &o.start, Usage: "when the meeting began: a `TIME` such as 2026-05-06T14:15:00+02:00", DefaultText: "by the files' names or metadata"},
			&cli.StringSliceFlag{Name: "name", Usage: "`FILE=NAME`: who is in this file; repeat for more", DefaultText: "what the file is called"},
			&cli.BoolFlag{Name: "direct-messages", Destination: &o.direct, Usage: "keep messages to one person alone, too"},
			&cli.BoolFlag{Name: "no-mix", Destination: &o.noMix, Usage: "leave out the sound of the whole meeting where speakers have files of their own"},
			&cli.BoolFlag{Name: "dry-run", Destination: &o.dryRun, Usage: "say what would be done, and do nothing"},
			&cli.BoolFlag{Name: "remove-source", Destination: &o.remove, Usage: "delete the files in the end, see above"},
			&cli.StringFlag{Name: "watch", Destination: &o.watch, Usage: "import what comes into this `FOLDER`, as a service"},
			&cli.DurationFlag{Name: "settle", Destination: &o.settle, Value: defaultSettle, Usage: "with --watch: for what `TIME` a recording is at rest before it is imported"},
			&cli.StringFlag{Name: "metrics-addr", Destination: &o.metricsAddr, Usage: "with --watch: serve /metrics, /healthz and /readyz on this `ADDR`, such as 127.0.0.1:9464"},
			o.StoreFlag(),
		},
		Action: func(c *cli.Context) error {
			o.paths, o.readers, o.names = c.Args().Slice(), c.StringSlice("reader"), c.StringSlice("name")
			if err := o.Check(); err != nil || ui.Of(c).CheckOnly {
				return err
			}
			return runImport(c.Context, ui.Of(c), &o)
		},
	}
}

type importOptions struct {
	flags.StoreOption
	paths, readers []string
	names          []string // FILE=NAME
	title, start   string
	dryRun, remove bool
	direct         bool   // messages to one person alone, too
	noMix          bool   // the sound of all is left out where speakers have files of their own
	watch          string // folder
	settle         time.Duration
	metricsAddr    string

	begun time.Time // start as a time; zero: not given
}

func (o *importOptions) Check() (err error) {
	if o.watch != "" {
		return o.checkWatch()
	}
	switch {
	case o.metricsAddr != "", o.settle != 0 && o.settle != defaultSettle:
		return ui.Misuse("--metrics-addr and --settle are for --watch")
	case len(o.paths) == 0:
		return ui.Misuse("import needs the files or the folder of a meeting")
	case len(o.paths) > ingest.MaxParts:
		return ui.Misuse("import takes at most %d files at once", ingest.MaxParts)
	case len(o.readers) == 0 && !o.dryRun:
		return ui.Misuse("for whom? --reader NAME is missing")
	}
	if o.start != "" {
		if o.begun, err = time.Parse(time.RFC3339, o.start); err != nil || o.begun.Year() < 1970 || o.begun.Year() > 2200 {
			return ui.Hinted(ui.Misuse("--start %s is no time", ui.Clean(o.start)), "with date and zone, such as 2026-05-06T14:15:00+02:00")
		}
	}
	for _, n := range o.names {
		if file, name, ok := strings.Cut(n, "="); !ok || file == "" || name == "" {
			return ui.Misuse("--name %s is not FILE=NAME", ui.Clean(n))
		}
	}
	return checkTitle(o.title)
}

func runImport(ctx context.Context, e *ui.Env, o *importOptions) (err error) {
	im := &importer{env: e, o: o}
	if err := im.find(); err != nil {
		return err
	}
	if o.watch != "" {
		return im.watch(ctx)
	}
	if o.remove {
		if err := checkRemovable(o.paths); err != nil {
			return err
		}
	}
	plan, err := o.plan(ctx, e, im.program, time.Local)
	if err != nil {
		return explainImport(err)
	}
	if o.dryRun {
		return plan.tell(e, im.readers, o)
	}
	if err := im.open(ctx, archive.RetryConfig{OnRetry: e.Retrying}); err != nil {
		return err
	}
	// Not in the spool: half of it must not be finished and uploaded by others. The
	// files are still there.
	drafts, err := dir.OpenDrafts(filepath.Join(im.home.Dir(), "import"))
	if err != nil {
		return err
	}
	w, err := archive.Create(drafts.Path(), archive.Config{Signer: im.id.Signer()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drafts.Remove(w.ID())) }()
	e.Printf("%s\n", w.ID())
	report, err := im.seal(ctx, plan, w)
	if err != nil {
		return explainImport(err)
	}
	if err := deliver(ctx, e, drafts, im.to, w.ID()); errors.Is(err, context.Canceled) {
		return explainImport(err)
	} else if err != nil {
		return ui.Hinted(fmt.Errorf("storing it: %w", err), "the files are untouched; when the store works, import them again")
	}
	for _, s := range append(report.Said, plan.warned...) {
		e.Warnf("%s", s)
	}
	plan.leftOut(e)
	e.Notef("imported %s of %s: %s", importLength(report.Length), ui.Count(len(plan.Parts), "file"), ui.Count(len(report.Tracks), "track"))
	im.warnClassic()
	if !o.remove {
		return nil
	}
	a, err := access.OpenTo(e, im.to)
	if err != nil {
		return err
	}
	a.Use(im.id)
	return plan.remove(ctx, a, report)
}

// deliver brings a draft to a store, whole or not at all.
func deliver(ctx context.Context, e *ui.Env, drafts *dir.Drafts, to archive.Store, id string) error {
	err := drafts.Deliver(ctx, to, id)
	if errors.Is(err, dir.ErrHalf) {
		e.Warnf("half of recording %s may be left in the store, and does not verify: remove what is in %s/ there", id, id)
	}
	return err
}

// An importer has what importing takes.
type importer struct {
	env     *ui.Env
	o       *importOptions
	home    *keys.Home
	readers []bot.Reader
	program *ingest.Program

	// Set by open.
	id  *keys.Identity
	who keys.Card
	to  archive.Store
}

// find finds the home, the readers and ffmpeg.
func (im *importer) find() (err error) {
	if im.home, err = access.OpenHome(); err != nil {
		return err
	}
	if im.readers, err = parseReaders(im.home, im.o.readers); err != nil {
		return err
	}
	if im.program, err = ingest.Find(); err != nil {
		return explainImport(err)
	}
	return nil
}

// open opens the identity and the store, which is tried again as retry says.
func (im *importer) open(ctx context.Context, retry archive.RetryConfig) (err error) {
	if im.id, err = access.LoadIdentity(ctx, im.env, im.home); err != nil {
		return err
	}
	if err := access.OwnCounts(im.home); err != nil {
		return err
	}
	if err := errors.Join(bot.CheckRole(im.id), bot.CheckReaders(im.readers)); err != nil {
		return explainRecord(err, []string{im.o.Store})
	}
	if im.who, err = im.id.Card(); err != nil {
		return err
	}
	mine := func(r bot.Reader) bool { return r.Card == nil || r.Card.Key == im.who.Key } // a recipient may be yours
	if im.o.remove && !slices.ContainsFunc(im.readers, mine) {
		return ui.Hinted(ui.Misuse("--remove-source needs you among the readers: what was stored is read back before anything is deleted"),
			"--reader "+ui.ShellWord(im.who.Name))
	}
	to, err := access.OpenStore(ctx, im.env, im.o.Store, true)
	if err != nil {
		return err
	}
	if im.env.Step != nil {
		to = steppedStore{to, im.env.At}
	}
	im.to = archive.Retry(to, retry)
	machine.PrivateFiles()
	return nil
}

// A steppedStore says when an object is put.
type steppedStore struct {
	archive.Store
	at func(string)
}

func (s steppedStore) Put(ctx context.Context, name string, b archive.Blob) error {
	s.at("put")
	return s.Store.Put(ctx, name, b)
}

// warnClassic warns of keys that a quantum computer breaks.
func (im *importer) warnClassic() {
	if slices.ContainsFunc(im.readers, func(r bot.Reader) bool { return !r.PostQuantum }) {
		im.env.Warnf("not all readers have post-quantum keys: the recording is not post-quantum")
	}
}

// seal writes the recording of a plan with w, which it closes.
func (im *importer) seal(ctx context.Context, plan *importPlan, w *archive.Writer) (*ingest.Report, error) {
	plan.Recording = w.ID()
	plan.By = fmt.Sprintf("%s (%s)", im.who.Label(), im.who.Fingerprint())
	return im.o.write(ctx, im.env, im.program, plan, w, im.readers)
}

// write hashes the files, and writes their recording with w, which it closes.
func (o *importOptions) write(ctx context.Context, e *ui.Env, program *ingest.Program, plan *importPlan, w *archive.Writer, readers []bot.Reader) (*ingest.Report, error) {
	var to []age.Recipient
	for _, r := range readers {
		to = append(to, r.Recipients...)
	}
	if _, err := w.StartEpoch(to); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := plan.hash(ctx, e); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	bar := e.Progress("sealing", int64(plan.length()/time.Second))
	plan.At = time.Now()
	report, err := program.Write(ctx, bot.Sink(w), plan.Meeting, func(at time.Duration) { bar.Set(int64(at / time.Second)) })
	bar.Finish()
	for _, f := range plan.files() {
		if cerr := f.Unchanged(); cerr != nil && err == nil {
			err = &ingest.FileError{Name: f.Name, Err: cerr}
		}
	}
	return report, errors.Join(err, w.Close())
}

// explainImport adds hints to the errors of importing.
func explainImport(err error) error {
	const untouched = "the file is untouched; "
	for _, h := range []struct {
		err  error
		hint string
	}{
		{context.Canceled, "the files are untouched; import them again"},
		{ingest.ErrMissing, "install ffmpeg, which has ffprobe too, and see that both are in PATH"},
		{ingest.ErrNoIndex, untouched + "let the program that records finish it: Zoom converts when the meeting is over"},
		{folder.ErrUnconverted, "nothing was touched; let Zoom convert it: double-click the .zoom file, or choose Meetings, Recorded, Convert in Zoom"},
		{folder.ErrEmpty, "name the folder of one meeting, or its files"},
		{ingest.ErrManyMeetings, "name the files of one meeting, or import them one by one"},
		{ingest.ErrUnreadable, untouched + "see whether another player can play it, and copy it again from where it was recorded"},
		{ingest.ErrKind, untouched + "MP4, MOV, M4A, MKV, WebM, MP3, WAV, OGG and FLAC can be imported"},
		{ingest.ErrNothing, untouched + "pictures in H264, H265, VP8, VP9 or AV1 and sound can be imported; ffmpeg can encode others"},
		{ingest.ErrChanged, untouched + "wait until nothing writes to it any more, and import it again"},
	} {
		if errors.Is(err, h.err) {
			return ui.Hinted(err, h.hint)
		}
	}
	return err
}
