package playback

import (
	"context"
	"slices"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// maxLeader is the most bytes of a leader, and leaderTries the most segments
	// that are read to find one.
	maxLeader   = 1 << 20
	leaderTries = 3
)

// leaders returns a key frame of the largest size within the excerpt, for each
// track whose pictures differ in size. A track that begins with a smaller picture
// gets this one first in its file, for the shortest possible time: FFmpeg and
// others make all pictures as large as the first one, whatever the header says.
//
// It skips segments that it cannot read: the export reports those.
func (x *excerpt) leaders(ctx context.Context) map[uint64]media.Frame {
	wanted := make(map[int][]media.IndexTrack) // by segment
	for _, t := range x.tracks {
		if t.Codec.Audio() {
			continue
		}
		most, places := media.IndexTrack{UID: t.UID}, []int(nil)
		for _, seg := range x.s.readable() {
			if seg.From >= x.to && !x.whole() || seg.To < x.from {
				continue
			}
			for _, has := range seg.Tracks {
				switch size := has.Width * has.Height; {
				case has.UID != t.UID || size == 0:
				case size > most.Width*most.Height:
					most.Width, most.Height, places = has.Width, has.Height, []int{seg.Number}
				case size == most.Width*most.Height && len(places) < leaderTries:
					places = append(places, seg.Number)
				}
			}
		}
		for _, n := range places {
			wanted[n] = append(wanted[n], most)
		}
	}
	leaders := make(map[uint64]media.Frame)
	var numbers []int
	for n := range wanted {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	codecs := make(map[uint64]media.Codec)
	for _, t := range x.tracks {
		codecs[t.UID] = t.Codec
	}
	for _, n := range numbers {
		if !slices.ContainsFunc(wanted[n], func(t media.IndexTrack) bool { _, found := leaders[t.UID]; return !found }) {
			continue
		}
		for _, f := range x.s.readSegment(ctx, n, true).frames {
			if _, found := leaders[f.Track]; found || !f.Key || f.Time < x.from || f.Time > x.to || len(f.Data) > maxLeader {
				continue
			}
			i := slices.IndexFunc(wanted[n], func(t media.IndexTrack) bool { return t.UID == f.Track })
			if i < 0 {
				continue
			}
			if p := media.Describe(codecs[f.Track], f.Data); p.Width*p.Height == wanted[n][i].Width*wanted[n][i].Height {
				leaders[f.Track] = f
			}
		}
	}
	return leaders
}
