//go:build !js

package playback

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// levelSegments is in how many segments a speaker's loudness is measured, of
	// those in which they speak most: a minute or so. So measuring costs little
	// for a long recording, too.
	levelSegments = 12
	// levelBytes is the most sound of one track that is measured.
	levelBytes = 4 << 20
	// levelsTogether is how many tracks one decoder measures, one after the other: to
	// start it takes longer than to decode a minute. levelsAtOnce is how many
	// decoders run at once.
	levelsTogether = 16
	levelsAtOnce   = 4
	// levelGap is the silence between two tracks that one decoder measures.
	levelGap = 500 * time.Millisecond
)

// A measurement is what a sound is measured by, and the result.
type measurement struct {
	track  media.Track
	frames []media.Frame
	gain   float64
}

// levels measures how loud each sound is and returns by how much it is turned up
// in the mix, in dB by track: see MixOptions. A track that cannot be measured is
// left as it is.
func (x *excerpt) levels(ctx context.Context, program *ffmpeg.Program, o MixOptions) (map[uint64]float64, error) {
	gains := make(map[uint64]float64)
	if o.Unlevelled {
		return gains, nil
	}
	frames := x.samples(ctx)
	var samples []*measurement
	for _, t := range x.tracks {
		if t.Codec.Audio() {
			gains[t.UID] = 0
		}
		if f := frames[t.UID]; len(f) > 0 {
			samples = append(samples, &measurement{track: t, frames: f})
		}
	}
	var g errgroup.Group
	g.SetLimit(levelsAtOnce)
	for together := range slices.Chunk(samples, levelsTogether) {
		g.Go(func() error {
			measure(ctx, program, together)
			return nil
		})
	}
	err := g.Wait()
	for _, s := range samples {
		gains[s.track.UID] = s.gain
	}
	return gains, errors.Join(err, ctx.Err())
}

