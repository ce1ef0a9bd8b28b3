//go:build !js

package playback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// smallTiles is how many tiles fill a picture in which they are so small that half
	// the rate does for them.
	smallTiles = 12
	// pileUp is the distance between frames of one place.
	pileUp = 100 * time.Microsecond
	// stuck is how long a decoder may work without a result. It guards against
	// hostile frames that keep a decoder busy for ever.
	stuck = 2 * time.Minute
)

// A stretch is one run of a decoder: frames of one track without a long pause.
type stretch struct {
	f     *feed
	track uint64
	label string // the track's
	base  int64  // place of its first picture or sample
	begin time.Duration
	unit  int // bytes of a picture, or of a sample
	dec   *ffmpeg.Decoder
	out   chan []byte
	free  chan []byte

	w, h, channels int

	// Guarded by f.mu:
	queue  []queued
	fed    int64   // place of the last frame
	real   []int64 // places of frames that were not passed yet
	due    []int64 // places of frames that did not come out yet
	last   time.Duration
	ended  bool // no more frames follow
	failed bool // no more frames are accepted
	killed bool
}

// A queued is a frame with its time within the run.
type queued struct {
	at time.Duration
	media.Frame
}

// run starts a decoder for a run that begins with a frame.
func (f *feed) run(kind int, t media.Track, first excerptFrame, width, height int) (*stretch, error) {
	r := &stretch{f: f, track: t.UID, label: t.Label(), begin: first.Time, w: width, h: height, last: -1, out: make(chan []byte, 3), free: make(chan []byte, 8)}
	var err error
	if kind == heard {
		r.channels = 2
		if t.Channels == 1 {
			r.channels = 1
		}
		r.unit = 4 * r.channels
		r.base = placeOf(first.Time, sampleRate)
		r.dec, err = f.program.Sound(f.ctx, t, r.channels)
	} else {
		r.unit = mix.Bytes(width, height)
		r.base = placeOf(first.Time-first.Early, f.rate)
		w, h := t.ShownSize()
		r.dec, err = f.program.Picture(f.ctx, t, width, height, f.rate, ffmpeg.Thrift{
			Rough: 2*width <= w && 2*height <= h,
			Skip:  smallTiles*width*height <= f.film.X*f.film.Y,
		})
	}
	if err != nil {
		return nil, err
	}
	r.fed = r.base
	f.running.Go(r.write)
	f.running.Go(r.read)
	return r, nil
}

// when returns a frame's time within the run, and its place. The place of a
// picture is that of a mixed picture; of several in one place the last is shown.
func (r *stretch) when(fr excerptFrame, rate int) (time.Duration, int64) {
	if r.channels > 0 {
		at := max(fr.Time-r.begin, 0)
		return at, r.base + placeOf(at, sampleRate)
	}
	place := placeOf(fr.Shown()-fr.Early, rate)
	// A bit after the place: the last picture of all counts as over at its own
	// time, which the decoder rounds up to the next place.
	at := time.Duration(place-r.base)*time.Second/time.Duration(rate) + time.Millisecond
	if fr.Later != 0 {
		// It is out of turn; of several in one place each has its own time.
		exact := fr.Shown() - fr.Early - time.Duration(place)*time.Second/time.Duration(rate)
		return max(at+exact/64, 0), place
	}
	if r.last >= at {
		// Hostile times may pile up beyond the place. The decoder sorts that out.
		at = r.last + pileUp
	}
	r.last = at
	return at, place
}

// starves reports whether nothing comes out without another frame. The caller
// holds f.mu.
func (r *stretch) starves() bool { return !r.ended && len(r.queue) == 0 }

// write writes the queued frames to the decoder.
func (r *stretch) write() {
	f := r.f
	var err error
	for {
		f.mu.Lock()
		for len(r.queue) == 0 && !r.ended && !r.failed && f.ctx.Err() == nil {
			f.cond.Wait()
		}
		if len(r.queue) == 0 || r.failed || f.ctx.Err() != nil {
			f.mu.Unlock()
			break
		}
		next := r.queue[0]
		r.queue[0] = queued{} // free its data
		r.queue = r.queue[1:]
		f.queued -= len(next.Data)
		f.cond.Broadcast()
		f.mu.Unlock()
		if err = r.dec.Write(next.at, next.Frame); err != nil {
			break
		}
	}
	f.mu.Lock()
	r.failed = true
	for _, q := range r.queue {
		f.queued -= len(q.Data)
	}
	r.queue = nil
	f.cond.Broadcast()
	f.mu.Unlock()
	// An error is one of the write before, or the process has exited: Wait
	// reports why.
	_ = r.dec.CloseWrite()
}

