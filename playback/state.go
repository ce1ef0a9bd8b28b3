package playback

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A State is how much of a segment can be read.
type State string

const (
	// Readable: it was read, or an index describes it. With an Err it could not
	// be read to its end, for a momentary reason or because of a crash.
	Readable State = "readable"
	// Locked: no key of the reader opens it.
	Locked State = "locked"
	// Failed: its bytes are not those that were recorded, or make no sense.
	Failed State = "failed"
	// Unlisted: the source does not list it, but lists later ones. It stands for
	// all numbers that are left out in a row.
	Unlisted State = "unlisted"
)

// A Segment is what a Session knows of one segment.
type Segment struct {
	Number int
	// From and To are where its first frame begins and its last one ends. If the
	// last is a picture, which has no length, To is where that begins. If this is
	// not known, From and To are the gap between its neighbours, shared with
	// others in a row, or the usual length after the last segment.
	From, To time.Duration
	State    State
	// Err is why it is not Readable, or not to its end.
	Err error
	// Tracks are the tracks with frames in it, and the times of key frames. The
	// caller must not change them.
	Tracks []media.IndexTrack
}

// A segmentState is a Segment and where its facts come from.
type segmentState struct {
	Segment
	numbers int           // how many numbers an Unlisted one stands for
	timed   bool          // From and To are its own
	tried   bool          // Open need not read it
	read    bool          // it was read, so that indexes do not matter
	skip    bool          // nothing of it can be read
	near    time.Duration // To without frames far ahead, if it was read
}

const (
	usualLength  = 5 * time.Second  // if no segment has a length
	longestUsual = 10 * time.Minute // the upper limit
	maxNumbers   = 1 << 20          // the most numbers that one segment stands for
)

// estimate divides the time that is left among the segments without times of
// their own.
func (s *Session) estimate() {
	usual := s.usual()
	var end time.Duration // of all segments before
	next := make([]time.Duration, len(s.segments)+1)
	next[len(s.segments)] = -1
	for i := len(s.segments) - 1; i >= 0; i-- {
		next[i] = next[i+1]
		if seg := &s.segments[i]; seg.timed && (next[i] < 0 || seg.From < next[i]) {
			next[i] = seg.From
		}
	}
	for i := 0; i < len(s.segments); {
		if s.segments[i].timed {
			end = max(end, endOf(&s.segments[i], next[i+1]))
			i++
			continue
		}
		first, numbers := i, 0
		for ; i < len(s.segments) && !s.segments[i].timed; i++ {
			numbers += s.segments[i].numbers
		}
		each := usual
		if to := next[i]; to >= 0 {
			each = max(0, to-end) / time.Duration(numbers)
		}
		for j := first; j < i; j++ {
			seg := &s.segments[j]
			seg.From = min(end, maxTime)
			seg.To = min(end+min(each*time.Duration(seg.numbers), maxTime), maxTime)
			end = seg.To
		}
		if to := next[i]; to > end { // what the division left
			s.segments[i-1].To, end = to, to
		}
	}
}

// endOf returns where a segment ends, for the segments after it. next is the
// earliest time of those; negative means unknown. Frames that run far ahead do
// not count.
func endOf(seg *segmentState, next time.Duration) time.Duration {
	if next < 0 {
		return seg.To
	}
	return min(seg.To, max(next, seg.From)+media.LongestLead)
}

// usual returns the median distance between neighbouring segments.
func (s *Session) usual() time.Duration {
	var lengths []time.Duration
	for i := 1; i < len(s.segments); i++ {
		a, b := &s.segments[i-1], &s.segments[i]
		if a.timed && b.timed && b.From > a.From {
			lengths = append(lengths, b.From-a.From)
		}
	}
	if len(lengths) == 0 {
		return usualLength
	}
	slices.Sort(lengths)
	return min(lengths[len(lengths)/2], longestUsual)
}

// missingOf returns the segments that cannot be read to their end.
func missingOf(segments []segmentState) []SegmentError {
	next := make([]time.Duration, len(segments)+1) // where the segments from an index on begin
	next[len(segments)] = -1
	for i := len(segments) - 1; i >= 0; i-- {
		next[i] = next[i+1]
		if seg := &segments[i]; seg.timed && !seg.skip && (next[i] < 0 || seg.From < next[i]) {
			next[i] = seg.From
		}
	}
	var missing []SegmentError
	var end time.Duration
	for i := range segments {
		seg := &segments[i]
		if seg.timed && !seg.skip {
			end = max(end, endOf(seg, next[i+1]))
		}
		if seg.Err == nil {
			continue
		}
		m := SegmentError{Number: seg.Number, From: end, To: max(0, next[i+1]), Err: seg.Err}
		if m.To != 0 {
			m.To = max(m.To, m.From)
		}
		missing = append(missing, m)
	}
	return missing
}

// find returns the index of segment n.
func (s *Session) find(n int) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place(n)
}

func (s *Session) place(n int) (int, bool) {
	i, ok := slices.BinarySearchFunc(s.segments, n, func(seg segmentState, n int) int { return cmp.Compare(seg.Number, n) })
	return i, ok && s.segments[i].State != Unlisted
}
