package playback

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// FramesBetween yields the frames needed to play from..to, in order of time, with
// the errors of Frames. A to of 0 means the end. Sound frames are those that
// overlap from..to. Pictures begin with their last key frame at or before from.
// If the track is muted or over at from, or something in between cannot be read,
// they begin with the first key frame after from.
func (s *Session) FramesBetween(ctx context.Context, from, to time.Duration) iter.Seq2[media.Frame, error] {
	return framesOf(s.part(ctx, from, to))
}

// part yields what FramesBetween yields, as orderedFrames.
func (s *Session) part(ctx context.Context, from, to time.Duration) iter.Seq2[orderedFrame, error] {
	return func(yield func(orderedFrame, error) bool) {
		if to > 0 && from >= to {
			return
		}
		numbers, begins, audio := s.between(from, to)
		started := make(map[uint64]bool)
		want := func(f media.Frame) bool {
			switch {
			case to > 0 && f.Time >= to:
				return false
			case audio[f.Track]:
				return f.Time >= from || f.Time+f.Duration > from
			case started[f.Track]:
				return true
			}
			begin, ok := begins[f.Track]
			if !ok {
				begin = from
			}
			// An index is exact to the millisecond.
			started[f.Track] = f.Key && f.Shown() >= begin-roundedTo
			return started[f.Track]
		}
		s.ordered(ctx, numbers, want, yield)
	}
}

// between returns the segments to read for the media between two times; when
// pictures begin whose key frame is before from; and which tracks are sound.
func (s *Session) between(from, to time.Duration) (numbers []int, begins map[uint64]time.Duration, audio map[uint64]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	audio = make(map[uint64]bool)
	open := make(map[uint64]bool) // pictures whose key frame is not found yet
	for _, t := range s.tracks {
		audio[t.UID] = t.Codec.Audio()
		open[t.UID] = !t.Codec.Audio()
	}
	for _, e := range s.events {
		if e.Time > from {
			break
		}
		switch e.Type {
		case media.EventMute, media.EventTrackEnd:
			delete(open, e.Track)
		case media.EventUnmute, media.EventTrack:
			if known, ok := audio[e.Track]; ok && !known {
				open[e.Track] = true
			}
		}
	}
	begins = make(map[uint64]time.Duration)
	for _, seg := range slices.Backward(s.segments) {
		if seg.From > from {
			continue
		}
		if seg.skip && seg.From != seg.To {
			break // after a segment that cannot be read, nothing continues
		}
		for _, t := range seg.Tracks {
			if !open[t.UID] {
				continue
			}
			for _, key := range slices.Backward(t.Keys) {
				if key <= from {
					begins[t.UID] = key
					delete(open, t.UID)
					break
				}
			}
		}
		if len(open) == 0 {
			break
		}
	}
	for _, seg := range s.segments {
		if seg.skip || to > 0 && seg.timed && seg.From >= to+roundedTo {
			continue
		}
		needed := seg.To >= from-roundedTo
		for _, t := range seg.Tracks {
			begin, ok := begins[t.UID]
			needed = needed || ok && begin <= seg.To+roundedTo
		}
		if needed {
			numbers = append(numbers, seg.Number)
		}
	}
	return numbers, begins, audio
}
