package tape

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
)

// A CheckReport is the result of Check.
type CheckReport struct {
	playback.CheckReport
	// Problems are faults that Verify did not find: contradictions, with the
	// kinds of package playback, and objects that could not be read.
	Problems []archive.Problem
	// NoKey counts segments and indexes of epochs that no key of the reader opens.
	NoKey int
}

// Check decrypts the whole recording and compares it with itself, as
// playback.Check does. known are the problems that archive.Verify found; Check
// reports no second problem for their objects. The error wraps archive.ErrNoKey
// if no key opens any of the recording. Otherwise it is that of ctx.
func (t *Tape) Check(ctx context.Context, known []archive.Problem) (*CheckReport, error) {
	r := &CheckReport{}
	var err error
	r.CheckReport, err = playback.Check(ctx, t, playback.Options{Recording: t.ID()}, func(c playback.Contradiction) {
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
	return r, nil
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
