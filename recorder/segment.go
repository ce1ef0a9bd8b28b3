package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	// A track that appears waits this long for others, so that many joining at
	// once cut one segment and not many. It is longer than their clocks take to
	// settle.
	gatherTime = firstHold + 100*time.Millisecond
	maxGather  = 4096 // frames that may wait so
)

// A segmenter writes frames and events into segments of a Sink, and an index
// now and then. Its errors are the Sink's: what a track or a member sends that
// cannot be written is left out, see refusedItems. It belongs to the goroutine that
// writes.
type segmenter struct {
	// Set before it is used.
	sink       Sink
	recording  string
	clock      *recordingClock
	length     time.Duration
	maxBytes   int64
	beforeOpen func(now time.Duration) ([]media.Event, error) // returns what the next segment begins with
	onOpen     func(epoch int)
	onCommit   func(segments int, bytes int64)

	tracks   []media.Track // alive, in order of appearance
	current  *openSegment  // nil: none is open
	boundary boundary      // where it ends
	waiting  waitingItems  // for the next one
	refusedItems

	// What was committed.
	committed int         // segments
	counts    media.Count // what they tell
	index     nextIndex   // what the next index will say of them
}

// An openSegment is the segment that is being written.
type openSegment struct {
	object  Object
	writer  *matroska.Writer
	opened  time.Duration
	tracks  []media.Track   // that its header lists
	lists   map[uint64]bool // the same
	written []media.Event
}

// waitingItems wait for the next segment, while none is open, or if the open one does not
// list their track.
type waitingItems struct {
	items []item
	bytes int64
	since time.Duration
}

// add writes one item, or lets it wait for the next segment. now is the recording clock's
// time.
func (s *segmenter) add(i item, now time.Duration) error {
	known := true
	if i.frame != nil {
		err := i.track.Check()
		if err == nil && i.frame.Track != i.track.UID {
			err = fmt.Errorf("frame of track %d is said to be of %d", i.frame.Track, i.track.UID)
		}
		if err != nil {
			s.refuse(i, err)
			return nil
		}
		known = s.update(i.track)
	}
	switch {
	case s.current == nil && i.frame != nil && known && len(s.waiting.items) == 0:
		if err := s.open(now); err != nil {
			return err
		}
		if !s.current.lists[i.frame.Track] {
			s.delay(i, now)
			return nil
		}
	case s.current == nil, i.frame != nil && !s.current.lists[i.frame.Track], i.frame != nil && s.switchesAtBoundary(i, now):
		s.delay(i, now)
		return s.tick(now)
	}
	if err := s.write(i); err != nil {
		return err
	}
	return s.tick(now)
}

// delay keeps an item for the next segment.
func (s *segmenter) delay(i item, now time.Duration) {
	w := &s.waiting
	if len(w.items) == 0 {
		w.since = now
	}
	w.items = append(w.items, i)
	w.bytes += i.weight()
}

// write puts an item into the open segment, whose header lists its track. What the
// Sink did not take counts as written until abandon takes it back. A fault costs the item.
func (s *segmenter) write(i item) error {
	var err error
	broken := fault.Contain(func() {
		if i.event != nil {
			err = s.writeEvent(i)
		} else {
			err = s.writeFrame(i)
		}
	})
	if broken != nil {
		s.refuseFault(i, broken)
	}
	if err != nil {
		return fmt.Errorf("writing segment %d: %w", s.current.object.Number(), err)
	}
	return nil
}

func (s *segmenter) writeEvent(i item) error {
	c := s.current
	before := c.writer.Size()
	err := c.writer.WriteEvent(*i.event)
	if errors.Is(err, matroska.ErrFrame) {
		s.refuse(i, err)
		return nil
	}
	c.written = append(c.written, *i.event)
	s.index.bytes += c.writer.Size() - before
	return err
}

func (s *segmenter) writeFrame(i item) error {
	if s.dependsOnRefused(i) {
		return nil
	}
	if err := s.declareRefused(i.frame.Track, i.frame.Time); err != nil {
		return err
	}
	err := s.current.writer.WriteFrame(*i.frame)
	if errors.Is(err, matroska.ErrFrame) {
		s.refuse(i, err)
		return nil
	}
	s.index.tally.Frame(*i.frame, i.track.Codec)
	return err
}

// update notes a track as it is now: new, or with a larger picture than before,
// which the next segment's header will tell, and the next index. Players make room
// for it, and a smaller one fits into that. It reports whether the track was known.
func (s *segmenter) update(t media.Track) bool {
	for i := range s.tracks {
		known := &s.tracks[i]
		if known.UID != t.UID {
			continue
		}
		grown := t.Width*t.Height > known.Width*known.Height
		if !grown {
			t.Width, t.Height = known.Width, known.Height
		}
		*known = t
		if grown {
			s.index.update(t)
		}
		return true
	}
	s.tracks = append(s.tracks, t)
	s.index.list(t)
	return false
}

// endTrack forgets a track that is over: the next segment does without it.
func (s *segmenter) endTrack(uid uint64, now time.Duration) error {
	s.tracks = slices.DeleteFunc(s.tracks, func(t media.Track) bool { return t.UID == uid })
	return s.declareRefused(uid, now)
}

// tick opens or cuts the segment when it is time to. It is called after every
// item and a few times a second besides.
func (s *segmenter) tick(now time.Duration) error {
	w, c := &s.waiting, s.current
	waited := len(w.items) > 0 && (now-w.since >= gatherTime || len(w.items) >= maxGather || w.bytes >= s.maxBytes)
	full := c != nil && (now-c.opened >= s.length || c.writer.Size() >= s.maxBytes)
	if waited || full || s.boundaryDue(now) {
		return s.cut(now)
	}
	return nil
}

