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
	// reorderWindow is how far out of order a track's frames may be, the same as
	// in Check. Where nothing says when the next segments begin, frames further
	// apart are not sorted.
	reorderWindow = 2 * time.Second
	// reorderBytes is the most bytes of frames that wait to be sorted.
	reorderBytes = 64 << 20
	// framesAhead is how many segments are in memory at once: the one whose
	// frames are yielded, and those read meanwhile.
	framesAhead = 3
)

// Frames yields the frames of all tracks, each once, in order of time. It reads
// each segment once; while it yields the frames of one, it reads the next two. A
// frame waits until no segment that is still to be read can have an earlier one,
// so a track whose times run ahead does not disturb the others. At most 64 MiB of
// frames wait. Beyond that, frames come out of order, the earliest first.
//
// If a segment cannot be read, but was read before or is known from an index,
// Frames yields a *SegmentError and then the rest. If ctx ends, it yields the
// error of ctx and nothing more. It leaves out what Missing lists without an
// error.
//
// A segment may have a track that no index mentions. From then on it is among
// Tracks.
func (s *Session) Frames(ctx context.Context) iter.Seq2[media.Frame, error] {
	return framesOf(s.all(ctx))
}

// all yields what Frames yields, as orderedFrames.
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

// readable returns the segments of which at least a part can be read.
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

// An orderedFrame is a frame, and the time before which no further frame follows,
// as far as the beginnings of segments are known. That is the frame's own time
// unless too much waits to be sorted.
type orderedFrame struct {
	media.Frame
	passed time.Duration
}

// begins returns, for each of the segments and for the end, the earliest time of
// a frame in it or after it. Negative means that the time is not known.
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

// ordered yields the frames of segments for which want returns true.
func (s *Session) ordered(ctx context.Context, numbers []int, want func(media.Frame) bool, yield func(orderedFrame, error) bool) {
	var q frameQueue
	var newest time.Duration
	size, seq, most := 0, 0, cmp.Or(s.reorder, reorderBytes)
	// pop yields the frames before a time, and the earliest ones if too many
	// wait.
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
		r.frames = nil // the queue holds them now
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

// partly reports whether a part of a segment is known to be unreadable.
func (s *Session) partly(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.place(n)
	return ok && s.segments[i].Err != nil
}

type queuedFrame struct {
	media.Frame
	seq int // for frames of equal time: their order in the file
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
	old[len(old)-1] = queuedFrame{} // free its data
	*q = old[:len(old)-1]
	return f
}
