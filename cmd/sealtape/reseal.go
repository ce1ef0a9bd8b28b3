package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// eventResealed is the first event of a recording that reseal made. Its text is
// the head of the old one, its four lines joined by spaces.
const eventResealed media.EventType = "resealed"

// resealIndex is how many segments an index tells of at most.
const resealIndex = 64

func resealCommand() *cli.Command {
	return &cli.Command{
		Name:      "reseal",
		Usage:     "make a new recording of an old one, for other readers",
		ArgsUsage: "ID --reader NAME",
		Description: `Decrypts in memory and writes a new recording, with an ID, a key and a signature
of its own: yours. Its timeline begins with the head of the old one. The
old one is left alone; who could open it still can, until it is removed from
every store. You must be able to open all of it.

Exit code 3: the recording is not closed, and nothing was written.`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "reader", Usage: "who can open the new one: a pinned `NAME`, an age recipient, or a file with either; repeat for more"},
			&cli.StringFlag{Name: "to", Usage: "where the new one goes, if not where the old one is: a `STORE`"},
			storeFlag(),
		},
		Action: resealAction,
	}
}

func resealAction(c *cli.Context) (err error) {
	e := envOf(c)
	args, err := arguments(c, "the ID of a recording")
	if err != nil {
		return err
	}
	if len(c.StringSlice("reader")) == 0 {
		return usagef(c, "for whom? --reader NAME is missing")
	}
	a, err := openAccess(c)
	if err != nil {
		return err
	}
	if err := unrevoked(a.home); err != nil {
		return err
	}
	readers, err := parseReaders(a.home, c.StringSlice("reader"))
	if err != nil {
		return err
	}
	rec, err := a.openReadable(c.Context, args[0])
	if err != nil {
		return err
	}
	if err := a.distrust(rec); err != nil {
		return err // nobody is to vouch for it after all
	}
	if !rec.Head().State.Final() {
		return exitWith(exitIncomplete, hinted(fmt.Errorf("recording %s is not closed", rec.Head().ID),
			"reseal it when it is over; sealtape recover on the machine that recorded ends one that was cut"))
	}
	for _, ep := range rec.Epochs() { // before anything is written
		if _, err := rec.EpochSecret(c.Context, ep.Number); err != nil {
			return err
		}
	}
	id, err := e.loadIdentity(c.Context, a.home)
	if err != nil {
		return err
	}
	if err := bot.CheckRole(id); err != nil {
		return explainRecord(err)
	}
	to := a.store
	if c.String("to") != "" {
		s, err := e.openStore(c.Context, c.String("to"), true)
		if err != nil {
			return err
		}
		to = archive.Retry(s, archive.RetryConfig{OnRetry: e.retrying})
	}

	// Not in the spool: half of it must not be finished and uploaded by others.
	work := filepath.Join(a.home.Dir(), "reseal")
	if err := sweepReseal(work); err != nil {
		return err
	}
	w, err := archive.Create(work, archive.Config{Signer: id.Signer()})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, archive.RemoveSpooled(work, w.ID()))
		os.Remove(work) // if it is empty
	}()
	bar := e.progress("resealing", int64(len(rec.Segments())))
	r := &resealer{rec: rec, w: w, done: func() { bar.add(1) }}
	err = r.reseal(c.Context, readers)
	bar.finish()
	// What lacks its end lacks it under any name.
	end := w.Close
	if rec.Head().State == archive.StateCut {
		end = w.CloseCut
	}
	if err = errors.Join(err, end()); err != nil {
		return err
	}
	if err := copyResealed(c.Context, to, work, w.ID()); err != nil {
		return err
	}
	e.printf("%s resealed as %s\n", rec.Head().ID, w.ID())
	if slices.ContainsFunc(readers, func(r bot.Reader) bool { return !r.PostQuantum }) {
		e.warnf("not all readers have post-quantum keys: the new recording is not post-quantum")
	}
	return nil
}

// copyResealed copies the new recording to where it belongs. It holds it meanwhile,
// so that no sweepReseal takes it for a leftover.
func copyResealed(ctx context.Context, to archive.Store, work, id string) (err error) {
	h, err := archive.HoldSpooled(work, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	local, err := dir.Open(work)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Close()) }()
	return archive.Copy(ctx, to, local, id)
}

