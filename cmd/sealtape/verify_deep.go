package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
)

// A deepReport is what verify --deep found out beyond verify.
type deepReport struct {
	playback.CheckReport
	problems []archive.Problem
	noKey    int // segments and indexes of epochs that no key of one's own opens
	cannot   []string
}

// A ledger gives package playback a recording with what its log says.
type ledger struct {
	indexedSource
	segments map[int]archive.SegmentInfo
}

func (l *ledger) Epoch(n int) int { return l.segments[n].Epoch }
func (l *ledger) Torn(n int) bool { return l.segments[n].Torn }

// verifyDeep decrypts all of a recording and holds it against itself. known are
// the problems that were found without a key.
func (a *access) verifyDeep(ctx context.Context, id string, known []archive.Problem) (*deepReport, error) {
	identities, err := a.keys(ctx)
	if errors.Is(err, keys.ErrNoIdentity) {
		return nil, noKey(id, err)
	} else if err != nil {
		return nil, err
	}
	rec, err := a.open(ctx, id, identities)
	if err != nil {
		return nil, err
	}
	l := &ledger{indexedSource: indexedSource{segmentSource{rec: rec}}, segments: make(map[int]archive.SegmentInfo)}
	for _, s := range rec.Segments() {
		l.segments[s.Number] = s
	}
	if len(l.segments) > 0 {
		bar := a.env.progress("decrypting", int64(len(l.segments)))
		defer bar.finish()
		l.onRead = func(int) { bar.add(1) }
	}
	d := &deepReport{}
	d.CheckReport, err = playback.Check(ctx, l, playback.Options{Recording: id}, func(c playback.Contradiction) {
		object := l.segments[c.Number].Name
		if c.Index {
			object = fmt.Sprintf("index/%06d.age", c.Number)
		}
		d.problems = append(d.problems, archive.Problem{Kind: c.Kind, Object: object, Text: c.Text})
	})
	if err != nil {
		return nil, err
	}
	for i := range d.Unread {
		d.unread(l.segments[d.Unread[i].Number].Name, d.Unread[i].Err, known)
	}
	for _, err := range d.UnreadIndexes {
		d.unread("index", err, known)
	}
	if len(l.segments) > 0 && d.noKey == len(l.segments)+len(l.Indexes()) {
		return nil, a.locked(ctx, rec, nil)
	}
	d.limits()
	return d, nil
}

// unread sorts out why an object could not be read. What is wrong with its bytes
// is known already.
func (d *deepReport) unread(object string, err error, known []archive.Problem) {
	if errors.Is(err, archive.ErrNoKey) {
		d.noKey++
		return
	}
	var corrupt *archive.CorruptError
	kind := archive.ProblemUnreadable
	if errors.As(err, &corrupt) {
		object, kind = corrupt.Name, archive.ProblemCorrupt
	}
	same := func(p archive.Problem) bool { return p.Object == object }
	if !slices.ContainsFunc(known, same) && !slices.ContainsFunc(d.problems, same) {
		d.problems = append(d.problems, archive.Problem{Kind: kind, Object: object, Text: err.Error()})
	}
}

// limits says what was not proven.
func (d *deepReport) limits() {
	cannot := func(format string, args ...any) { d.cannot = append(d.cannot, fmt.Sprintf(format, args...)) }
	if d.noKey > 0 {
		cannot("%s of epochs that no key of yours opens: only their bytes were checked.", count(d.noKey, "object"))
	}
	if d.LeftOut > 0 {
		cannot("%s left out: the recorder gave these segments up, or hides them.", count(d.LeftOut, "number"))
	}
	if d.Quiet > 0 {
		cannot("Sound stops without a word %s, for %v in all: a sender that paused looks so, and so would a loss that is hidden.",
			count(d.Quiet, "time"), d.QuietTime.Round(time.Millisecond))
	}
	cannot("Sound and pictures were not decoded. That a picture lacks frames shows only where it is declared.")
}

// deepJSON is a deepReport in JSON. Times are in seconds.
type deepJSON struct {
	Segments   int     `json:"segments_decrypted"`
	Indexes    int     `json:"indexes_decrypted"`
	NoKey      int     `json:"objects_without_key"`
	Frames     int     `json:"frames"`
	Duration   float64 `json:"duration"`
	Holes      int     `json:"holes"`
	Missing    float64 `json:"holes_time"`
	Incomplete bool    `json:"incomplete"`
	Quiet      int     `json:"quiet"`
	QuietTime  float64 `json:"quiet_time"`
}

func (d *deepReport) json() *deepJSON {
	return &deepJSON{
		Segments: d.Segments, Indexes: d.Indexes, NoKey: d.noKey, Frames: d.Frames, Duration: d.Duration.Seconds(),
		Holes: len(d.Gaps), Missing: d.missing().Seconds(), Incomplete: d.Incomplete,
		Quiet: d.Quiet, QuietTime: d.QuietTime.Seconds(),
	}
}

// missing is the sum of all holes of all tracks.
func (d *deepReport) missing() (sum time.Duration) {
	for _, g := range d.Gaps {
		sum += g.To - g.From
	}
	return sum
}

// rows are what is shown of it.
func (d *deepReport) rows() [][]string {
	holes := "none declared"
	if len(d.Gaps) > 0 {
		holes = fmt.Sprintf("%d declared, %v in all tracks", len(d.Gaps), d.missing())
	}
	return [][]string{
		{"decrypted:", fmt.Sprintf("%s, %s, %s in %s", count(d.Segments, "segment"), indexCount(d.Indexes),
			count(d.Frames, "frame"), clockText(d.Duration))},
		{"holes:", holes},
	}
}

func indexCount(n int) string {
	if n == 1 {
		return "1 index"
	}
	return fmt.Sprintf("%d indexes", n)
}
