package player

import (
	"context"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/fragment"
	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
)

// edgesOf returns what the asked-for segment must know of the next one. Reading
// both began at the same time; if the next one takes too long, edgesOf does
// without it.
func (p *Player) edgesOf(ctx context.Context, t *openRecording, next *playback.Segment) map[uint64]media.Frame {
	if next == nil {
		return nil
	}
	t.mu.Lock()
	known, ok := t.edges[next.Number]
	t.mu.Unlock()
	if ok {
		return known.first
	}
	ctx, cancel := context.WithTimeout(ctx, t.p.patience.Next)
	defer cancel()
	e, err := p.cache.get(ctx, cacheKey{t, next.Number})
	if err != nil {
		return nil
	}
	p.cache.release(e)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.edges[next.Number].first
}

// knownEdges returns what is known of the next segment without reading it.
func (t *openRecording) knownEdges(next *playback.Segment) map[uint64]media.Frame {
	if next == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.edges[next.Number].first
}

// A composer makes parts of one segment.
type composer struct {
	t          *openRecording
	seg        *playback.Segment
	prev, next *playback.Segment
	after      map[uint64]media.Frame
	media      *playback.SegmentMedia
}

func (c *composer) parts(track media.Track) []fragment.Part {
	var frames []media.Frame
	for _, f := range c.media.Frames {
		if f.Track == track.UID {
			frames = append(frames, f)
		}
	}
	if len(frames) == 0 {
		return nil
	}
	if !track.Codec.Audio() {
		away := func(from, to time.Duration) bool { return c.t.away(track.UID, from, to) }
		return fragment.Pictures(c.t.shape(track), frames, c.nextFrame(track.UID), away)
	}
	b := fragment.Bounds{Lead: has(c.prev, track.UID)}
	if c.prev != nil {
		b.From = seam(c.prev, c.seg, frames[0].Time)
	}
	c.t.mu.Lock()
	if c.prev != nil {
		b.Run, b.Joined = c.t.edges[c.prev.Number].runs[track.UID]
	}
	c.t.mu.Unlock()
	if first, ok := c.after[track.UID]; ok {
		b.To = seam(c.seg, c.next, first.Time)
	}
	p, run, ok := fragment.Sound(track, frames, b)
	if !ok {
		return nil
	}
	c.t.setRun(c.seg.Number, track.UID, run)
	return []fragment.Part{p}
}

// seam is fragment.Seam for two segments. If a picture begins the second while
// sound is still in the first, the sound continues to its end.
func seam(before, after *playback.Segment, first time.Duration) time.Duration {
	return fragment.Seam(max(before.To, after.From), first)
}

// has reports whether a segment has frames of the track.
func has(seg *playback.Segment, uid uint64) bool {
	return seg != nil && slices.ContainsFunc(seg.Tracks, func(t media.IndexTrack) bool { return t.UID == uid })
}

// nextFrame returns what is known of the frame after a track's last picture.
func (c *composer) nextFrame(uid uint64) fragment.Next {
	if f, ok := c.after[uid]; ok {
		return fragment.Next{Time: f.Time, Key: f.Key, Known: true}
	}
	if has(c.next, uid) {
		return fragment.Next{Later: true} // not read in time
	}
	// A picture may stand still for longer than a segment. The segment after that
	// is not read for it: the time of its beginning is enough.
	from, more := c.t.next(c.seg.Number, uid)
	if from > 0 {
		return fragment.Next{Time: from, Key: true, Known: true}
	}
	return fragment.Next{Later: more}
}

// farAhead is the most segments that are searched for the next frame.
const farAhead = 500

// next returns when the next segment with frames of the track begins. 0 means
// that none soon after has any. more reports that the recording may continue with
// one.
func (t *openRecording) next(n int, uid uint64) (from time.Duration, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := t.place(n)
	i = min(i+1, len(t.segments))
	for _, seg := range t.segments[i:min(i+farAhead, len(t.segments))] {
		if seg.State != playback.Readable {
			return 0, false
		}
		if has(&seg, uid) {
			return seg.From, true
		}
	}
	return 0, i == len(t.segments) && !t.rec.Log().Over()
}

// away reports whether the timeline says that a track had a hole between two
// times, or sent nothing.
func (t *openRecording) away(uid uint64, from, to time.Duration) bool {
	const slack = time.Second // the room's report and the media differ by this much
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.events, func(e media.Event) bool {
		switch e.Type {
		case media.EventHole:
			return e.Track == uid && e.From < to && e.To > from
		case media.EventMute, media.EventUnmute, media.EventTrackEnd:
			return e.Track == uid && e.Time > from-slack && e.Time < to+slack
		case media.EventLost, media.EventReconnect, media.EventPause, media.EventResume:
			return e.Time > from-slack && e.Time < to+slack
		}
		return false
	})
}

// shape returns the track with a fixed size, for the initialization segments of
// codecs whose frames have the size themselves. If that segment changes, players
// drop everything up to the next key frame.
func (t *openRecording) shape(track media.Track) media.Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.sizes[track.UID]
	if !ok {
		known = track
		for _, whole := range t.session.Tracks() {
			if whole.UID == track.UID && whole.Width > 0 {
				known = whole
			}
		}
		t.sizes[track.UID] = known
	}
	track.Width, track.Height = known.Width, known.Height
	return track
}

// setRun stores how far a segment's sound has come.
func (t *openRecording) setRun(n int, uid uint64, run opus.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.edges[n]
	if !ok {
		return
	}
	if e.runs == nil {
		e.runs = make(map[uint64]opus.Run)
		t.edges[n] = e
	}
	e.runs[uid] = run
}
