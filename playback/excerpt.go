package playback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// ErrRange: From and To name no part of the recording.
var ErrRange = errors.New("nothing of the recording is between these times")

// An excerpt is the part of a recording that an export is of. Its own clock
// begins at zero where the export begins.
type excerpt struct {
	s        *Session
	duration time.Duration // that of the recording
	from, to time.Duration // on the recording's clock
	tracks   []media.Track // in file order
	events   []media.Event // those of the recording
	chosen   map[string]bool
}

// excerpt returns what the options choose. It fails if that is nothing.
func (s *Session) excerpt(ctx context.Context, o ExportOptions) (*excerpt, error) {
	if err := s.Complete(ctx); err != nil {
		return &excerpt{s: s}, err
	}
	duration := s.Duration()
	x := &excerpt{s: s, duration: duration, from: o.From, to: duration, events: s.Events()}
	if o.To > 0 {
		x.to = min(o.To, duration)
	}
	tracks := s.withFrames()
	if len(tracks) == 0 {
		return x, ErrNothing
	}
	if o.From < 0 || o.To < 0 || x.to <= x.from {
		return x, fmt.Errorf("%w: it lasts %v", ErrRange, duration.Round(time.Second/10))
	}
	if len(o.Participants) > 0 {
		x.chosen = make(map[string]bool)
		for _, p := range o.Participants {
			x.chosen[p] = true
		}
	}
	for _, t := range tracks {
		if x.of(t.Participant) {
			x.tracks = append(x.tracks, t)
		}
	}
	if len(x.tracks) == 0 {
		return x, ErrNothing
	}
	return x, nil
}

// of reports whether the participant is among the chosen.
func (x *excerpt) of(participant string) bool { return x.chosen == nil || x.chosen[participant] }

// length is how long the export lasts.
func (x *excerpt) length() time.Duration { return x.to - x.from }

// An excerptFrame is a frame on the excerpt's clock. One that is Early was
// taken before the excerpt begins, and is there only because later pictures
// need it to decode: it stands at time zero and is not to be shown.
type excerptFrame struct {
	media.Frame
	Early bool
}

// frames yields the frames of the excerpt's tracks in order of time, with the
// errors of Session.Frames. Sound begins with the first packet that begins
// within the excerpt and ends with the last that ends there. A picture begins
// with the last key frame before the excerpt, if there is one and the camera
// was not muted meanwhile; what comes before time zero is Early.
func (x *excerpt) frames(ctx context.Context) iter.Seq2[excerptFrame, error] {
	return func(yield func(excerptFrame, error) bool) {
		codecs := make(map[uint64]media.Codec)
		for _, t := range x.tracks {
			codecs[t.UID] = t.Codec
		}
		early := make(map[uint64][]media.Frame)
		begun := x.from == 0
		begin := func() bool {
			begun = true
			for _, t := range x.tracks {
				if x.mutedAtBegin(t.UID) {
					continue
				}
				for _, f := range early[t.UID] {
					f.Time = 0
					if !yield(excerptFrame{f, true}, nil) {
						return false
					}
				}
			}
			early = nil
			return true
		}
		for f, err := range x.s.Frames(ctx) {
			if err != nil {
				if lost := (*SegmentError)(nil); errors.As(err, &lost) && !x.overlaps(lost.From, lost.To) {
					continue
				}
				if !yield(excerptFrame{}, err) {
					return
				}
				continue
			}
			codec, ok := codecs[f.Track]
			if !ok {
				continue
			}
			switch {
			case f.Time < x.from:
				if begun || codec.Audio() {
					continue // late, or of no use
				}
				if f.Key {
					early[f.Track] = early[f.Track][:0]
				}
				if f.Key || len(early[f.Track]) > 0 {
					early[f.Track] = append(early[f.Track], f)
				}
				continue
			case f.Time >= x.to && x.to < x.duration:
				if f.Time > x.to+reorderWindow {
					return
				}
				continue
			case codec.Audio() && f.Time+media.OpusDuration(f.Data) > x.to && x.to < x.duration:
				continue
			}
			if !begun && !begin() {
				return
			}
			f.Time -= x.from
			if !yield(excerptFrame{f, false}, nil) {
				return
			}
		}
	}
}

// mutedAtBegin reports whether the track is muted where the excerpt begins.
func (x *excerpt) mutedAtBegin(uid uint64) bool {
	muted := false
	for _, e := range x.events {
		if e.Time > x.from {
			break
		}
		if e.Track == uid && (e.Type == media.EventMute || e.Type == media.EventUnmute) {
			muted = e.Type == media.EventMute
		}
	}
	return muted
}

// overlaps reports whether a span on the recording's clock concerns the
// excerpt. A span without an end lasts, and what is missing behind all that is
// known concerns what goes to the end.
func (x *excerpt) overlaps(from, to time.Duration) bool {
	return (from < x.to || x.to == x.duration) && (to == 0 || to > x.from)
}

// report returns the report of an export that has not begun: what is known to
// be missing within the excerpt.
func (x *excerpt) report() Report {
	r := Report{From: x.from, Duration: x.length()}
	owner := make(map[uint64]string)
	for _, t := range x.s.Tracks() {
		owner[t.UID] = t.Participant
	}
	for _, g := range x.s.Gaps() {
		if x.of(cmp.Or(owner[g.Track], g.Participant)) && x.overlaps(g.From, g.To) {
			g.From = max(g.From, x.from)
			if x.to < x.duration {
				g.To = min(g.To, x.to)
			}
			g.Time = g.From
			r.Gaps = append(r.Gaps, g)
		}
	}
	for _, m := range x.s.Missing() {
		if x.overlaps(m.From, m.To) {
			r.Missing = append(r.Missing, m)
		}
	}
	r.Incomplete = len(r.Missing) > 0 || wideHole(r.Gaps)
	return r
}
