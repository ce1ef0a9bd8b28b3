package playback

import (
	"container/heap"
	"context"
	"iter"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// reorderWindow is how far apart in time two frames may stand in the
	// wrong order, between tracks or segments, and still be sorted.
	reorderWindow = 2 * time.Second
	// reorderBytes bounds the frames that wait to be sorted.
	reorderBytes = 64 << 20
	// framesAhead is how many segments are held at once: the one whose frames
	// are yielded, and those that are read meanwhile.
	framesAhead = 3
)

// Frames yields the frames of all tracks, each once, in order of time. It reads
// each segment once, the next two while the frames of one are yielded. A frame
// that stands more than 2 s behind its place, or more than 64 MiB, comes late,
// out of order.
//
// A segment that cannot be read though it was or an index tells of it yields a
// *SegmentError, and the rest follows; the end of ctx yields its error and
// nothing more. What Missing lists is passed over in silence.
//
// A segment may have a track that no index told of; it is among Tracks from then
// on.
func (s *Session) Frames(ctx context.Context) iter.Seq2[media.Frame, error] {
	return func(yield func(media.Frame, error) bool) {
		var numbers []int
		for _, seg := range s.readable() {
			numbers = append(numbers, seg.Number)
		}
		s.frames(ctx, numbers, func(media.Frame) bool { return true }, yield)
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

// frames yields the frames of segments for which want says so.
func (s *Session) frames(ctx context.Context, numbers []int, want func(media.Frame) bool, yield func(media.Frame, error) bool) {
	var q frameQueue
	var newest time.Duration
	size, seq := 0, 0
	// pop yields frames while they are in order, all if last.
	pop := func(last bool) bool {
		for len(q) > 0 && (last || q[0].Time < newest-reorderWindow || size > reorderBytes) {
			if ctx.Err() != nil {
				yield(media.Frame{}, ctx.Err())
				return false
			}
			f := heap.Pop(&q).(queuedFrame)
			size -= len(f.Data)
			if !yield(f.Frame, nil) {
				return false
			}
		}
		return true
	}
	read := func(ctx context.Context, i int) *reading { return s.readSegment(ctx, numbers[i], true) }
	for _, r := range ahead(ctx, len(numbers), framesAhead, read) {
		if ctx.Err() != nil {
			yield(media.Frame{}, ctx.Err())
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
			if !pop(false) {
				return
			}
		}
		if r.err != nil && !partly && !yield(media.Frame{}, s.segmentError(r.number, r.err)) {
			return
		}
	}
	pop(true)
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