// sweepReseal removes what a reseal left that was killed. What is in use is left
// alone.
func sweepReseal(work string) error {
	left, err := os.ReadDir(work)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, f := range left {
		if archive.ValidID(f.Name()) != nil {
			// A crash in the middle of a removal leaves a folder under another name.
			if err := os.RemoveAll(filepath.Join(work, f.Name())); err != nil {
				return err
			}
			continue
		}
		if err := archive.RemoveSpooled(work, f.Name()); err != nil && !errors.Is(err, archive.ErrBusy) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// A resealer writes one recording again.
type resealer struct {
	rec  *archive.Recording
	w    *archive.Writer
	done func() // called after each segment

	cited  bool
	index  media.Index
	tally  media.Tally
	tracks map[uint64]media.Track // as indexes have told of them
}

func (r *resealer) reseal(ctx context.Context, readers []bot.Reader) error {
	var recipients []age.Recipient
	for _, to := range readers {
		recipients = append(recipients, to.Recipients...)
	}
	if _, err := r.w.StartEpoch(recipients); err != nil {
		return err
	}
	r.tracks = make(map[uint64]media.Track)
	for _, s := range r.rec.Segments() {
		if err := r.segment(ctx, s); err != nil {
			return err
		}
		r.done()
		if len(r.index.Segments) == resealIndex {
			if err := r.writeIndex(); err != nil {
				return err
			}
		}
	}
	if !r.cited {
		return fmt.Errorf("recording %s: %w", r.rec.Head().ID, playback.ErrNothing)
	}
	return r.writeIndex()
}

// segment writes one segment: the same blocks under another header.
func (r *resealer) segment(ctx context.Context, s archive.SegmentInfo) (err error) {
	plain, err := r.rec.ReadSegment(ctx, s.Number)
	torn := (*archive.TornError)(nil)
	if err != nil && !errors.As(err, &torn) {
		return err
	}
	in, err := matroska.NewReader(bytes.NewReader(plain))
	if torn != nil && errors.Is(err, io.ErrUnexpectedEOF) {
		r.tally = media.Tally{} // what comes does not follow what came
		return nil              // nothing of it is there
	} else if err != nil {
		return fmt.Errorf("segment %d: %w", s.Number, err)
	}
	h := in.Header()
	if h.Recording != r.rec.Head().ID || h.Segment != s.Number || h.Epoch != s.Epoch {
		return fmt.Errorf("segment %d: %w", s.Number, playback.ErrForeign)
	}
	o, err := r.w.Create(archive.Segment)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Abort()) }() // nothing after Commit
	h.Recording, h.Segment, h.Epoch = r.w.ID(), o.Number(), o.Epoch()
	out, err := matroska.NewWriter(o, h)
	if err != nil {
		return err
	}
	r.index.Recording, r.index.Start = h.Recording, h.Start
	r.tally.Open(h.Segment, h.Epoch)
	codecs := make(map[uint64]media.Codec)
	for _, track := range h.Tracks {
		codecs[track.UID] = track.Codec
		if told, ok := r.tracks[track.UID]; !ok || told.Width != track.Width || told.Height != track.Height {
			r.tracks[track.UID] = track
			r.index.Tracks = append(r.index.Tracks, track)
		}
	}
	if !r.cited {
		r.cited = true
		cite := media.Event{Type: eventResealed, Text: strings.Join(strings.Fields(r.rec.Head().String()), " ")}
		if err := r.event(out, cite); err != nil {
			return err
		}
	}
	if err := r.blocks(in, out, codecs, torn != nil); err != nil {
		return fmt.Errorf("segment %d: %w", s.Number, err)
	}
	if err := out.Close(); err != nil {
		return err
	}
	r.index.Segments = append(r.index.Segments, r.tally.Close(out.Size(), 0))
	return o.Commit()
}

func (r *resealer) blocks(in *matroska.Reader, out *matroska.Writer, codecs map[uint64]media.Codec, torn bool) error {
	for {
		block, err := in.Next()
		switch {
		case err == io.EOF, torn && errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		case block.Event != nil:
			err = r.event(out, *block.Event)
		default:
			r.tally.Frame(block.Frame, codecs[block.Frame.Track])
			err = out.WriteFrame(block.Frame)
		}
		if err != nil {
			return err
		}
	}
}

func (r *resealer) event(out *matroska.Writer, ev media.Event) error {
	r.index.Events = append(r.index.Events, ev)
	return out.WriteEvent(ev)
}

// writeIndex writes the index of the segments since the last one.
func (r *resealer) writeIndex() error {
	if len(r.index.Segments) == 0 {
		return nil
	}
	o, err := r.w.Create(archive.Index)
	if err != nil {
		return err
	}
	if err := media.WriteIndex(o, &r.index); err != nil {
		return errors.Join(err, o.Abort())
	}
	r.index = media.Index{}
	return o.Commit()
}

// resealedFrom returns the head of the recording that this one was made of, ""
// if it is no such one, or not known to be.
func resealedFrom(events []media.Event) string {
	for _, e := range events {
		if e.Type == eventResealed {
			return e.Text
		}
	}
	return ""
}

// cited parses a cited head.
func cited(text string) (archive.Head, bool) {
	f := strings.Fields(text)
	if len(f) != 5 {
		return archive.Head{}, false
	}
	h, err := archive.ParseHead(strings.Join(f[:3], "\n") + "\n" + f[3] + " " + f[4] + "\n")
	return h, err == nil
}

// citation returns a cited head for people.
func citation(text string) string {
	h, ok := cited(text)
	if !ok {
		return text
	}
	return fmt.Sprintf("%s (%s, %s)", h.ID, h.State, count(int(h.Size), "object"))
}
