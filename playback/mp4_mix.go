//go:build !js

package playback

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
)

// A view is the picture of one channel.
type view struct {
	c       *channel
	run     *stretch
	next    int64 // the place of the run's next picture
	picture []byte
	w, h    int
	from    *stretch // the run that the picture is from
	fresh   bool     // not drawn yet, and other than the one before
	drawn   bool     // the tile has a picture
	real    int64    // place of the last frame
	off     int64    // last place where the track was off
}

// A filmed is a picture of the film, and its place.
type filmed struct {
	place   int64
	picture []byte
}

// show draws the n pictures of the film, and writes those that differ from the one
// before. It also writes one each second, so that the encoder goes on, and the last.
func (f *feed) show(w *ffmpeg.PictureWriter, n int64, o MP4Options, scenes []mix.Scene) error {
	views := make(map[uint64]*view)
	for _, c := range f.channels {
		if c.kind == seen {
			views[c.track.UID] = &view{c: c, off: math.MinInt32}
		}
	}
	canvas := mix.NewPicture(o.Width, o.Height)
	var painter mix.Painter
	at := -1 // index of the current scene

	// Writing continues while the next picture is drawn.
	full, empty := make(chan filmed, 2), make(chan []byte, 3)
	for range cap(empty) {
		empty <- make([]byte, 0, mix.Bytes(o.Width, o.Height))
	}
	g, ctx := errgroup.WithContext(f.ctx)
	g.Go(func() error {
		for s := range full {
			if err := w.Write(s.place, s.picture); err != nil {
				return err
			}
			empty <- s.picture
		}
		return nil
	})
	draw := func(place int64) (changed bool, err error) {
		now := time.Duration(place) * time.Second / time.Duration(f.rate)
		if err := f.await(seen, now, now+time.Second/time.Duration(f.rate)); err != nil {
			return false, err
		}
		for _, v := range views {
			if err := v.advance(f, place); err != nil {
				return false, err
			}
		}
		var before *mix.Scene
		if at >= 0 {
			before = &scenes[at]
		}
		for at+1 < len(scenes) && placeOf(scenes[at+1].At-f.x.from, f.rate) <= place {
			at++
		}
		scene := &scenes[max(at, 0)]
		for uid, v := range views {
			if !scene.On[uid] {
				v.off = place
			}
		}
		changed = f.paint(canvas, &painter, before, scene, views)
		for _, v := range views {
			v.fresh = false
		}
		if o.Progress != nil && place%int64(f.rate) == 0 {
			o.Progress(now, f.x.length())
		}
		return changed, nil
	}
	err := func() error {
		defer close(full)
		due := int64(0) // the place that is written in any case
		for place := range n {
			changed, err := draw(place)
			if err != nil {
				return err
			}
			if !changed && place < due && place < n-1 {
				continue
			}
			due = place + int64(f.rate)
			select {
			case b := <-empty:
				full <- filmed{place, canvas.AppendTo(b[:0])}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	}()
	if werr := g.Wait(); werr != nil {
		return werr // the error of writing comes first
	}
	return err
}

// paint draws what has changed, and reports whether anything has. It does not draw a
// picture from before its track was off. The event of an unmute may come half a second
// after its first media.
func (f *feed) paint(canvas *mix.Picture, painter *mix.Painter, before, scene *mix.Scene, views map[uint64]*view) (changed bool) {
	all := before == nil || len(before.Tiles) != len(scene.Tiles)
	if all {
		painter.Clear(canvas)
		changed = true
	}
	for i, t := range scene.Tiles {
		v := views[t.Track]
		seen := v != nil && v.picture != nil && v.real > v.off-int64(f.rate)/2
		if !all && before.Tiles[i] == t && (v == nil || !v.fresh && v.drawn == seen) {
			continue
		}
		var p *mix.Picture
		if seen {
			p = mix.Over(v.picture, v.w, v.h)
		}
		if v != nil {
			v.drawn = seen
		}
		painter.Tile(canvas, t, p)
		changed = true
	}
	return changed
}

// advance takes pictures up to a place. If there is none, the last one stays.
func (v *view) advance(f *feed, place int64) error {
	for {
		next := f.next(v.c, place+1)
		if next == nil {
			break
		}
		if v.run != nil {
			v.run.discard() // it has ended, or the next would not have begun
		}
		v.run, v.next = next, next.base
	}
	for v.run != nil && v.next <= place {
		b, ok, err := v.run.take(seen, v.next)
		if err != nil {
			return err
		}
		if !ok {
			v.run = nil
			break
		}
		v.next++
		// A picture that stands still comes out of the decoder again and again.
		v.fresh = v.fresh || v.from != v.run || !bytes.Equal(b, v.picture)
		if v.picture != nil && v.from == v.run {
			v.run.recycle(v.picture)
		}
		v.picture, v.from, v.w, v.h = b, v.run, v.run.w, v.run.h
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for v.from != nil && len(v.from.real) > 0 && v.from.real[0] <= place {
		v.real = v.from.real[0]
		v.from.real = v.from.real[1:]
	}
	return nil
}

// An ear is the sound of one channel.
type ear struct {
	c    *channel
	gain float32 // its samples are multiplied by it
	runs []*hearing
}

type hearing struct {
	run  *stretch
	next int64 // place of the first of samples
	have []float32
	over bool
}

// hear mixes n samples and writes them to w.
func (f *feed) hear(w io.Writer, n int64) error {
	var ears []*ear
	for _, t := range f.x.tracks { // in order, so that the sum is the same each time
		if c := f.channels[t.UID]; c.kind == heard {
			ears = append(ears, &ear{c: c, gain: float32(math.Pow(10, f.gains[t.UID]/20))})
		}
	}
	var mixer mix.Mixer
	var b []byte
	left := 4 * n // bytes
	// One block more than needed: the mixer returns the block before.
	for from := int64(0); left > 0; from += mix.Block {
		now := time.Duration(from) * time.Second / sampleRate
		if from < n {
			if err := f.await(heard, now, now+mix.Block*time.Second/sampleRate); err != nil {
				return err
			}
			for _, e := range ears {
				if err := e.add(f, &mixer, from); err != nil {
					return err
				}
			}
		}
		b = mixer.Next(b[:0])
		if from == 0 {
			continue
		}
		b = b[:min(int64(len(b)), left)]
		left -= int64(len(b))
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// add adds a block of the channel's sound.
func (e *ear) add(f *feed, m *mix.Mixer, from int64) error {
	for {
		r := f.next(e.c, from+mix.Block)
		if r == nil {
			break
		}
		e.runs = append(e.runs, &hearing{run: r, next: r.base})
	}
	for _, h := range e.runs {
		if err := h.add(m, from, e.gain); err != nil {
			return err
		}
	}
	for len(e.runs) > 0 && e.runs[0].over && len(e.runs[0].have) == 0 {
		e.runs = e.runs[1:]
	}
	return nil
}

func (h *hearing) add(m *mix.Mixer, from int64, gain float32) error {
	channels := h.run.channels
	for !h.over && h.next+int64(len(h.have)/channels) < from+mix.Block {
		b, ok, err := h.run.take(heard, h.next+int64(len(h.have)/channels))
		if err != nil {
			return err
		}
		h.over = !ok
		for i := 0; i+4 <= len(b); i += 4 {
			h.have = append(h.have, math.Float32frombits(binary.LittleEndian.Uint32(b[i:])))
		}
		if ok {
			h.run.recycle(b)
		}
	}
	if past := min(from-h.next, int64(len(h.have)/channels)); past > 0 {
		h.skip(past)
	}
	at := max(h.next-from, 0)
	n := min(mix.Block-at, int64(len(h.have)/channels))
	if n > 0 {
		m.Add(int(at), h.have[:n*int64(channels)], channels, gain)
		h.skip(n)
	}
	return nil
}

// skip drops n samples.
func (h *hearing) skip(n int64) {
	k := copy(h.have, h.have[int(n)*h.run.channels:])
	h.have = h.have[:k]
	h.next += n
}
