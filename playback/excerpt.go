package playback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/media"
)

// ErrRange: nothing of the recording is between From and To.
var ErrRange = errors.New("nothing of the recording is between these times")

// An excerpt is the part of a recording that is exported. Its own clock begins at
// zero where the export begins.
type excerpt struct {
	s        *Session
	duration time.Duration // that of the recording
	from, to time.Duration // on the recording's clock
	tracks   []media.Track // in file order
	events   []media.Event // those of the recording
	missing  []SegmentError
	chosen   map[string]bool
	names    *media.Names
	words    *transcript.Transcript   // what was said; nil: not known
	speeches map[string][]media.Event // by identity; see speech
}

// span returns the part that the options choose, without its tracks. It fails if
// nothing is between the times.
func (s *Session) span(o ExportOptions) (*excerpt, error) {
	duration := s.Duration()
	x := &excerpt{s: s, duration: duration, from: o.From, to: duration, events: s.Events(), missing: s.Missing(), names: s.Names(), words: o.Words}
	if o.To > 0 {
		x.to = min(o.To, duration)
	}
	if o.From < 0 || o.To < 0 || x.to <= x.from && !x.whole() {
		return x, fmt.Errorf("%w: it lasts %v", ErrRange, duration.Round(time.Second/10))
	}
	if len(o.Participants) > 0 {
		x.chosen = make(map[string]bool)
		for _, p := range o.Participants {
			x.chosen[p] = true
		}
	}
	return x, nil
}

// excerpt returns the part that the options choose. It fails if that part is
// empty.
func (s *Session) excerpt(ctx context.Context, o ExportOptions) (*excerpt, error) {
	if err := s.Complete(ctx); err != nil {
		return &excerpt{s: s}, err
	}
	x, err := s.span(o)
	tracks := s.withFrames()
	if len(tracks) == 0 {
		return x, x.nothing()
	}
	if err != nil {
		return x, err
	}
	there := x.there()
	for _, t := range tracks {
		if x.of(t.Participant) && there[t.UID] {
			x.tracks = append(x.tracks, t)
		}
	}
	if len(x.tracks) == 0 {
		return x, x.nothing()
	}
	return x, nil
}

// nothing returns the error for an excerpt without a frame.
func (x *excerpt) nothing() error {
	r := x.report()
	return r.nothing()
}

// there returns the tracks with frames within the excerpt, to the precision of
// segments, or with a picture from before that still stands.
func (x *excerpt) there() map[uint64]bool {
	there := make(map[uint64]bool)
	for _, seg := range x.s.Segments() {
		if x.whole() || seg.From < x.to && seg.To >= x.from {
			for _, t := range seg.Tracks {
				there[t.UID] = true
			}
		}
	}
	_, begins, _ := x.s.between(x.from, x.to)
	for uid := range begins {
		there[uid] = true
	}
	return there
}

// of reports whether the participant's tracks are exported.
func (x *excerpt) of(participant string) bool { return x.chosen == nil || x.chosen[participant] }

// length returns how long the export lasts.
func (x *excerpt) length() time.Duration { return x.to - x.from }

// whole reports whether the excerpt is the whole time of the recording.
func (x *excerpt) whole() bool { return x.from == 0 && x.to == x.duration }

// An excerptFrame is a frame on the excerpt's clock. Early is how long before the
// excerpt a picture was taken. An early picture is there only to decode later
// ones: its time is zero, and it is not to be shown.
type excerptFrame struct {
	media.Frame
	Early time.Duration
	// passed: no frame before this time follows, of any track.
	passed time.Duration
	// beyond: it is later than the recording can be, and has no place in it.
	beyond bool
}

// frames yields the frames of the excerpt's tracks in order of time, with the
// errors of Session.Frames. Sound begins with the first packet that begins within
// the excerpt and ends with the last one that ends there. A picture begins with
// its last key frame at or before the excerpt's beginning; that frame, and others
// before time zero, are Early.
func (x *excerpt) frames(ctx context.Context) iter.Seq2[excerptFrame, error] {
	source := x.s.all(ctx)
	if !x.whole() {
		to := x.to
		if to == x.duration {
			to = 0 // includes a last picture that begins at the end
		}
		source = x.s.part(ctx, x.from, to)
	}
	sound := make(map[uint64]bool)
	for _, t := range x.tracks {
		sound[t.UID] = t.Codec.Audio()
	}
	return func(yield func(excerptFrame, error) bool) {
		for f, err := range source {
			if err != nil {
				if lost := (*SegmentError)(nil); errors.As(err, &lost) && !x.overlaps(lost.From, lost.To) {
					continue
				}
				if !yield(excerptFrame{}, err) {
					return
				}
				continue
			}
			isSound, ok := sound[f.Track]
			if !ok || isSound && (f.Time < x.from || f.Time+f.Duration > x.to && x.to < x.duration) {
				continue
			}
			beyond := f.Time > x.s.latest()
			shown := f.Shown() - x.from
			early := max(0, -shown)
			f.Time = max(f.Time-x.from, 0)
			if f.Later != 0 {
				f.Later = max(shown, 0) - f.Time
			}
			if early > 0 {
				f.Time, f.Later = 0, 0
			}
			if !yield(excerptFrame{f.Frame, early, max(0, f.passed-x.from), beyond}, nil) {
				return
			}
		}
	}
}

// overlaps reports whether a span on the recording's clock overlaps the excerpt.
// A span without an end has not ended. A missing segment after everything that is
// known overlaps an excerpt that goes to the end.
func (x *excerpt) overlaps(from, to time.Duration) bool {
	return (from < x.to || x.to == x.duration) && (to == 0 || to > x.from)
}

// report returns the report of an export that has not begun, with what is known
// to be missing.
func (x *excerpt) report() Report {
	r := Report{Names: x.names, From: x.from, Duration: x.length()}
	owner := make(map[uint64]string)
	for _, t := range x.s.Tracks() {
		owner[t.UID] = t.Participant
	}
	for _, g := range x.s.Holes() {
		if x.of(cmp.Or(owner[g.Track], g.Participant)) && x.overlaps(g.From, g.To) {
			g.From = max(g.From, x.from)
			if x.to < x.duration {
				g.To = min(g.To, x.to)
			}
			g.Time = g.From
			r.Holes = append(r.Holes, g)
		}
	}
	for _, m := range x.missing {
		if x.overlaps(m.From, m.To) {
			r.Missing = append(r.Missing, m)
		}
	}
	r.Incomplete = len(r.Missing) > 0 || wideHole(r.Holes)
	return r
}
