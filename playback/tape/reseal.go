package tape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// eventResealed is the first event of a recording that Reseal made. Its text is
// the head of the original, its four lines joined by spaces.
const eventResealed media.EventType = "resealed"

// resealIndex is the most segments that an index describes.
const resealIndex = 64

// ErrNotOver: the recording has not ended, so it cannot be resealed.
var ErrNotOver = errors.New("the recording is not over")

// ResealOptions say for whom and as what a recording is written again.
type ResealOptions struct {
	Readers []age.Recipient
	// Title is what the new recording is called, cleaned as media.Plain does. ""
	// means as the old one.
	Title string
	// Done, if not nil, is called after each segment.
	Done func()
}

// Reseal writes the recording again for other readers, as a recording of w: one
// epoch, the same frames and events but for another title, and before them an
// event with the head of the original. The clear content is in memory only. Then
// Reseal closes w, with state cut if the original was cut, since what lacks its
// end still lacks it.
//
// The reader's keys must open all of the recording. If they do not, the error
// wraps archive.ErrNoKey and nothing is written. If the recording has not ended,
// the error is ErrNotOver. After an error w has nothing of use, and the caller
// removes it.
func Reseal(ctx context.Context, t *Tape, w *archive.Writer, o ResealOptions) error {
	state := t.rec.Head().State
	if !state.Final() {
		return fmt.Errorf("recording %s: %w", t.ID(), ErrNotOver)
	}
	for _, ep := range t.rec.Epochs() {
		if _, err := t.rec.EpochSecret(ctx, ep.Number); err != nil {
			return err
		}
	}
	end := w.Close
	if state == archive.StateCut {
		end = w.CloseCut
	}
	o.Title = media.Plain(o.Title, media.MaxTitle)
	err := (&resealer{rec: t.rec, w: w, o: o}).reseal(ctx)
	return errors.Join(err, end())
}

// A resealer writes one recording again.
type resealer struct {
	rec *archive.Recording
	w   *archive.Writer
	o   ResealOptions

	cited  bool
	index  media.Index
	tally  media.Tally
	tracks map[uint64]media.Track // as indexes described them so far
}

func (r *resealer) reseal(ctx context.Context) error {
	if _, err := r.w.StartEpoch(r.o.Readers); err != nil {
		return err
	}
	r.tracks = make(map[uint64]media.Track)
	for _, s := range r.rec.Segments() {
		if err := r.segment(ctx, s); err != nil {
			return err
		}
		if r.o.Done != nil {
			r.o.Done()
		}
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
		r.tally = media.Tally{} // the next segment does not continue the last one
		return nil              // the segment has no content
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
	defer func() { err = errors.Join(err, o.Abort()) }() // does nothing after Commit
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
		if r.o.Title != "" {
			if err := r.event(out, media.Event{Type: media.EventTitle, Text: r.o.Title}); err != nil {
				return err
			}
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
		case block.Event != nil && block.Event.Type == media.EventTitle && r.o.Title != "":
			// it has another one
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

// ResealedFrom returns the head of the recording that this one was made of. ""
// means that the events name none.
func ResealedFrom(events []media.Event) string {
	for _, e := range events {
		if e.Type == eventResealed {
			return e.Text
		}
	}
	return ""
}

// Cited parses the result of ResealedFrom.
func Cited(text string) (archive.Head, bool) {
	f := strings.Fields(text)
	if len(f) != 5 {
		return archive.Head{}, false
	}
	h, err := archive.ParseHead(strings.Join(f[:3], "\n") + "\n" + f[3] + " " + f[4] + "\n")
	return h, err == nil
}