// cut commits the open segment, if there is one, and opens the next if items
// wait for it: more than one, where they do not fit into it.
func (s *segmenter) cut(now time.Duration) error {
	if s.current != nil {
		if err := s.commit(); err != nil {
			return err
		}
	}
	for len(s.waiting.items) > 0 {
		if err := s.open(now); err != nil {
			return err
		}
		if err := s.pour(s.maxBytes); err != nil {
			return err
		}
		if len(s.waiting.items) > 0 {
			if err := s.commit(); err != nil {
				return err
			}
		}
	}
	if s.index.full() {
		return s.writeIndex()
	}
	return nil
}

// pour writes what waits, and whose track it lists, into the open segment, until that has
// most bytes. The first item always goes in.
func (s *segmenter) pour(most int64) error {
	w := &s.waiting
	rest := w.items[:0]
	for n, i := range w.items {
		if n > 0 && s.current.writer.Size() >= most {
			rest = append(rest, w.items[n:]...)
			break
		}
		if i.frame != nil && !s.current.lists[i.frame.Track] {
			rest = append(rest, i)
			continue
		}
		w.bytes -= i.weight()
		if err := s.write(i); err != nil {
			w.items = append(rest, w.items[n+1:]...)
			return err
		}
	}
	clear(w.items[len(rest):])
	if w.items = rest; len(rest) == 0 {
		w.items = nil
	}
	return nil
}

func (s *segmenter) open(now time.Duration) error {
	begins, err := s.beforeOpen(now)
	if err != nil {
		return err
	}
	o, err := s.sink.CreateSegment()
	if err != nil {
		return fmt.Errorf("starting a segment: %w", err)
	}
	tracks := s.nextTracks()
	w, err := matroska.NewWriter(o, matroska.Header{
		Recording: s.recording, Segment: o.Number(), Epoch: o.Epoch(),
		Start: s.clock.start, Tracks: tracks,
	})
	if err != nil {
		return fmt.Errorf("starting segment %d: %w", o.Number(), abort(o, err))
	}
	s.current = &openSegment{object: o, writer: w, opened: now, tracks: tracks, lists: make(map[uint64]bool, len(tracks))}
	for _, t := range tracks {
		s.current.lists[t.UID] = true
	}
	s.boundary.reset()
	s.onOpen(o.Epoch())
	s.index.tally.Open(o.Number(), o.Epoch())
	for i := range begins {
		if err := s.write(item{event: &begins[i]}); err != nil {
			return err
		}
	}
	return nil
}

// nextTracks returns the tracks of the next segment: those that are alive, and those
// that are over but whose last frames wait. If they are too many, those that have waited
// for longest come first, and the others in the segment after it.
func (s *segmenter) nextTracks() []media.Track {
	tracks := slices.Clone(s.tracks)
	place := make(map[uint64]int, len(tracks))
	for _, t := range tracks {
		place[t.UID] = math.MaxInt
	}
	for n, i := range s.waiting.items {
		if i.frame == nil {
			continue
		}
		switch first, known := place[i.track.UID]; {
		case !known:
			tracks = append(tracks, i.track)
			place[i.track.UID] = n
		case first == math.MaxInt:
			place[i.track.UID] = n
		}
	}
	if len(tracks) > media.MaxTracks {
		slices.SortStableFunc(tracks, func(a, b media.Track) int { return cmp.Compare(place[a.UID], place[b.UID]) })
		tracks = tracks[:media.MaxTracks]
	}
	return tracks
}

func (s *segmenter) commit() error {
	c := s.current
	if err := c.writer.Close(); err != nil {
		return fmt.Errorf("closing segment %d: %w", c.object.Number(), err)
	}
	err := c.object.Commit()
	if err != nil {
		err = fmt.Errorf("sealing segment %d: %w", c.object.Number(), err)
		if !errors.Is(err, ErrKept) {
			return err
		}
	}
	s.current = nil // first of all: it is written, whatever counting it comes to
	s.index.add(c, s.clock.within(c.opened))
	for _, e := range c.written {
		s.counts.Event(e)
	}
	for _, t := range c.tracks {
		s.counts.Track(t)
	}
	s.committed++
	s.onCommit(s.committed, c.writer.Size())
	return err
}

// abandon drops the open segment after an error, and what waits for the next. It returns
// the time from which frames are missing, and the events, which are to be written again.
func (s *segmenter) abandon(now time.Duration) (from time.Duration, events []media.Event) {
	from = now
	if c := s.current; c != nil {
		from, events = c.opened, c.written
		if s.index.tally.Any() {
			from = min(from, s.index.tally.Start())
		}
		// The error that led here says more than one of removing what is lost.
		_ = c.object.Abort()
	}
	for _, i := range s.waiting.items {
		if i.event != nil {
			events = append(events, *i.event)
		} else {
			from = min(from, i.frame.Time)
		}
	}
	s.current, s.waiting = nil, waitingItems{}
	s.boundary.reset()
	return from, events
}

// finish commits what is open and writes the last index.
func (s *segmenter) finish(now time.Duration) error {
	for uid := range s.refused {
		if err := s.declareRefused(uid, now); err != nil {
			return err
		}
	}
	for s.current != nil || len(s.waiting.items) > 0 {
		if err := s.cut(now); err != nil {
			return err
		}
	}
	return s.writeIndex()
}

// abort gives up an object after err and returns err, with the failure to
// remove it, if that failed too.
func abort(o Object, err error) error {
	if aerr := o.Abort(); aerr != nil {
		return fmt.Errorf("%w (and removing it: %v)", err, aerr)
	}
	return err
}
