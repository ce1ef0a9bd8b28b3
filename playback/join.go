package playback

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// HoleBetween is the reason of what is missing between two recordings that Join joined.
const HoleBetween = "between"

// maxParts is how many recordings are joined at most.
const maxParts = 1000

// Join returns recordings of one meeting as one, on the clock of the first. Each begins where
// it did by its own Start; they are in the order of these. The time between two, when nothing
// was recorded, is a hole of all tracks for the reason HoleBetween. A participant's track
// goes on in the next recording if source and codec are the same, and if no two of the
// recordings overlap there; otherwise there are two tracks. Segments count on from one recording
// to the next. A recording without a segment adds nothing.
//
// What the parts know is taken over, and nothing that they have read is read again. What is
// learned of the whole later is not known to the parts.
func Join(ctx context.Context, parts []*Session) (*Session, error) {
	parts = slices.DeleteFunc(slices.Clone(parts), func(s *Session) bool { return len(s.src.Segments()) == 0 })
	if len(parts) == 0 || len(parts) > maxParts {
		return nil, errors.New("no recordings to join, or too many")
	}
	slices.SortStableFunc(parts, func(a, b *Session) int { return a.Start().Compare(b.Start()) })
	j := &joined{start: parts[0].Start()}
	uids := newTrackUIDs()
	next, end := 0, time.Duration(0)
	for i, of := range parts {
		p := &part{of: of, base: next, at: of.Start().Sub(j.start), before: end, last: i == len(parts)-1}
		if p.at+of.Duration() > maxTime {
			return nil, errors.New("the recordings are too far apart to be one meeting")
		}
		p.uids = uids.of(of.Tracks(), i > 0 && p.at >= end)
		for _, n := range of.src.Segments() {
			j.numbers, next = append(j.numbers, p.base+n), p.base+n+1
		}
		end = max(end, p.at+of.Duration())
		j.parts = append(j.parts, p)
	}
	s := &Session{src: j, joined: j, byUID: make(map[uint64]int), indexes: make(map[int]bool)}
	known := make([]segmentState, 0, len(j.numbers))
	for _, p := range j.parts {
		known = append(known, s.take(p)...)
		if len(s.tracks) > maxTracks {
			return nil, fmt.Errorf("more than %d tracks", maxTracks)
		}
	}
	if s.bytesKnown > maxBytesKnown {
		return nil, errWeight
	}
	s.start, s.startIsExact = j.start, true
	if err := s.list(j.numbers, known); err != nil {
		return nil, err
	}
	return s, s.learn(ctx)
}

// take adds what a part knows of its tracks and its timeline, and returns what it knows of its
// segments, all on the common clock.
func (s *Session) take(p *part) (known []segmentState) {
	of := p.of
	of.mu.Lock()
	defer of.mu.Unlock()
	for _, t := range of.tracks {
		t.UID = p.uid(t.UID)
		if i, ok := s.byUID[t.UID]; t.read && (!ok || !s.tracks[i].read) {
			s.headers++
		}
		s.addTrack(t.Track, t.read)
	}
	if p.base > 0 && p.at > p.before {
		s.addEvents([]media.Event{{Time: p.before, Type: media.EventHole, From: p.before, To: p.at, Reason: HoleBetween}})
	}
	s.addEvents(p.events(of.events))
	for _, seg := range of.segments {
		if seg.State == Unlisted {
			continue
		}
		seg.Number, seg.From, seg.To, seg.near = seg.Number+p.base, seg.From+p.at, seg.To+p.at, seg.near+p.at
		seg.Tracks = p.indexed(seg.Tracks)
		s.weigh(seg.Tracks)
		known = append(known, seg)
	}
	return known
}

// joined are recordings that are one Session.
type joined struct {
	parts   []*part
	start   time.Time
	numbers []int
}

// A part is one recording of several.
type part struct {
	of     *Session
	base   int // of its segments' numbers
	at     time.Duration
	before time.Duration // where what precedes it ends
	last   bool
	uids   map[uint64]uint64
}

func (j *joined) Segments() []int { return slices.Clone(j.numbers) }

