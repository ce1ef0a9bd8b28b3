package player

import (
	"math"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A reel is the frames of a track.
type reel struct {
	Track
	track media.Track
	told  bool // the index did

	n    int           // frame of the loop that is next, counted on
	next time.Duration // when it is, math.MaxInt64 after the last
}

// newReel returns the track of a member. Where a picture begins, or goes on after
// a hole or a mute, it does so with its next key frame.
func newReel(uid uint64, m Member, k Track) *reel {
	r := &reel{Track: k, track: media.Track{UID: uid, Participant: m.ID, Name: m.Name, Source: k.Source, Codec: k.Loop.Codec,
		Width: k.Loop.Width, Height: k.Loop.Height, Private: k.Loop.Private}}
	if k.Loop.Codec.Audio() {
		r.track.Channels = media.OpusChannels(k.Loop.Frames[0])
	}
	r.Mutes, r.Holes = slices.Clone(k.Mutes), slices.Clone(k.Holes)
	for i := range r.Mutes {
		r.Mutes[i].To = r.time(r.key(r.Mutes[i].To))
	}
	for i := range r.Holes {
		r.Holes[i].To = r.time(r.key(r.Holes[i].To))
	}
	return r
}

// events returns what the timeline says of the track.
func (r *reel) events() (out []media.Event) {
	about := func(at time.Duration, typ media.EventType) *media.Event {
		out = append(out, media.Event{Time: at, Type: typ, Participant: r.track.Participant, Track: r.track.UID})
		return &out[len(out)-1]
	}
	e := about(r.From, media.EventTrack)
	e.Name, e.Text = r.track.Name, r.track.Label()
	if r.Source == media.Screen {
		about(r.From, media.EventScreen)
	}
	if first := r.time(r.key(r.From)); first > r.From+r.Loop.Every {
		r.Holes = slices.Insert(r.Holes, 0, Hole{Span{r.From, first}, media.HoleStart})
	}
	for _, s := range r.Mutes {
		about(s.From, media.EventMute)
		if s.To < r.To {
			about(s.To, media.EventUnmute)
		}
	}
	for _, h := range r.Holes {
		e := about(h.From, media.EventHole)
		e.From, e.To, e.Reason = h.From, min(h.To, r.To), h.Reason
	}
	if r.Source == media.Screen {
		about(r.To, media.EventScreenEnd)
	}
	about(r.To, media.EventTrackEnd)
	return out
}

// time is when frame n of the loop was taken.
func (r *reel) time(n int) time.Duration {
	at := time.Duration(n) * r.Loop.Every
	return at + time.Duration(float64(at)*r.PPM/1e6)
}

// frameAt is the first frame that was taken at a time or after it.
func (r *reel) frameAt(at time.Duration) int {
	n := int(float64(at) / (1 + r.PPM/1e6) / float64(r.Loop.Every))
	for ; n > 0 && r.time(n) >= at; n-- {
	}
	for ; r.time(n) < at; n++ {
	}
	return n
}

// key is the first key frame at a time or after it.
func (r *reel) key(at time.Duration) int {
	n := r.frameAt(at)
	return (n + r.Loop.KeyEvery - 1) / r.Loop.KeyEvery * r.Loop.KeyEvery
}

// seek goes to the first frame at a time or after it, and returns when it is.
func (r *reel) seek(at time.Duration) time.Duration {
	if r.next < at || r.next == 0 {
		at = max(at, r.From)
		if at == r.From {
			r.n = r.key(at)
		} else {
			r.n = r.frameAt(at)
		}
		r.skip()
	}
	return r.next
}

// skip passes over what is muted, missing or over.
func (r *reel) skip() {
	r.next = r.time(r.n)
	for again := true; again; {
		again = false
		over := func(s Span) {
			if r.next >= s.From && r.next < s.To {
				r.n, again = r.key(s.To), true
				r.next = r.time(r.n)
			}
		}
		for _, s := range r.Mutes {
			over(s)
		}
		for _, h := range r.Holes {
			over(h.Span)
		}
	}
	if r.next >= r.To {
		r.next = math.MaxInt64
	}
}

// frame returns the next frame, made as large as the track wants with bytes of
// padding.
func (r *reel) frame(padding []byte) media.Frame {
	f := media.Frame{Track: r.track.UID, Time: r.next, Key: r.n%r.Loop.KeyEvery == 0, Data: r.Loop.Frames[r.n%len(r.Loop.Frames)]}
	if r.Loop.Codec.Audio() {
		f.Duration = r.Loop.Every
	}
	size := r.Bytes
	if f.Key {
		size = r.KeyBytes
	}
	if more := min(size, len(padding)) - len(f.Data); more > 0 {
		f.Data = append(slices.Clip(f.Data), padding[:more]...)
	}
	r.n++
	r.skip()
	return f
}
