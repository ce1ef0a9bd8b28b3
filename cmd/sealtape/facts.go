package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// wideHole is the shortest hole that makes a recording incomplete.
const wideHole = time.Second

// facts are what a recording tells of itself to who can open it.
type facts struct {
	start    time.Time
	duration time.Duration
	room     string
	tracks   []media.Track
	events   []media.Event // by time
	segments []playback.Segment
	torn     map[int]error // what there is of those that a crash tore
}

// gather learns the facts from the indexes, and from those segments that no index
// knows: after a crash there are some.
func gather(ctx context.Context, rec *archive.Recording) (*facts, error) {
	return gatherFrom(ctx, rec, func(int) bool { return true })
}

// glance is gather for a hurry: of the segments that no index knows, it reads only
// the first one of the recording, which tells the room, and the last, which tells
// the length.
func glance(ctx context.Context, rec *archive.Recording) (*facts, error) {
	all := rec.Segments()
	return gatherFrom(ctx, rec, func(n int) bool { return n == all[0].Number || n == all[len(all)-1].Number })
}

func gatherFrom(ctx context.Context, rec *archive.Recording, read func(n int) bool) (*facts, error) {
	src := &glancingSource{indexedSource: indexedSource{segmentSource{rec: rec}}, read: read}
	s, err := playback.Open(ctx, src, playback.Options{Recording: rec.Head().ID})
	if err != nil {
		return nil, err
	}
	f := &facts{start: s.Start(), duration: s.Duration(), tracks: s.Tracks(), events: s.Events(), segments: s.Segments(), torn: src.torn}
	f.room = room(f.events)
	return f, nil
}

// A glancingSource gives only some of the segments.
type glancingSource struct {
	indexedSource
	read func(n int) bool
}

// errUnread is in place of what a glancingSource does not give.
var errUnread = errors.New("it was not read")

func (s *glancingSource) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	if !s.read(n) {
		return nil, errUnread
	}
	return s.indexedSource.ReadSegment(ctx, n)
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
	Identity   string  `json:"identity"`
	Name       string  `json:"name,omitempty"`
	From       float64 `json:"from"` // seconds on the recording clock
	To         float64 `json:"to"`
	Speaking   float64 `json:"speaking"` // seconds, as the server measured
	VerifiedAs string  `json:"verified_as,omitempty"`
	VerifiedBy string  `json:"verified_by,omitempty"`
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
	spoke := make(map[string]time.Duration) // until when it is counted
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
		case media.EventVerified:
			p := find(e.Participant, e.Time)
			p.VerifiedAs, p.VerifiedBy = e.Name, e.Reason
		case media.EventSpeaking:
			if from := max(e.From, spoke[e.Participant]); e.To > from {
				find(e.Participant, e.From).Speaking += (e.To - from).Seconds()
				spoke[e.Participant] = e.To
			}
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