// read passes on what comes out of the decoder.
func (r *stretch) read() {
	defer close(r.out)
	var err error
	place := r.base // of the next picture or sample
	for err == nil {
		var b []byte
		select {
		case b = <-r.free:
		default:
		}
		b, err = r.chunk(b)
		if len(b) > 0 {
			place += int64(len(b) / r.unit)
			r.came(place)
			select {
			case r.out <- b:
			case <-r.f.ctx.Done():
				err = context.Cause(r.f.ctx)
			}
		}
	}
	r.f.mu.Lock()
	killed := r.killed || r.f.ctx.Err() != nil
	r.f.mu.Unlock()
	if errors.Is(err, io.EOF) {
		err = nil
	} else {
		r.dec.Kill()
	}
	if werr := r.dec.Wait(); werr != nil {
		err = werr
	}
	if err != nil && !killed {
		r.f.problem(fmt.Errorf("%s from %v on: %w", r.label, (r.f.x.from + r.begin).Round(time.Millisecond), err))
	}
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if (err != nil || !r.ended) && !killed {
		r.lose()
	}
	r.failed = true // a decoder that has exited accepts nothing
	r.f.cond.Broadcast()
}

// came removes the frames up to a place from those that are to come out.
func (r *stretch) came(place int64) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	n := 0
	for n < len(r.due) && r.due[n] < place {
		n++
	}
	r.due = r.due[n:]
}

// lose counts the frames that will not come out any more. The caller holds f.mu.
func (r *stretch) lose() {
	if n := len(r.due); n > 0 {
		r.f.refused[refusal{r.track, RefusedDecoder}] += n
	}
	r.due = nil
}

// chunk reads one picture, or some samples.
func (r *stretch) chunk(b []byte) ([]byte, error) {
	if r.channels == 0 {
		if cap(b) < r.unit {
			b = make([]byte, r.unit)
		}
		b = b[:r.unit]
		if _, err := io.ReadFull(r.dec, b); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF // it was killed, or Wait says why it ended
			}
			return nil, err
		}
		return b, nil
	}
	if cap(b) == 0 {
		b = make([]byte, 4*sampleRate/25*2)
	}
	b = b[:cap(b)]
	n, err := r.dec.Read(b)
	for n%r.unit != 0 && err == nil {
		var more int
		more, err = r.dec.Read(b[n : n+r.unit-n%r.unit])
		n += more
	}
	return b[:n-n%r.unit], err
}

// take waits for the run's next picture or samples, for a place, and reports
// whether there are any.
func (r *stretch) take(kind int, place int64) ([]byte, bool, error) {
	f := r.f
	select {
	case b, ok := <-r.out:
		return b, ok, nil
	default:
	}
	set := func(to *stretch) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.awaited[kind] = to
		f.cond.Broadcast()
	}
	set(r)
	defer set(nil)
	guard := time.NewTimer(f.stuck)
	defer guard.Stop()
	for {
		select {
		case b, ok := <-r.out:
			return b, ok, nil
		case <-f.ctx.Done():
			return nil, false, context.Cause(f.ctx)
		case <-guard.C:
			f.mu.Lock()
			late := r.ended || r.fed > place
			f.mu.Unlock()
			if late {
				f.problem(fmt.Errorf("%s from %v on: its decoder got no further in %v", r.label, (f.x.from + r.begin).Round(time.Millisecond), f.stuck))
				f.mu.Lock()
				r.lose()
				f.mu.Unlock()
				r.discard()
				return nil, false, nil
			}
			guard.Reset(f.stuck) // it waits just as we do
		}
	}
}

// discard ends a run whose further pictures are not needed.
func (r *stretch) discard() {
	r.f.mu.Lock()
	r.killed, r.failed = true, true
	r.f.cond.Broadcast()
	r.f.mu.Unlock()
	r.dec.Kill()
	r.f.running.Go(func() {
		for range r.out {
		}
	})
}

// recycle returns a buffer that take returned.
func (r *stretch) recycle(b []byte) {
	select {
	case r.free <- b:
	default:
	}
}
