package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// indexesParallel is how many indexes are read side by side.
const indexesParallel = 8

// wideHole is the shortest hole that makes a recording incomplete.
const wideHole = time.Second

// facts are what a recording tells of itself to who can open it.
type facts struct {
	start    time.Time
	duration time.Duration
	room     string
	tracks   []media.Track
	events   []media.Event
	noKey    []int    // segments of epochs that no key of one's own opens
	problems []string // what could not be read for another reason
}

// gather reads the facts from the indexes, and from those segments that no
// index knows: after a crash there are some.
func gather(ctx context.Context, rec *archive.Recording) (*facts, error) {
	f, rest, err := gatherIndexed(ctx, rec)
	if err != nil {
		return nil, err
	}
	for _, n := range rest {
		err := f.addSegment(ctx, rec, n)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if errors.Is(err, archive.ErrNoKey) {
			f.noKey = append(f.noKey, n)
		} else if err != nil {
			f.problems = append(f.problems, err.Error())
		}
	}
	f.finish()
	return f, nil
}

// gatherIndexed reads the facts that the indexes tell, and returns the numbers of
// the segments that none of them knows. The caller calls finish.
func gatherIndexed(ctx context.Context, rec *archive.Recording) (f *facts, rest []int, err error) {
	numbers := rec.Indexes()
	indexes := make([]*media.Index, len(numbers)) // nil: the segments know what it knows
	var g errgroup.Group
	g.SetLimit(indexesParallel)
	for i, n := range numbers {
		g.Go(func() error {
			indexes[i], _ = readIndex(ctx, rec, n)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	f = &facts{}
	indexed := make(map[int]bool)
	for _, x := range indexes {
		if x == nil {
			continue
		}
		f.start = x.Start
		f.addTracks(x.Tracks)
		f.events = append(f.events, x.Events...)
		for _, s := range x.Segments {
			indexed[s.Number] = true
			f.duration = max(f.duration, s.Start+s.Duration)
		}
	}
	for _, s := range rec.Segments() {
		if !indexed[s.Number] {
			rest = append(rest, s.Number)
		}
	}
	return f, rest, nil
}

// finish puts in order what was gathered.
func (f *facts) finish() {
	slices.SortStableFunc(f.events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
	f.room = room(f.events)
}

func (f *facts) addTracks(tracks []media.Track) {
	for _, t := range tracks {
		i := slices.IndexFunc(f.tracks, func(k media.Track) bool { return k.UID == t.UID })
		if i < 0 {
			f.tracks = append(f.tracks, t)
		} else if k := &f.tracks[i]; t.Width*t.Height > k.Width*k.Height {
			k.Width, k.Height = t.Width, t.Height
		}
	}
}

// addSegment reads a segment for what an index would tell of it.
func (f *facts) addSegment(ctx context.Context, rec *archive.Recording, n int) error {
	b, err := rec.ReadSegment(ctx, n)
	if torn := (*archive.TornError)(nil); errors.As(err, &torn) {
		f.problems = append(f.problems, err.Error())
	} else if err != nil {
		return err
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("segment %d: %w", n, err)
	}
	h := r.Header()
	if h.Recording != rec.Head().ID || h.Segment != n {
		return fmt.Errorf("segment %d: it says it is segment %d of recording %.40q", n, h.Segment, h.Recording)
	}
	f.start = h.Start
	f.addTracks(h.Tracks)
	for {
		block, err := r.Next()
		switch {
		case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("segment %d: %w", n, err)
		case block.Event != nil:
			f.events = append(f.events, *block.Event)
		default:
			f.duration = max(f.duration, block.Frame.Time+block.Frame.Duration)
		}
	}
}

// label names a track for people.
func (f *facts) label(uid uint64) string {
	for _, t := range f.tracks {
		if t.UID == uid {
			return clean(t.Label())
		}
	}
	return fmt.Sprintf("track %d", uid)
}

// holes returns the declared holes by time; those of one track and reason that
// touch are one.
func holes(events []media.Event) []media.Event {
	return mergeHoles(events, func(e media.Event) string { return e.Reason })
}

// incomplete reports whether there are wide holes.
func incomplete(events []media.Event) bool { return len(wideHoles(events)) > 0 }

// wideHoles returns the spans in which a track lacks a second or more in one
// piece, for whatever reasons but that people paused the recording.
func wideHoles(events []media.Event) []media.Event {
	events = slices.DeleteFunc(slices.Clone(events), func(e media.Event) bool { return e.Reason == media.GapPaused })
	return slices.DeleteFunc(mergeHoles(events, func(media.Event) string { return "" }),
		func(e media.Event) bool { return e.To-e.From < wideHole })
}

func mergeHoles(events []media.Event, reason func(media.Event) string) []media.Event {
	var gaps []media.Event
	for _, e := range events {
		if e.Type == media.EventGap && e.To > e.From {
			gaps = append(gaps, e)
		}
	}
	slices.SortStableFunc(gaps, func(a, b media.Event) int {
		return cmp.Or(cmp.Compare(a.Track, b.Track), strings.Compare(reason(a), reason(b)), cmp.Compare(a.From, b.From))
	})
	merged := gaps[:0]
	for _, e := range gaps {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			// Times in the timeline are whole milliseconds.
			if last.Track == e.Track && reason(*last) == reason(e) && e.From <= last.To+time.Millisecond {
				last.To = max(last.To, e.To)
				continue
			}
		}
		merged = append(merged, e)
	}
	slices.SortStableFunc(merged, func(a, b media.Event) int { return cmp.Compare(a.From, b.From) })
	return merged
}

// A person is someone who was in the room, as the room's server named them.
type person struct {
	Identity string  `json:"identity"`
	Name     string  `json:"name,omitempty"`
	From     float64 `json:"from"` // seconds on the recording clock
	To       float64 `json:"to"`
}

// people returns who was there, in order of their first appearance. Who left
// and came back counts from the first to the last.
func (f *facts) people() []person {
	all := []person{}
	find := func(identity string, at time.Duration) *person {
		i := slices.IndexFunc(all, func(p person) bool { return p.Identity == identity })
		if i < 0 {
			i = len(all)
			all = append(all, person{Identity: identity, From: at.Seconds(), To: f.duration.Seconds()})
		}
		return &all[i]
	}
	for _, e := range f.events {
		switch e.Type {
		case media.EventJoin:
			p := find(e.Participant, e.Time)
			p.To = f.duration.Seconds()
			if e.Name != "" {
				p.Name = e.Name
			}
		case media.EventLeave:
			find(e.Participant, 0).To = e.Time.Seconds()
		}
	}
	for _, t := range f.tracks {
		p := find(t.Participant, 0)
		if p.Name == "" {
			p.Name = t.Name
		}
	}
	return all
}
