package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A summary is what can be told of a recording without reading all of it.
type summary struct {
	start    time.Time
	duration time.Duration // of what a key opens
	room     string        // "" if its beginning is not open
	follows  string        // see follows
}

// summarize reads the first and the last index that open, and the last segment
// if no index knows it: a few requests, however long the recording is. The
// error wraps archive.ErrNoKey if nothing opens.
func summarize(ctx context.Context, rec *archive.Recording) (summary, error) {
	var s summary
	var errs []error
	indexes := rec.Indexes()
	first := readFirst(indexes, &errs, func(n int) (*media.Index, error) { return readIndex(ctx, rec, n) })
	slices.Reverse(indexes)
	last := readFirst(indexes, &errs, func(n int) (*media.Index, error) { return readIndex(ctx, rec, n) })
	indexed := -1
	if first != nil {
		s.start, s.room, s.follows = first.Start, room(first.Events), follows(first.Events)
	}
	var known []media.IndexSegment
	var events []media.Event
	if last != nil {
		known, events = last.Segments, last.Events
		for _, seg := range last.Segments {
			indexed = max(indexed, seg.Number)
		}
	}

	var numbers []int
	for _, seg := range rec.Segments() {
		if seg.Number > indexed {
			numbers = append(numbers, seg.Number)
		}
	}
	read := func(n int) (*segmentSummary, error) { return readSummary(ctx, rec, n) }
	if first == nil {
		if seg := readFirst(numbers, &errs, read); seg != nil {
			s.start, s.room, s.follows = seg.start, seg.room, follows(seg.events)
			known = append(known, seg.IndexSegment)
		}
	}
	slices.Reverse(numbers)
	if seg := readFirst(numbers, &errs, read); seg != nil {
		known, events = append(known, seg.IndexSegment), append(events, seg.events...)
	}
	s.duration = media.End(known, events)
	if s.start.IsZero() {
		if len(errs) == 0 {
			return s, errors.New("it holds nothing")
		}
		for _, err := range errs {
			if errors.Is(err, archive.ErrRevokedGrant) {
				return s, err
			}
		}
		return s, errs[0]
	}
	return s, nil
}

// readFirst returns the first thing that read can read, nil if there is none.
func readFirst[T any](numbers []int, errs *[]error, read func(int) (*T, error)) *T {
	for _, n := range numbers {
		t, err := read(n)
		if err == nil {
			return t
		}
		*errs = append(*errs, err)
	}
	return nil
}

func readIndex(ctx context.Context, rec *archive.Recording, n int) (*media.Index, error) {
	b, err := rec.ReadIndex(ctx, n)
	if err != nil {
		return nil, err
	}
	x, err := media.ReadIndex(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if x.Recording != rec.Head().ID {
		return nil, fmt.Errorf("index %d is of another recording", n)
	}
	return x, nil
}

// A segmentSummary is what one segment tells.
type segmentSummary struct {
	media.IndexSegment
	start  time.Time
	room   string        // "" if it does not tell
	events []media.Event // of the recording's end, and of what it follows
}

// readSummary makes a summary of one segment.
func readSummary(ctx context.Context, rec *archive.Recording, n int) (*segmentSummary, error) {
	b, err := rec.ReadSegment(ctx, n)
	if torn := (*archive.TornError)(nil); err != nil && !errors.As(err, &torn) {
		return nil, err
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	h := r.Header()
	if h.Recording != rec.Head().ID || h.Segment != n {
		return nil, fmt.Errorf("segment %d does not belong here", n)
	}
	var tally media.Tally
	tally.Open(h.Segment, h.Epoch)
	s := &segmentSummary{start: h.Start}
	for {
		block, err := r.Next()
		switch {
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			s.IndexSegment = tally.Close(int64(len(b)), 0)
			return s, nil
		case err != nil:
			return nil, err
		case block.Event == nil:
			tally.Frame(block.Frame, media.Opus) // for its times
		case block.Event.Type == media.EventStart:
			s.room = block.Event.Text
		case block.Event.Type == media.EventStop, block.Event.Type == media.EventFollows:
			s.events = append(s.events, *block.Event)
		}
	}
}

// room returns the name of the room, "" if the events do not tell it.
func room(events []media.Event) string {
	for _, e := range events {
		if e.Type == media.EventStart {
			return e.Text
		}
	}
	return ""
}

// follows returns the ID of the recording with whose meeting this one goes on, "" if
// the events tell of none.
func follows(events []media.Event) string {
	for _, e := range events {
		if e.Type == media.EventFollows && archive.ValidID(e.Text) == nil {
			return e.Text
		}
	}
	return ""
}

// start returns when a recording started; ok is false if that cannot be read.
func (a *access) start(ctx context.Context, id string, identities []age.Identity) (start time.Time, ok bool) {
	rec, err := a.open(ctx, id, identities)
	if err != nil {
		return time.Time{}, false
	}
	s, err := summarize(ctx, rec)
	return s.start, err == nil
}
