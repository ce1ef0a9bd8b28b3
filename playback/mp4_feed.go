//go:build !js

package playback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	sampleRate = 48000
	// A decoder of pictures continues over pauses of up to pictureRest, as a
	// shared screen that stands still makes them. After a longer pause, a key
	// frame begins another decoder. Sound may begin anew with any packet.
	pictureRest = 10 * time.Second
	soundRest   = time.Second
	// feedAhead is how far ahead of the mix frames go to decoders, and feedBytes
	// is the most that waits beyond the next second. feedAhead is more than
	// pictureRest, so that nobody waits for a picture that may not come.
	feedAhead = pictureRest + 10*time.Second
	feedBytes = 64 << 20

	// maxSince is the most bytes of frames that one channel stores to begin a run
	// with: more than ten seconds of 10 Mbit/s.
	maxSince = 16 << 20

	maxPictures = 32 // decoders at once
	maxSounds   = 64
	maxProblems = 16
)

// A feed passes the frames of an excerpt to decoders, one process for each run of
// a track. show and hear take what comes out, at their own pace.
//
// The design relies on decoders that hold back the last picture only: a picture
// comes out when a later frame was written, or when the run has ended.
type feed struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	x       *excerpt
	program *ffmpeg.Program
	rate    int
	film    image.Point // the size of its pictures
	scenes  []mix.Scene
	stuck   time.Duration
	gains   map[uint64]float64 // of sounds, in dB by track
	running sync.WaitGroup

	mu       sync.Mutex
	cond     *sync.Cond
	channels map[uint64]*channel
	reached  time.Duration // every run that begins before it is known
	done     bool
	place    [2]time.Duration // how far pictures and sound are mixed
	awaited  [2]*stretch      // runs that show or hear waits for
	queued   int              // bytes
	refused  map[refusal]int
	problems []error
}

// A refusal is why frames of a track are not in the film, and how many.
type refusal struct {
	track uint64
	why   Refusal
}

const (
	seen = iota
	heard
)

// A channel is one track's runs.
type channel struct {
	track media.Track
	kind  int
	runs  []*stretch // not taken yet; guarded by feed.mu
	open  *stretch   // the one that accepts frames; used by read's goroutine only
	last  time.Duration
	// since are a picture's frames from its last key frame on. A run after a
	// pause begins with them. Used by read's goroutine only.
	since      []media.Frame
	sinceBytes int
}

func newFeed(ctx context.Context, x *excerpt, program *ffmpeg.Program, o MP4Options, scenes []mix.Scene) *feed {
	f := &feed{x: x, program: program, rate: o.Rate, scenes: scenes, stuck: cmp.Or(o.stuck, stuck), channels: make(map[uint64]*channel),
		refused: make(map[refusal]int), film: image.Pt(o.Width, o.Height)}
	f.ctx, f.cancel = context.WithCancelCause(ctx)
	f.cond = sync.NewCond(&f.mu)
	for _, t := range x.tracks {
		c := &channel{track: t}
		if t.Codec.Audio() {
			c.kind = heard
		}
		f.channels[t.UID] = c
	}
	// Wake whoever waits.
	context.AfterFunc(f.ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.cond.Broadcast()
	})
	return f
}

// stop ends everything because of err.
func (f *feed) stop(err error) { f.cancel(err) }

