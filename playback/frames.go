package playback

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"math"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// reorderWindow is how far a track's frames may stand in the wrong order, as
	// Check takes it. Where nothing tells when the next segments begin, frames
	// further apart are not sorted.
	reorderWindow = 2 * time.Second
	// reorderBytes bounds the frames that wait to be sorted.
	reorderBytes = 64 << 20
	// framesAhead is how many segments are held at once: the one whose frames
	// are yielded, and those that are read meanwhile.
	framesAhead = 3
)

// Frames yields the frames of all tracks, each once, in order of time. It reads
// each segment once, the next two while the frames of one are yielded. A frame
// waits until no segment that is still to be read has an earlier one, so that a
// track whose times run ahead of the others' does not disturb them. At most 64 MiB
// of frames wait; beyond that they come out of order, the earliest first.
//
// A segment that cannot be read though it was or an index tells of it yields a
// *SegmentError, and the rest follows; the end of ctx yields its error and
// nothing more. What Missing lists is passed over in silence.
//
// A segment may have a track that no index told of; it is among Tracks from then
// on.
func (s *Session) Frames(ctx context.Context) iter.Seq2[media.Frame, error] {
	return framesOf(s.all(ctx))
}

// all is Frames with what orderedFrame tells.
func (s *Session) all(ctx context.Context) iter.Seq2[orderedFrame, error] {
	return func(yield func(orderedFrame, error) bool) {
		var numbers []int
		for _, seg := range s.readable() {
			numbers = append(numbers, seg.Number)
		}
		s.ordered(ctx, numbers, func(media.Frame) bool { return true }, yield)
	}
}

// framesOf returns the frames alone.
func framesOf(source iter.Seq2[orderedFrame, error]) iter.Seq2[media.Frame, error] {
	return func(yield func(media.Frame, error) bool) {
		for f, err := range source {
			if !yield(f.Frame, err) {
				return
			}
		}
	}
}

// readable returns the segments of which something can be read.
func (s *Session) readable() []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var segments []Segment
	for _, seg := range s.segments {
		if !seg.skip {
			segments = append(segments, seg.Segment)
		}
	}
	return segments
}

// An orderedFrame is a frame with the time that has passed when it comes: no
// earlier frame follows, as far as the segments were told to begin. That is the
// frame's own time unless too much waits to be sorted.
type orderedFrame struct {
	media.Frame
	passed time.Duration
}

// begins returns, for each of the segments and the end, the earliest time of it
// and those after it; less than 0 where that is not known.
func (s *Session) begins(numbers []int) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	earliest := make([]time.Duration, len(numbers)+1)
	earliest[len(numbers)] = math.MaxInt64
	for i := len(numbers) - 1; i >= 0; i-- {
		earliest[i] = earliest[i+1]
		// An index is exact to the millisecond.
		if j, ok := s.place(numbers[i]); !ok || !s.segments[j].timed {
			earliest[i] = -1
		} else if from := max(0, s.segments[j].From-roundedTo); earliest[i] >= 0 {
			earliest[i] = min(earliest[i], from)
		}
	}
	return earliest
}

// ordered yields the frames of segments for which want says so.
func (s *Session) ordered(ctx context.Context, numbers []int, want func(media.Frame) bool, yield func(orderedFrame, error) bool) {
	var q frameQueue
	var newest time.Duration
	size, seq, most := 0, 0, cmp.Or(s.reorder, reorderBytes)
	// pop yields the frames of before a time, and the earliest of what is too much.
	pop := func(before time.Duration) bool {
		for len(q) > 0 && (q[0].Time < before || size > most) {
			if ctx.Err() != nil {
				yield(orderedFrame{}, ctx.Err())
				return false
			}
			f := heap.Pop(&q).(queuedFrame)
			size -= len(f.Data)
			if !yield(orderedFrame{f.Frame, min(f.Time, before)}, nil) {
				return false
			}
		}
		return true
	}
	begins := s.begins(numbers)
	read := func(ctx context.Context, i int) *reading { return s.readSegment(ctx, numbers[i], true) }
	for i, r := range ahead(ctx, len(numbers), framesAhead, read) {
		if ctx.Err() != nil {
			yield(orderedFrame{}, ctx.Err())
			return
		}
		partly := s.partly(r.number)
		r, _ = s.note(r)
		for _, f := range r.frames {
			if !want(f) {
				continue
			}
			seq++
			size += len(f.Data)
			newest = max(newest, f.Time)
			heap.Push(&q, queuedFrame{f, seq})
		}
		r.frames = nil // the queue has them
		before := begins[i+1]
		if before < 0 {
			before = max(0, newest-reorderWindow)
		}
		if !pop(before) {
			return
		}
		if r.err != nil && !partly && !yield(orderedFrame{}, s.segmentError(r.number, r.err)) {
			return
		}
	}
}

// partly reports whether it is known that not all of a segment can be read.
func (s *Session) partly(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.place(n)
	return ok && s.segments[i].Err != nil
}

type queuedFrame struct {
	media.Frame
	seq int // keeps frames of one time in the order of the file
}

// frameQueue is a heap, the earliest frame first.
type frameQueue []queuedFrame

func (q frameQueue) Len() int { return len(q) }
func (q frameQueue) Less(i, j int) bool {
	return q[i].Time < q[j].Time || q[i].Time == q[j].Time && q[i].seq < q[j].seq
}
func (q frameQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *frameQueue) Push(x any)   { *q = append(*q, x.(queuedFrame)) }
func (q *frameQueue) Pop() any {
	old := *q
	f := old[len(old)-1]
	old[len(old)-1] = queuedFrame{} // let go of its data
	*q = old[:len(old)-1]
	return f
}