// samples reads the frames in which each sound of the excerpt is measured. It
// skips segments that it cannot read: the export reports those.
func (x *excerpt) samples(ctx context.Context) map[uint64][]media.Frame {
	wanted := make(map[int]map[uint64]bool) // tracks by segment
	for _, t := range x.tracks {
		if !t.Codec.Audio() {
			continue
		}
		for _, n := range x.spoken(t) {
			if wanted[n] == nil {
				wanted[n] = make(map[uint64]bool)
			}
			wanted[n][t.UID] = true
		}
	}
	var numbers []int
	for n := range wanted {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	frames, bytes := make(map[uint64][]media.Frame), make(map[uint64]int)
	read := func(ctx context.Context, i int) *reading { return x.s.readSegment(ctx, numbers[i], true) }
	for i, r := range ahead(ctx, len(numbers), segmentsAtOnce, read) {
		for _, f := range r.frames {
			if !wanted[numbers[i]][f.Track] || f.Time < x.from || f.Time >= x.to || bytes[f.Track]+len(f.Data) > levelBytes {
				continue
			}
			bytes[f.Track] += len(f.Data)
			f.Data = slices.Clone(f.Data) // without the rest of the segment
			frames[f.Track] = append(frames[f.Track], f)
		}
	}
	return frames
}

// spoken returns the segments in which a sound is measured: of levelSegments parts
// of the excerpt, in each the one in which its sender speaks longest.
func (x *excerpt) spoken(t media.Track) []int {
	type candidate struct {
		number int
		speech time.Duration
	}
	var all []candidate
	for _, seg := range x.s.readable() {
		has := slices.ContainsFunc(seg.Tracks, func(i media.IndexTrack) bool { return i.UID == t.UID })
		if has && seg.From < x.to && seg.To > x.from {
			all = append(all, candidate{seg.Number, x.speech(t.Participant, seg.From, seg.To)})
		}
	}
	parts := min(levelSegments, len(all))
	var numbers []int
	for i := range parts {
		part := all[i*len(all)/parts : (i+1)*len(all)/parts]
		best := part[len(part)/2] // where the timeline says nothing of speech
		for _, c := range part {
			if c.speech > best.speech {
				best = c
			}
		}
		numbers = append(numbers, best.number)
	}
	return numbers
}

// speech returns how long the timeline says that somebody spoke between two times.
func (x *excerpt) speech(participant string, from, to time.Duration) time.Duration {
	if x.speeches == nil {
		x.speeches = make(map[string][]media.Event)
		for _, e := range x.events {
			if e.Type == media.EventSpeaking {
				x.speeches[e.Participant] = append(x.speeches[e.Participant], e)
			}
		}
	}
	var d time.Duration
	for _, e := range x.speeches[participant] {
		d += max(0, min(e.To, to)-max(e.From, from))
	}
	return d
}

// measure measures sounds with one decoder. Where that ends early, each of those that
// are left gets a decoder of its own: what one participant sent costs the others nothing.
func measure(ctx context.Context, program *ffmpeg.Program, samples []*measurement) {
	done := measureTogether(ctx, program, samples)
	if len(samples) == 1 {
		return
	}
	for i := range samples[done:] {
		measureTogether(ctx, program, samples[done+i:done+i+1])
	}
}

// measureTogether returns how many of the sounds came out of the decoder whole.
func measureTogether(ctx context.Context, program *ffmpeg.Program, samples []*measurement) (whole int) {
	// A frame may keep a decoder busy for ever.
	ctx, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()
	// A mono frame comes out of a stereo decoder alike on both sides, as in the mix.
	const channels = 2
	t := samples[0].track
	t.Channels = channels
	d, err := program.Sound(ctx, t, channels)
	if err != nil {
		return 0
	}
	ends := make([]int64, len(samples)) // in samples of a channel
	var end time.Duration
	for i, s := range samples {
		for _, f := range s.frames {
			end += media.OpusDuration(f.Data)
		}
		end += levelGap
		ends[i] = int64(end.Seconds() * sampleRate)
	}
	var g errgroup.Group
	g.Go(func() error {
		var at time.Duration
		for _, s := range samples {
			for _, f := range s.frames {
				lasts := media.OpusDuration(f.Data)
				if lasts == 0 {
					continue
				}
				f.Track = t.UID
				if err := d.Write(at, f); err != nil {
					return errors.Join(err, d.CloseWrite())
				}
				at += lasts
			}
			at += levelGap
		}
		return d.CloseWrite()
	})
	meters := make([]mix.Meter, len(samples))
	came := hearAll(d, channels, ends, meters)
	d.Kill() // it has ended, or is not needed
	err = errors.Join(g.Wait(), d.Wait())
	for i, s := range samples {
		// What came of the last one is all that can be known of it. The gap behind it is not heard.
		if came+int64(levelGap.Seconds()*sampleRate) < ends[i] && (err != nil || ctx.Err() != nil) && len(samples) > 1 {
			return i
		}
		if ctx.Err() == nil {
			s.gain = meters[i].Level()
		}
	}
	return len(samples)
}

// hearAll has a meter measure what comes up to each of the ends. It returns how many
// samples of a channel came.
func hearAll(r io.Reader, channels int, ends []int64, meters []mix.Meter) (came int64) {
	unit, now := 4*channels, 0
	b, samples := make([]byte, 32<<10), []float32(nil)
	for {
		n, err := io.ReadAtLeast(r, b, unit)
		for n%unit != 0 && err == nil {
			var more int
			more, err = io.ReadFull(r, b[n:n+unit-n%unit])
			n += more
		}
		samples = samples[:0]
		for i := 0; i+4 <= n-n%unit; i += 4 {
			samples = append(samples, math.Float32frombits(binary.LittleEndian.Uint32(b[i:])))
		}
		for len(samples) > 0 && now < len(ends) {
			part := samples[:min(int64(len(samples)), (ends[now]-came)*int64(channels))]
			meters[now].Add(part, channels)
			came += int64(len(part) / channels)
			samples = samples[len(part):]
			if came == ends[now] {
				now++
			}
		}
		if err != nil {
			return came
		}
	}
}