// encode reads the excerpt beside the work that hears and shows it, and waits for all of
// them and for enc, which may be nil. The first error ends the others; cancel ends what
// else waits for the feed's context. Then r has what the feed found.
func (f *feed) encode(ctx context.Context, cancel func(), enc *ffmpeg.Encoder, r *Report, work ...func() error) error {
	var g errgroup.Group
	for _, do := range append(work, func() error { return f.read(r) }) {
		g.Go(func() error {
			err := do()
			if err != nil {
				f.stop(err)
				// An encoder that has exited reports the reason itself. Another
				// one would wait for more.
				if !errors.Is(err, syscall.EPIPE) {
					cancel()
				}
			}
			return err
		})
	}
	err := g.Wait()
	if enc != nil {
		if eerr := enc.Wait(); eerr != nil && (err == nil || errors.Is(err, syscall.EPIPE)) {
			err = eerr
		}
	}
	cancel()
	f.wait(r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// wait waits until nothing runs, and completes the report.
func (f *feed) wait(r *Report) {
	f.cancel(context.Canceled)
	f.running.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	for x, n := range f.refused {
		r.drop(x.track, x.why, n)
	}
	r.Problems = f.problems
	r.Incomplete = r.Incomplete || len(f.problems) > 0
}

// read passes all frames on.
func (f *feed) read(r *Report) error {
	any := false
	for fr, err := range f.x.frames(f.ctx) {
		var lost *SegmentError
		switch {
		case errors.As(err, &lost):
			r.Missing = append(r.Missing, *lost)
			r.Incomplete = true
			f.x.missing = append(f.x.missing, *lost) // for chapters, at the end
			continue
		case err != nil:
			return f.cause(err)
		}
		if fr.beyond {
			f.refuse(fr.Track, RefusedEnd)
			continue
		}
		if err := f.pace(fr.passed); err != nil {
			return err
		}
		if err := f.frame(fr); err != nil {
			return err
		}
		any = true
	}
	if !any {
		return r.nothing()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.channels {
		f.end(c)
	}
	f.done = true
	f.cond.Broadcast()
	return f.cause(f.ctx.Err())
}

// cause returns why the context ended, if it ended.
func (f *feed) cause(err error) error {
	if f.ctx.Err() != nil {
		return context.Cause(f.ctx)
	}
	return err
}

// refuse counts a frame that is left out.
func (f *feed) refuse(track uint64, why Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[refusal{track, why}]++
}

// pace waits until frames of a time are due, and ends the runs that pause.
func (f *feed) pace(at time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.channels {
		rest := pictureRest
		if c.kind == heard {
			rest = soundRest
		}
		if c.open != nil && at > c.last+rest {
			f.end(c)
		}
	}
	f.reached = max(f.reached, at)
	f.cond.Broadcast()
	for f.ctx.Err() == nil {
		// The encoder may want much of one kind before it takes any of the other.
		now := max(f.place[seen], f.place[heard])
		if at <= now+time.Second || at <= now+feedAhead && f.queued < feedBytes {
			return nil
		}
		// The buffers are full, and somebody waits for a frame that will not come
		// for a while: they must do with what they have.
		for _, run := range f.awaited {
			if run != nil && run.starves() && f.queued >= feedBytes {
				f.end(f.channels[run.track])
			}
		}
		f.cond.Wait()
	}
	return context.Cause(f.ctx)
}

// end marks that a channel's run gets no more frames. The caller holds f.mu.
func (f *feed) end(c *channel) {
	if c.open != nil {
		c.open.ended = true
		c.open = nil
		f.cond.Broadcast()
	}
}

// frame passes a frame to its track's run, and begins a run if need be.
func (f *feed) frame(fr excerptFrame) error {
	c := f.channels[fr.Track]
	f.mu.Lock()
	if c.open != nil && c.open.failed {
		// The run may have failed at one of the frames since the last key frame.
		c.open, c.since = nil, nil
	}
	why := f.fits(c, fr)
	open := c.open
	f.mu.Unlock()
	if why != "" {
		f.refuse(fr.Track, why)
		return nil
	}
	c.keep(fr.Frame)
	if open == nil {
		var err error
		if open, err = f.begin(c, fr); open == nil || err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if open.failed {
		f.refused[refusal{fr.Track, RefusedDecoder}]++
		return nil
	}
	c.last = fr.Time
	f.queue(open, fr)
	return nil
}

// fits returns why a frame has no place in the film. "" means that it has one.
// The caller holds f.mu.
func (f *feed) fits(c *channel, fr excerptFrame) Refusal {
	switch {
	case c.kind == heard && media.OpusDuration(fr.Data) == 0:
		return RefusedFrame
	case fr.Time < c.last, fr.Time > fr.passed+feedAhead:
		return RefusedOrder
	case c.kind == heard && c.open == nil && fr.Time+media.OpusDuration(fr.Data) <= f.place[heard]:
		return RefusedOrder // its time is mixed already
	}
	return ""
}

// queue passes a frame to a run. The caller holds f.mu.
func (f *feed) queue(r *stretch, fr excerptFrame) {
	at, place := r.when(fr, f.rate)
	r.fed = max(r.fed, place)
	r.due = append(r.due, place)
	if r.channels == 0 {
		r.real = append(r.real, place)
	}
	r.queue = append(r.queue, queued{at, fr.Frame})
	f.queued += len(fr.Data)
	f.cond.Broadcast()
}

// keep stores the frames of a picture since its last key frame.
func (c *channel) keep(f media.Frame) {
	if c.kind == heard {
		return
	}
	if f.Key {
		c.since, c.sinceBytes = nil, 0
	}
	c.sinceBytes += len(f.Data)
	if c.sinceBytes > maxSince || !f.Key && len(c.since) == 0 {
		c.since = nil
		return
	}
	c.since = append(c.since, f)
}

// begin begins a run with a frame, unless no run can begin with it, or the track
// is not shown from then on.
func (f *feed) begin(c *channel, fr excerptFrame) (*stretch, error) {
	drop := func(why Refusal) (*stretch, error) {
		f.refuse(fr.Track, why)
		return nil, nil
	}
	t := c.track
	width, height := 0, 0
	var before []media.Frame // frames needed to decode fr
	if c.kind == seen {
		if width, height = f.size(t.UID, fr.Time); width == 0 {
			return nil, nil
		}
		if len(c.since) == 0 {
			return drop(RefusedDecoder) // there was no key frame, or it is too long ago
		}
		before = c.since[:len(c.since)-1] // the last one is fr
		if p := media.Describe(t.Codec, c.since[0].Data); p.Private != "" {
			t.Private = p.Private
		}
		if media.NeedsPrivate(t.Codec) && t.Private == "" {
			return drop(RefusedDecoder)
		}
	}
	atOnce := [...]int{maxPictures, maxSounds}
	open := 0
	f.mu.Lock()
	for _, other := range f.channels {
		if other.kind == c.kind && other.open != nil {
			open++
		}
	}
	f.mu.Unlock()
	if open >= atOnce[c.kind] {
		return drop(RefusedTooMany)
	}
	r, err := f.run(c.kind, t, fr, width, height)
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", t.Codec, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c.open = r
	c.runs = append(c.runs, r)
	for _, b := range before {
		again := fr // in the same place, where only the last is shown
		again.Frame = b
		again.Time = fr.Time
		f.queue(r, again)
	}
	f.cond.Broadcast()
	return r, nil
}

// size returns the largest size at which a track is shown from a time on.
func (f *feed) size(uid uint64, at time.Duration) (width, height int) {
	for i, scene := range slices.Backward(f.scenes) {
		for _, t := range scene.Tiles {
			if t.Track == uid && t.W > width {
				width, height = t.W, t.H
			}
		}
		if i > 0 && scene.At <= at+f.x.from {
			break
		}
	}
	return width, height
}

// await waits until all runs that begin before a time are known.
func (f *feed) await(kind int, now, at time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.place[kind] = now
	f.cond.Broadcast()
	for f.reached <= at && !f.done {
		if f.ctx.Err() != nil {
			return context.Cause(f.ctx)
		}
		f.cond.Wait()
	}
	return f.cause(nil)
}

// next takes the channel's next run if it begins before place.
func (f *feed) next(c *channel, before int64) *stretch {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(c.runs) == 0 || c.runs[0].base >= before {
		return nil
	}
	r := c.runs[0]
	c.runs = slices.Delete(c.runs, 0, 1)
	return r
}

// problem stores an error of a decoder for the report.
func (f *feed) problem(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.problems) < maxProblems {
		f.problems = append(f.problems, err)
	}
}

// placeOf returns the place nearest to a time, at a rate.
func placeOf(at time.Duration, rate int) int64 {
	return int64(math.Round(at.Seconds() * float64(rate)))
}
