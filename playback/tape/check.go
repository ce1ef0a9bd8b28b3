package tape

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// A CheckReport is the result of Check.
type CheckReport struct {
	playback.CheckReport
	// Problems are faults that Verify did not find: contradictions, with the
	// kinds of package playback, and objects that could not be read.
	Problems []archive.Problem
	// NoKey counts segments and indexes of epochs that no key of the reader opens.
	NoKey int
	// MemberKeys: the members made the room's keys. Notes is how many spans they agreed
	// to be recorded in, by what they signed; it is 0 without Options.Evidence.
	MemberKeys bool
	Notes      int
}

// ProblemNote is the kind of a problem of what members signed: it does not count, or it
// does not account for frames.
const ProblemNote = "note"

// Check decrypts the whole recording and compares it with itself, as
// playback.Check does. known are the problems that archive.Verify found; Check
// reports no second problem for their objects. With Options.Evidence it also checks what
// members signed about being recorded. The error wraps archive.ErrNoKey if no key opens
// any of the recording. Otherwise it is that of ctx.
func (t *Tape) Check(ctx context.Context, known []archive.Problem) (*CheckReport, error) {
	r := &CheckReport{}
	var err error
	var notes noteCheck
	r.CheckReport, err = playback.Check(ctx, t, playback.Options{Recording: t.ID(), OnFrame: notes.frame, OnEvent: notes.event}, func(c playback.Contradiction) {
		object := t.log[c.Number].Name
		if c.Index {
			object = fmt.Sprintf("index/%06d.age", c.Number)
		}
		r.Problems = append(r.Problems, archive.Problem{Kind: c.Kind, Object: object, Text: c.Text})
	})
	if err != nil {
		return nil, err
	}
	for i := range r.Unread {
		r.unread(t.log[r.Unread[i].Number].Name, r.Unread[i].Err, known)
	}
	for _, err := range r.UnreadIndexes {
		r.unread("index", err, known)
	}
	if len(t.log) > 0 && r.NoKey == len(t.log)+len(t.Indexes()) {
		return nil, fmt.Errorf("recording %s: %w", t.ID(), archive.ErrNoKey)
	}
	notes.check(t, r)
	return r, nil
}

// A noteCheck gathers what is needed to check the notes of a recording.
type noteCheck struct {
	events  []media.Event
	frames  unaccounted
	plain   map[uint64]bool // tracks that came unencrypted
	skipped bool            // there were too many events
}

// maxNoteEvents bounds the events that are kept.
const maxNoteEvents = 1 << 20

func (n *noteCheck) event(e media.Event) {
	switch e.Type {
	case media.EventTrack:
		if e.Reason == media.TrackPlaintext {
			if n.plain == nil {
				n.plain = make(map[uint64]bool)
			}
			n.plain[e.Track] = true
		}
	case media.EventStart, eventResealed, media.EventJoin, media.EventLeave, media.EventCard, media.EventRecorder, media.EventState, media.EventNote:
		if n.skipped = n.skipped || len(n.events) >= maxNoteEvents; !n.skipped {
			n.events = append(n.events, e)
		}
	}
}

func (n *noteCheck) frame(t media.Track, f media.Frame) {
	if !n.plain[t.UID] {
		n.frames.add(t.Participant, f.Time)
	}
}

// check adds what is wrong with the notes to the report.
func (n *noteCheck) check(t *Tape, r *CheckReport) {
	slices.SortStableFunc(n.events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
	a := t.o.readAgreements(t.ID(), n.events, r.Duration)
	r.MemberKeys = a.members
	if !a.members || t.o.Evidence == nil {
		return
	}
	for _, spans := range a.of {
		r.Notes += len(spans)
	}
	faults := a.faults
	if !n.skipped {
		faults = append(faults, n.frames.faults(&a)...)
	}
	for _, f := range faults {
		r.Problems = append(r.Problems, archive.Problem{Kind: ProblemNote, Object: "timeline",
			Text: fmt.Sprintf("%s: at %v: %s", f.Participant, f.At.Round(time.Millisecond), f.Text)})
	}
}

// unread adds an object that could not be read to the report, by reason. A fault
// in its bytes is known already.
func (r *CheckReport) unread(object string, err error, known []archive.Problem) {
	if errors.Is(err, archive.ErrNoKey) {
		r.NoKey++
		return
	}
	var corrupt *archive.CorruptError
	kind := archive.ProblemUnreadable
	if errors.As(err, &corrupt) {
		object, kind = corrupt.Name, archive.ProblemCorrupt
	}
	same := func(p archive.Problem) bool { return p.Object == object }
	if !slices.ContainsFunc(known, same) && !slices.ContainsFunc(r.Problems, same) {
		r.Problems = append(r.Problems, archive.Problem{Kind: kind, Object: object, Text: err.Error()})
	}
}
