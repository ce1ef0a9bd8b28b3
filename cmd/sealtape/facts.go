package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// wideHole is the shortest hole that makes a recording incomplete.
const wideHole = media.WideHole

// facts are what a recording tells of itself to who can open it.
type facts struct {
	start    time.Time
	duration time.Duration
	room     string
	tracks   []media.Track // those without a codec were announced, and nothing of them was kept
	events   []media.Event // by time
	segments []playback.Segment
	torn     map[int]error // what there is of those that a crash tore
}

// gather learns the facts from the indexes, and from those segments that no index
// knows: after a crash there are some.
func gather(ctx context.Context, rec *archive.Recording) (*facts, error) {
	return gatherFrom(ctx, &keepingSource{indexedSource: indexedSource{segmentSource{rec: rec}}}, playback.Options{})
}

// glance is gather for a hurry: of the segments that no index knows, it reads only
// the first one of the recording, which tells the room, and the last, which tells
// the length. The indexes go to kept, which may be nil.
func glance(ctx context.Context, rec *archive.Recording, kept *keptIndexes) (*facts, error) {
	src := &keepingSource{indexedSource: indexedSource{segmentSource{rec: rec}}, kept: kept}
	return gatherFrom(ctx, src, playback.Options{Brief: true})
}

func gatherFrom(ctx context.Context, src *keepingSource, o playback.Options) (*facts, error) {
	o.Recording = src.rec.Head().ID
	s, err := playback.Open(ctx, src, o)
	if err != nil {
		return nil, err
	}
	f := &facts{start: s.Start(), duration: s.Duration(), tracks: s.Tracks(), events: s.Events(), segments: s.Segments(), torn: src.torn}
	f.room = room(f.events)
	for _, e := range f.events {
		t, ok := media.Announced(e)
		if ok && !slices.ContainsFunc(f.tracks, func(k media.Track) bool { return k.UID == t.UID }) {
			f.tracks = append(f.tracks, t)
		}
	}
	return f, nil
}

// A keepingSource may keep the indexes.
type keepingSource struct {
	indexedSource
	kept *keptIndexes // may be nil
}

func (s *keepingSource) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	b, err := s.indexedSource.ReadIndex(ctx, n)
	if err == nil && s.kept != nil {
		s.kept.put(n, b)
	}
	return b, err
}

// keptIndexes are indexes that were read, for one who reads them again soon, and
// once: at most maxKept bytes.
type keptIndexes struct {
	mu   sync.Mutex
	size int
	data map[int][]byte
}

const maxKept = 8 << 20

func (k *keptIndexes) put(n int, b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.size+len(b) > maxKept {
		return
	}
	if k.data == nil {
		k.data = make(map[int][]byte)
	}
	k.size += len(b)
	k.data[n] = b
}

// take returns an index and forgets it, nil if it is not there.
func (k *keptIndexes) take(n int) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := k.data[n]
	k.size -= len(b)
	delete(k.data, n)
	return b
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

// A silentJSON is something that was published and on which nothing was sent.
type silentJSON struct {
	Label       string  `json:"label"`
	Participant string  `json:"participant"`
	From        float64 `json:"from"` // seconds on the recording clock
	To          float64 `json:"to"`
}

// silent returns what was published and on which nothing was sent, at any time.
func (f *facts) silent() []silentJSON {
	all := []silentJSON{}
	for _, e := range f.events {
		known := func(t media.Track) bool {
			return t.Codec != "" && t.Participant == e.Participant && t.Label() == e.Text
		}
		if e.Type == media.EventSilent && !slices.ContainsFunc(f.tracks, known) {
			all = append(all, silentJSON{e.Text, e.Participant, e.From.Seconds(), e.To.Seconds()})
		}
	}
	return all
}

// holeLabel names what a hole is in for people: a track, also one of which nothing
// was kept, or a participant.
func (f *facts) holeLabel(h media.Event) string {
	if h.Text != "" && !slices.ContainsFunc(f.tracks, func(t media.Track) bool { return t.UID == h.Track }) {
		return clean(h.Text)
	}
	return f.label(h.Track)
}

// incomplete reports whether there are wide holes.
func incomplete(events []media.Event) bool { return len(playback.WideHoles(events)) > 0 }

// A person is someone who was in the room, as the room's server named them.
type person struct {
	Identity   string  `json:"identity"`
	Name       string  `json:"name,omitempty"`
	From       float64 `json:"from"` // seconds on the recording clock
	To         float64 `json:"to"`
	Speaking   float64 `json:"speaking"` // seconds, as the server measured
	Identified string  `json:"identified"`
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
			all = append(all, person{Identity: identity, From: at.Seconds(), To: f.duration.Seconds(), Identified: "unknown"})
		}
		return &all[i]
	}
	spoke := make(map[string]time.Duration) // until when it is counted
	for _, e := range f.events {
		switch e.Type {
		case media.EventName:
			if e.Name != "" {
				find(e.Participant, e.Time).Name = e.Name
			}
		case media.EventJoin:
			p := find(e.Participant, e.Time)
			p.To = f.duration.Seconds()
			if e.Name != "" {
				p.Name = e.Name
			}
		case media.EventLeave:
			find(e.Participant, 0).To = e.Time.Seconds()
		case media.EventClaimed:
			if p := find(e.Participant, e.Time); p.Identified == "unknown" {
				p.Identified = "claimed"
			}
		case media.EventVerified:
			p := find(e.Participant, e.Time)
			p.VerifiedAs, p.VerifiedBy, p.Identified = e.Name, e.Reason, "proved"
			if e.Reason == media.VerifiedByOperator {
				p.Identified = "operator"
			}
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
