package playback

import (
	"container/heap"
	"context"
	"iter"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	// reorderWindow is how far apart in time two frames may stand in the
	// wrong order, between tracks or segments, and still be sorted.
	reorderWindow = 2 * time.Second
	// reorderBytes bounds the frames that wait to be sorted.
	reorderBytes = 64 << 20
)

// Frames yields the frames of all tracks, each once, in order of time. It
// reads the segments again, one at a time. A frame that stands more than 2 s
// behind its place, or more than 64 MiB, comes late, out of order.
//
// A segment that Open could read and that cannot be read now yields a
// *SegmentError, and the rest follows; the end of ctx yields its error and
// nothing more. What Missing lists is passed over in silence.
func (s *Session) Frames(ctx context.Context) iter.Seq2[media.Frame, error] {
	return func(yield func(media.Frame, error) bool) {
		var q frameQueue
		var newest time.Duration
		size, seq := 0, 0
		pop := func() bool {
			f := heap.Pop(&q).(queuedFrame)
			size -= len(f.Data)
			return yield(f.Frame, nil)
		}
		for _, seg := range s.segments {
			if seg.skip {
				continue
			}
			for b, err := range blocks(ctx, s.src, seg.number, s.o, s.known) {
				if ctx.Err() != nil {
					yield(media.Frame{}, ctx.Err())
					return
				}
				if err != nil {
					if seg.damaged {
						break
					}
					if !yield(media.Frame{}, &SegmentError{Number: seg.number, From: seg.begin, To: seg.end, Err: err}) {
						return
					}
					break
				}
				if b.Event != nil {
					continue
				}
				seq++
				size += len(b.Frame.Data)
				newest = max(newest, b.Frame.Time)
				heap.Push(&q, queuedFrame{b.Frame, seq})
				for len(q) > 0 && (q[0].Time < newest-reorderWindow || size > reorderBytes) {
					if !pop() {
						return
					}
				}
			}
		}
		for len(q) > 0 {
			if ctx.Err() != nil {
				yield(media.Frame{}, ctx.Err())
				return
			}
			if !pop() {
				return
			}
		}
	}
}

// known refuses a segment that is not what Open saw: one with other tracks.
func (s *Session) known(h matroska.Header) error {
	if !h.Start.Equal(s.start) {
		return ErrForeign
	}
	for _, t := range h.Tracks {
		if known, ok := s.byUID[t.UID]; !ok || s.tracks[known.index].Codec != t.Codec {
			return ErrForeign
		}
	}
	return nil
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
