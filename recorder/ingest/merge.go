package ingest

import (
	"container/heap"
	"context"
	"fmt"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// late is how much earlier than the newest packet of a file another of it may be:
	// ffmpeg's own limit is 10 s, for streams that hardly send.
	late = 12 * time.Second
	// held is the most bytes that wait to be put into order. Beyond that the earliest
	// goes on, wherever the others are.
	held = 96 << 20
)

// An inputFile is one of the files while it is read.
type inputFile struct {
	part    *Part
	first   int // place of its first track among all
	began   chan []media.Track
	packets chan packet
	turners []turner
	newest  time.Duration // of its packets, on the recording clock
	open    bool
}

// A group is frames of one track that stay together: see turner.
type group struct {
	at     time.Duration // the earliest of them
	seq    int
	track  int
	frames []media.Frame
}

// merge reads all parts at once. begin gets the tracks of all, in the order of parts and
// streams; write gets groups in order of time.
func (p *Program) merge(ctx context.Context, parts []Part, begin func([]media.Track) error, write func(group) error) error {
	g, ctx := errgroup.WithContext(ctx)
	inputs := make([]*inputFile, len(parts))
	for i := range parts {
		in := &inputFile{part: &parts[i], began: make(chan []media.Track, 1), packets: make(chan packet, 16), open: true}
		inputs[i] = in
		g.Go(func() error {
			defer close(in.packets)
			err := p.demux(ctx, in.part.File,
				func(t []media.Track) error { in.began <- t; return nil },
				func(k packet) error {
					select {
					case in.packets <- k:
						return nil
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				})
			if err != nil && ctx.Err() == nil {
				return &FileError{in.part.File.Name, err}
			}
			return err
		})
	}
	g.Go(func() error { return (&merger{inputs: inputs, write: write}).run(ctx, begin) })
	return g.Wait()
}

// A FileError is an error that one of the files caused.
type FileError struct {
	Name string
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }
func (e *FileError) Unwrap() error { return e.Err }

type merger struct {
	inputs []*inputFile
	write  func(group) error
	queue  groups
	bytes  int
	seq    int
}

func (m *merger) run(ctx context.Context, begin func([]media.Track) error) error {
	var tracks []media.Track
	for _, in := range m.inputs {
		select {
		case t := <-in.began:
			in.first = len(tracks)
			in.turners = make([]turner, len(t))
			for i := range t {
				in.turners[i].reordered = t[i].Reordered
			}
			tracks = append(tracks, in.part.named(t)...)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := begin(tracks); err != nil {
		return err
	}
	for {
		in := m.behind()
		if in == nil {
			return m.pop(math.MaxInt64)
		}
		var k packet
		var ok bool
		select {
		case k, ok = <-in.packets:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !ok {
			in.open = false
			for i := range in.turners {
				m.push(in, i, in.turners[i].end())
			}
			// It may have ended because it failed: then ctx is about to end.
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		} else {
			in.newest = max(in.newest, k.Time+in.part.Offset)
			if k.Duration > 0 && k.Time+k.Duration <= 0 {
				continue // sound that a cut hides
			}
			m.push(in, k.stream, in.turners[k.stream].add(k.Frame))
		}
		if err := m.pop(m.passed()); err != nil {
			return err
		}
	}
}

// behind returns the open input that has come the least far. Nil: none is open.
func (m *merger) behind() (least *inputFile) {
	for _, in := range m.inputs {
		if in.open && (least == nil || in.newest < least.newest) {
			least = in
		}
	}
	return least
}

func (m *merger) push(in *inputFile, stream int, found [][]media.Frame) {
	for _, frames := range found {
		g := group{at: math.MaxInt64, track: in.first + stream, frames: frames, seq: m.seq}
		m.seq++
		for i := range frames {
			frames[i].Time += in.part.Offset
			g.at = min(g.at, frames[i].Time)
			m.bytes += len(frames[i].Data)
		}
		heap.Push(&m.queue, g)
	}
}

// passed returns the time before which nothing more comes.
func (m *merger) passed() time.Duration {
	at := time.Duration(math.MaxInt64)
	for _, in := range m.inputs {
		if !in.open {
			continue
		}
		at = min(at, in.newest-late)
		for i := range in.turners {
			if waits, ok := in.turners[i].earliest(); ok {
				at = min(at, waits+in.part.Offset)
			}
		}
	}
	return at
}

// pop passes on the groups before a time, and more if too much waits.
func (m *merger) pop(before time.Duration) error {
	for len(m.queue) > 0 && (m.queue[0].at < before || m.bytes > held) {
		g := heap.Pop(&m.queue).(group)
		for _, f := range g.frames {
			m.bytes -= len(f.Data)
		}
		if err := m.write(g); err != nil {
			return err
		}
	}
	return nil
}

// groups is a heap, the earliest first.
type groups []group

func (q groups) Len() int { return len(q) }
func (q groups) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q groups) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *groups) Push(x any)   { *q = append(*q, x.(group)) }
func (q *groups) Pop() any {
	old := *q
	g := old[len(old)-1]
	old[len(old)-1] = group{}
	*q = old[:len(old)-1]
	return g
}
