package playback

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// learn reads indexes, and then those segments that no index describes.
func (s *Session) learn(ctx context.Context) error {
	if x, ok := s.src.(Indexer); ok && len(s.untried()) > 0 {
		var numbers []int
		for _, n := range x.Indexes() {
			if !s.indexes[n] {
				numbers = append(numbers, n)
			}
		}
		type result struct {
			index *media.Index
			err   error
		}
		read := func(ctx context.Context, i int) result {
			data, err := x.ReadIndex(ctx, numbers[i])
			if err != nil {
				return result{err: err}
			}
			index, err := media.ReadIndex(bytes.NewReader(data))
			if err != nil {
				err = damage{err}
			}
			return result{index, err}
		}
		for i, r := range ahead(ctx, len(numbers), indexesAtOnce, read) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// An index that is not believable is ignored: its segments are read
			// instead.
			if r.err == nil && s.believable(r.index) {
				s.addIndex(r.index)
			}
			s.indexes[numbers[i]] = r.err == nil || stateOf(r.err) != Readable
			if s.bytesKnown > maxBytesKnown {
				return errWeight
			}
		}
	}
	numbers := s.untried()
	if s.options.Brief {
		numbers = s.brief(numbers)
	}
	last := len(numbers) - 1
	read := func(ctx context.Context, i int) *reading {
		return s.readSegment(ctx, numbers[i], s.cacheLast && i == last)
	}
	for i, r := range ahead(ctx, len(numbers), segmentsAtOnce, read) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.addReading(r)
		if s.cacheLast && i == last && r.err == nil {
			s.cached = r
		}
		if s.bytesKnown > maxBytesKnown {
			return errWeight
		}
	}
	// An index may be the only one that mentions a track.
	unknown := func(t media.IndexTrack) bool { _, ok := s.byUID[t.UID]; return !ok }
	for i := range s.segments {
		seg := &s.segments[i]
		if slices.ContainsFunc(seg.Tracks, unknown) {
			seg.Tracks = slices.DeleteFunc(slices.Clone(seg.Tracks), unknown)
		}
	}
	s.finish()
	return ctx.Err()
}

// brief returns which of the segments to read, and treats the others as readable.
func (s *Session) brief(numbers []int) []int {
	return slices.DeleteFunc(numbers, func(n int) bool {
		i, _ := s.place(n)
		s.segments[i].skip = false
		return i > 0 && i < len(s.segments)-1
	})
}

// untried returns the segments that nothing describes.
func (s *Session) untried() []int {
	var numbers []int
	for _, seg := range s.segments {
		if !seg.tried {
			numbers = append(numbers, seg.Number)
		}
	}
	return numbers
}

