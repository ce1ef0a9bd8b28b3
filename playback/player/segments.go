package player

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/fragment"
	"github.com/sealtape/sealtape/recorder/media"
)

// aheadBy is how many segments are read ahead of the asked-for one.
const aheadBy = 3

// Segment writes the tracks of one segment that are wanted, by UID. Nil means all
// tracks. Each track is written as soon as it is ready, as one part or more:
//
//	4 bytes   length of the header, big endian
//	header    JSON: track, mime, from, to, init, init_id, frames
//	4 bytes   length of the body, big endian
//	body      the initialization segment, of init bytes, and the media
//
// It also reads ahead. The segment stays in memory until all is written. An error
// before the first Write is of one of the kinds; after it, it is that of w or ctx,
// and parts are missing.
func (p *Player) Segment(ctx context.Context, id string, n int, wanted []uint64, w io.Writer) error {
	t, err := p.open(ctx, id)
	if err != nil {
		return err
	}
	seg, prev, next, eager, err := t.begin(n)
	if err != nil {
		return err
	}
	defer t.end(n)
	// The entry is held only while it is written: what is waited for before that
	// may need the room.
	e, err := p.cache.get(ctx, cacheKey{t, n})
	if err != nil {
		return err
	}
	p.cache.release(e)
	// Read further ahead only now: this segment was urgent.
	var after map[uint64]media.Frame
	if eager {
		defer t.readAhead(n, aheadBy)
		after = t.knownEdges(next)
	} else {
		t.readAhead(n, aheadBy)
		after = p.edgesOf(ctx, t, next)
		t.await(ctx, prev)
	}
	if e, err = p.cache.get(ctx, cacheKey{t, n}); err != nil {
		return err
	}
	defer p.cache.release(e)
	// Reading may have shown that the segment must not be played.
	if err := t.stateErr(n); err != nil {
		return err
	}
	c := composer{t: t, seg: seg, prev: prev, next: next, after: after, media: e.media}
	for _, track := range e.media.Tracks {
		if wanted != nil && !slices.Contains(wanted, track.UID) {
			continue
		}
		for _, part := range c.parts(track) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := writePart(w, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin notes that segment n is asked for, and begins to read it and the next
// one. It returns the segment and its neighbours. A neighbour is nil if none can
// be read. If it is to be answered eagerly, the next one is not read yet.
func (t *openRecording) begin(n int) (seg, prev, next *playback.Segment, eager bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.place(n)
	if !ok {
		return nil, nil, nil, false, playback.ErrNotListed
	}
	seg = &t.segments[i]
	if err := errOf(seg.State); err != nil {
		return nil, nil, nil, false, err
	}
	if i > 0 && t.segments[i-1].State == playback.Readable {
		prev = &t.segments[i-1]
	}
	if i+1 < len(t.segments) && t.segments[i+1].State == playback.Readable {
		next = &t.segments[i+1]
	}
	if t.active[n] == nil {
		t.active[n] = &activity{done: make(chan struct{})}
	}
	t.active[n].requests++
	ahead := 1
	if t.p.c.Eager && (prev == nil || t.active[prev.Number] == nil && t.edges[prev.Number].runs == nil) {
		eager, ahead = true, 0
	}
	t.readAheadLocked(i, ahead)
	return seg, prev, next, eager, nil
}

// readAhead begins to read count segments from segment n on. It stops earlier
// read-aheads for places where nobody is any more.
func (t *openRecording) readAhead(n, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.place(n); ok {
		t.readAheadLocked(i, count)
	}
}

// prepare begins to read the segment that contains a time.
func (t *openRecording) prepare(at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.segments {
		if t.segments[i].To > at {
			t.readAheadLocked(i, 0)
			return
		}
	}
}

func (t *openRecording) readAheadLocked(i, count int) {
	var numbers []int
	for _, seg := range t.segments[i:min(i+1+count, len(t.segments))] {
		if seg.State == playback.Readable {
			numbers = append(numbers, seg.Number)
		}
	}
	t.p.cache.readAhead(t, numbers, func(m int) bool {
		for a := range t.active {
			if m >= a && m <= a+aheadBy {
				return true
			}
		}
		return false
	})
}

// An activity is a segment that a request asks for.
type activity struct {
	requests int
	done     chan struct{} // closed when it is answered
}

// await waits until seg is answered, if a request asks for it, but not for long.
func (t *openRecording) await(ctx context.Context, seg *playback.Segment) {
	if seg == nil {
		return
	}
	t.mu.Lock()
	a := t.active[seg.Number]
	t.mu.Unlock()
	if a == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.p.patience.Prev)
	defer cancel()
	select {
	case <-a.done:
	case <-ctx.Done():
	}
}

// errOf returns why a segment in this state is not played.
func errOf(s playback.State) error {
	switch s {
	case playback.Locked:
		return playback.ErrLocked
	case playback.Failed:
		return playback.ErrDamaged
	case playback.Unlisted:
		return playback.ErrNotListed
	}
	return nil
}

func (t *openRecording) stateErr(n int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.place(n); ok {
		return errOf(t.segments[i].State)
	}
	return playback.ErrNotListed
}

func (t *openRecording) end(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.active[n]; a.requests > 1 {
		a.requests--
	} else {
		delete(t.active, n)
		close(a.done)
	}
}

// A partHeader precedes each part, as JSON.
type partHeader struct {
	Track  uint64  `json:"track,string"`
	MIME   string  `json:"mime"`
	From   seconds `json:"from"`
	To     seconds `json:"to"`
	Init   int     `json:"init"`
	InitID string  `json:"init_id"`
	Frames int     `json:"frames"`
}

// writePart writes a part: see Segment.
func writePart(w io.Writer, p fragment.Part) error {
	header, err := json.Marshal(partHeader{p.Track, p.MIME, seconds(p.From), seconds(p.To), len(p.Init), p.InitID(), p.Frames})
	if err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(header)))
	b = append(b, header...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Init)+len(p.Media)))
	b = append(b, p.Init...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err = w.Write(p.Media)
	return err
}