// ReadSegment is not called: a Session that is joined reads by read.
func (j *joined) ReadSegment(context.Context, int) ([]byte, error) { return nil, ErrNotListed }

// read reads segment n from its recording, and puts it on the common clock.
func (j *joined) read(ctx context.Context, n int, keep bool) *reading {
	i := len(j.parts) - 1
	for i > 0 && j.parts[i].base > n {
		i--
	}
	p := j.parts[i]
	r := p.of.readSegment(ctx, n-p.base, keep)
	r.number = n
	p.move(r, j.start)
	return r
}

// move puts what was read of a part on the common clock.
func (p *part) move(r *reading, start time.Time) {
	if r.headed {
		r.header.Recording, r.header.Segment, r.header.Start = "", r.number, start
	}
	r.header.Tracks = slices.Clone(r.header.Tracks)
	for i := range r.header.Tracks {
		r.header.Tracks[i].UID = p.uid(r.header.Tracks[i].UID)
	}
	for i := range r.frames {
		f := &r.frames[i]
		f.Track, f.Time = p.uid(f.Track), f.Time+p.at
	}
	r.near += p.at
	r.facts.Number, r.facts.Start = r.number, r.facts.Start+p.at
	r.facts.Tracks = p.indexed(r.facts.Tracks)
	r.facts.holes = p.events(r.facts.holes)
	r.events = p.events(r.events)
}

// indexed returns what a segment has of its tracks on the common clock.
func (p *part) indexed(all []media.IndexTrack) []media.IndexTrack {
	all = slices.Clone(all)
	for i := range all {
		t := &all[i]
		t.UID, t.Begin, t.Keys = p.uid(t.UID), t.Begin+p.at, slices.Clone(t.Keys)
		for k := range t.Keys {
			t.Keys[k] += p.at
		}
	}
	return all
}

// events returns events on the common clock. That a part stopped is no end of the whole.
func (p *part) events(all []media.Event) []media.Event {
	var moved []media.Event
	for _, e := range all {
		if e.Type == media.EventStop && !p.last {
			continue
		}
		e.Time += p.at
		if e.From != 0 || e.To != 0 {
			e.From, e.To = e.From+p.at, e.To+p.at
		}
		if e.Track != 0 {
			e.Track = p.uid(e.Track)
		}
		moved = append(moved, e)
	}
	return moved
}

// uid returns the number of a track among all. Of one that only a segment mentions nobody
// knew, and it gets a number of its own.
func (p *part) uid(of uint64) uint64 {
	if uid, ok := p.uids[of]; ok {
		return uid
	}
	return otherUID(of, uint64(p.base))
}

// otherUID returns another number for a track.
func otherUID(uid, salt uint64) uint64 {
	h := fnv.New64a()
	_ = binary.Write(h, binary.BigEndian, []uint64{uid, salt}) // a hash takes all
	return max(1, h.Sum64())
}

// trackUIDs give the tracks of recordings their numbers among all.
type trackUIDs struct {
	taken map[uint64]bool
	last  map[trackKey][]uint64 // of the recordings so far
}

type trackKey struct {
	participant string
	source      media.Source
	codec       media.Codec
}

func newTrackUIDs() *trackUIDs {
	return &trackUIDs{taken: make(map[uint64]bool), last: make(map[trackKey][]uint64)}
}

// of returns the numbers of a recording's tracks. With goesOn, the nth of somebody's tracks of
// a kind is the nth of that kind before.
func (u *trackUIDs) of(tracks []media.Track, goesOn bool) map[uint64]uint64 {
	uids, seen := make(map[uint64]uint64), make(map[trackKey]int)
	for _, t := range tracks {
		key := trackKey{t.Participant, t.Source, t.Codec}
		n := seen[key]
		seen[key]++
		if goesOn && n < len(u.last[key]) {
			uids[t.UID] = u.last[key][n]
			continue
		}
		uid := t.UID
		for salt := uint64(1); u.taken[uid]; salt++ {
			uid = otherUID(t.UID, salt)
		}
		u.taken[uid] = true
		u.last[key] = append(u.last[key], uid)
		uids[t.UID] = uid
	}
	return uids
}
