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
	// levelsAtOnce is how many tracks are measured at once.
	levelsAtOnce = 4
)

// levels measures how loud each sound is and returns by how much it is turned up
// in the mix, in dB by track: see MixOptions. A track that cannot be measured is
// left as it is.
func (x *excerpt) levels(ctx context.Context, program *ffmpeg.Program, o MixOptions) (map[uint64]float64, error) {
	gains := make(map[uint64]float64)
	if o.Unlevelled {
		return gains, nil
	}
	samples := x.samples(ctx)
	measured := make([]float64, len(x.tracks))
	var g errgroup.Group
	g.SetLimit(levelsAtOnce)
	for i, t := range x.tracks {
		if frames := samples[t.UID]; len(frames) > 0 {
			g.Go(func() error {
				measured[i] = level(ctx, program, t, frames)
				return nil
			})
		}
	}
	err := g.Wait()
	for i, t := range x.tracks {
		if t.Codec.Audio() {
			gains[t.UID] = measured[i]
		}
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

// level decodes frames of a sound and returns by how much it is to be turned up.
func level(ctx context.Context, program *ffmpeg.Program, t media.Track, frames []media.Frame) float64 {
	// A frame may keep a decoder busy for ever.
	ctx, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()
	channels := 2
	if t.Channels == 1 {
		channels = 1
	}
	d, err := program.Sound(ctx, t, channels)
	if err != nil {
		return 0
	}
	var g errgroup.Group
	g.Go(func() error {
		var at time.Duration
		for _, f := range frames {
			lasts := media.OpusDuration(f.Data)
			if lasts == 0 {
				continue
			}
			if err := d.Write(at, f); err != nil {
				return errors.Join(err, d.CloseWrite())
			}
			at += lasts
		}
		return d.CloseWrite()
	})
	var m mix.Meter
	unit := 4 * channels
	b, samples := make([]byte, 32<<10), []float32(nil)
	for {
		n, err := io.ReadAtLeast(d, b, unit)
		for n%unit != 0 && err == nil {
			var more int
			more, err = io.ReadFull(d, b[n:n+unit-n%unit])
			n += more
		}
		samples = samples[:0]
		for i := 0; i+4 <= n-n%unit; i += 4 {
			samples = append(samples, math.Float32frombits(binary.LittleEndian.Uint32(b[i:])))
		}
		m.Add(samples, channels)
		if err != nil {
			break
		}
	}
	d.Kill() // it has ended, or is not needed
	if err := errors.Join(g.Wait(), d.Wait()); err != nil && ctx.Err() != nil {
		return 0
	}
	return m.Level()
}
