package playback

import (
	"context"
	"encoding/binary"
	"errors"
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
// to the next.
//
// The parts are read again, whole, and are not to be used elsewhere meanwhile.
func Join(ctx context.Context, parts []*Session) (*Session, error) {
	if len(parts) == 0 || len(parts) > maxParts {
		return nil, errors.New("no recordings to join, or too many")
	}
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b *Session) int { return a.Start().Compare(b.Start()) })
	j := &joined{start: parts[0].Start()}
	uids := newTrackUIDs()
	next, end := 0, time.Duration(0)
	for i, of := range parts {
		p := &part{of: of, base: next, at: of.Start().Sub(j.start), before: end, last: i == len(parts)-1, first: -1}
		if p.at+of.Duration() > maxTime {
			return nil, errors.New("the recordings are too far apart to be one meeting")
		}
		p.uids = uids.of(of.Tracks(), i > 0 && p.at >= end)
		for _, n := range of.src.Segments() {
			if p.first < 0 {
				p.first = n
			}
			j.numbers, next = append(j.numbers, p.base+n), p.base+n+1
		}
		end = max(end, p.at+of.Duration())
		j.parts = append(j.parts, p)
	}
	s := &Session{src: j, joined: j, byUID: make(map[uint64]int), indexes: make(map[int]bool)}
	if err := s.list(j.numbers, nil); err != nil {
		return nil, err
	}
	return s, s.learn(ctx)
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
	first  int // its first segment, as it counts itself; -1 without any
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
	r.facts.Tracks = slices.Clone(r.facts.Tracks)
	for i := range r.facts.Tracks {
		t := &r.facts.Tracks[i]
		t.UID, t.Begin, t.Keys = p.uid(t.UID), t.Begin+p.at, slices.Clone(t.Keys)
		for k := range t.Keys {
			t.Keys[k] += p.at
		}
	}
	r.facts.holes = p.events(r.facts.holes)
	r.events = p.events(r.events)
	if r.headed && r.number == p.base+p.first && p.at > p.before && p.base > 0 {
		gap := media.Event{Time: p.before, Type: media.EventHole, From: p.before, To: p.at, Reason: HoleBetween}
		r.events = append([]media.Event{gap}, r.events...)
	}
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