// finish computes what depends on all segments together.
func (s *Session) finish() {
	if s.eventsUnsorted {
		s.eventsUnsorted = false
		slices.SortStableFunc(s.events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
		s.holes = Holes(s.events)
	}
	s.bound()
	s.estimate()
}

// believable reports whether an index may be of this recording.
func (s *Session) believable(x *media.Index) bool {
	late := func(t time.Duration) bool { return t > maxTime }
	return (s.options.Recording == "" || x.Recording == s.options.Recording) &&
		(s.start.IsZero() || x.Start.Equal(s.start)) &&
		len(s.tracks)+len(x.Tracks) <= maxTracks &&
		!slices.ContainsFunc(x.Segments, func(seg media.IndexSegment) bool { return late(seg.Start + seg.Duration) }) &&
		!slices.ContainsFunc(x.Events, func(e media.Event) bool { return late(e.Time) })
}

// addIndex adds what an index says of segments that nothing else describes.
func (s *Session) addIndex(x *media.Index) {
	fresh, known := 0, 0
	for _, listed := range x.Segments {
		i, ok := s.place(listed.Number)
		if !ok {
			continue
		}
		seg := &s.segments[i]
		if seg.tried {
			known++
			continue
		}
		fresh++
		seg.timed, seg.tried, seg.skip = true, true, false
		seg.From, seg.To, seg.Tracks = listed.Start, listed.Start+listed.Duration, listed.Tracks
		s.weigh(listed.Tracks)
	}
	if fresh == 0 {
		return // everything in it is known already
	}
	s.start = x.Start
	for _, t := range x.Tracks {
		if !slices.Contains(codecs, t.Codec) {
			continue // as the Matroska reader does
		}
		s.addTrack(t, false)
	}
	for _, listed := range x.Segments {
		s.grow(listed.Tracks)
	}
	events := x.Events
	if known > 0 {
		events = newEvents(s.events, events)
	}
	s.addEvents(events)
}

// How many bytes an event and a segment's track take, without strings and key
// frames.
const (
	eventBytes = 160
	trackBytes = 64
)

func (s *Session) addEvents(events []media.Event) {
	for _, e := range events {
		s.bytesKnown += eventBytes + int64(len(e.Participant)+len(e.Name)+len(e.Reason)+len(e.Text))
	}
	if s.bytesKnown <= maxBytesKnown {
		s.events, s.eventsUnsorted = append(s.events, events...), s.eventsUnsorted || len(events) > 0
	}
}

func (s *Session) weigh(tracks []media.IndexTrack) {
	for _, t := range tracks {
		s.bytesKnown += trackBytes + 8*int64(len(t.Keys))
	}
}

// codecs are those of package media.
var codecs = []media.Codec{media.Opus, media.VP8, media.VP9, media.H264, media.H265, media.AV1}

// newEvents returns the events that are not among known.
func newEvents(known, events []media.Event) []media.Event {
	count := make(map[media.Event]int)
	for _, e := range known {
		count[e]++
	}
	var fresh []media.Event
	for _, e := range events {
		if count[e]--; count[e] < 0 {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// addReading adds what a segment says, which replaces what an index said of it.
// If the segment contradicts others that were read, it sets r.err. It reports
// whether anything changed.
func (s *Session) addReading(r *reading) (changed bool) {
	i, ok := s.place(r.number)
	if !ok {
		return false
	}
	seg := &s.segments[i]
	if r.headed {
		if err := s.header(r.header); err != nil {
			r.err, r.headed, r.frames, r.events = damage{err}, false, nil, nil
		}
	}
	if !r.headed {
		// Open did not try again what it could not read. A segment that an index
		// describes is missing only if the error is final.
		state := stateOf(r.err)
		changed = seg.State != state || !seg.tried
		if !seg.tried || state != Readable {
			seg.State, seg.Err, seg.tried, seg.skip = state, r.err, true, true
		}
		return changed
	}
	from, to, timed := r.span()
	described := seg.tried && !seg.skip
	changed = !described || r.err != nil && seg.Err == nil
	switch {
	case !seg.tried:
		s.addEvents(r.events)
	case seg.skip: // an index may have described them
		s.addEvents(newEvents(s.events, r.events))
	}
	if !described || !seg.read && r.err == nil && r.facts.differs(seg) {
		changed = true
		seg.From, seg.To, seg.timed, seg.Tracks, seg.near = from, to, timed, r.facts.Tracks, r.near
		s.begin(i)
		s.weigh(seg.Tracks)
		s.grow(seg.Tracks)
	}
	seg.State, seg.Err, seg.tried, seg.read = Readable, r.err, true, true
	seg.skip = r.err != nil && !timed
	if seg.skip {
		seg.State = Failed
	}
	return changed
}

// differs reports whether the segment differs from what was said of it.
func (f *segmentFacts) differs(seg *segmentState) bool {
	known := media.IndexSegment{Epoch: f.Epoch, Size: f.Size, Start: seg.From, Duration: seg.To - seg.From, Tracks: seg.Tracks}
	return f.differ(known) != ""
}

// header adds a segment's header, unless it contradicts the headers of other
// segments.
func (s *Session) header(h matroska.Header) error {
	if s.startIsExact && !s.start.Equal(h.Start) {
		return fmt.Errorf("%w: it counts from another start", ErrForeign)
	}
	fresh := 0
	for _, t := range h.Tracks {
		switch i, ok := s.byUID[t.UID]; {
		case !ok || !s.tracks[i].read:
			fresh++
		case s.tracks[i].Codec != t.Codec:
			return fmt.Errorf("track %d changes its codec", t.UID)
		}
	}
	if s.headers+fresh > maxTracks {
		return fmt.Errorf("more than %d tracks", maxTracks)
	}
	s.headers += fresh
	s.start, s.startIsExact = h.Start, true
	for _, t := range h.Tracks {
		s.addTrack(t, true)
	}
	return nil
}

// addTrack adds a track as a segment has it, or an index describes it.
func (s *Session) addTrack(t media.Track, read bool) {
	i, ok := s.byUID[t.UID]
	if !ok {
		s.byUID[t.UID] = len(s.tracks)
		s.tracks = append(s.tracks, trackState{t, read})
		return
	}
	known := &s.tracks[i]
	// A player should make room for the largest picture.
	large := known.Track
	if t.Width*t.Height > large.Width*large.Height {
		large = t
	}
	channels := max(known.Channels, t.Channels)
	name := cmp.Or(known.Name, t.Name)
	if read && !known.read {
		known.Track, known.read = t, true
		name = cmp.Or(t.Name, name)
	}
	known.Width, known.Height, known.Channels, known.Name = large.Width, large.Height, channels, name
	known.Private = cmp.Or(known.Private, t.Private)
}

// grow enlarges tracks to the pictures in a segment. The segment's header has the
// sizes known when the segment began.
func (s *Session) grow(tracks []media.IndexTrack) {
	for _, t := range tracks {
		if i, ok := s.byUID[t.UID]; ok && t.Width*t.Height > s.tracks[i].Width*s.tracks[i].Height {
			s.tracks[i].Width, s.tracks[i].Height = t.Width, t.Height
		}
	}
}

// begin finds the key frames that the tracks of a segment continue from, by what
// an index says.
func (s *Session) begin(i int) {
	for j := range s.segments[i].Tracks {
		t := &s.segments[i].Tracks[j]
		for _, seg := range slices.Backward(s.segments[max(0, i-maxBack):i]) {
			if !t.Continues || t.Begin > 0 || seg.skip {
				break // nothing continues after a segment that cannot be read
			}
			k := slices.IndexFunc(seg.Tracks, func(x media.IndexTrack) bool { return x.UID == t.UID })
			if k >= 0 && len(seg.Tracks[k].Keys) > 0 {
				t.Begin = seg.Tracks[k].Keys[len(seg.Tracks[k].Keys)-1]
			}
		}
	}
}

// maxBack is how many segments back a key frame is looked for.
const maxBack = 500

// note adds a segment that was read after Open. known reports that it was as Open
// found it.
func (s *Session) note(r *reading) (_ *reading, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known = !s.addReading(r)
	if !known {
		s.finish()
	}
	return r, known
}
