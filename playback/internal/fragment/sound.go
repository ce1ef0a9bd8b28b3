package fragment

import (
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// Bounds say how the sound of a segment joins that of its neighbours. The zero value
// is for a segment without neighbours.
type Bounds struct {
	// Lead: the track was there before the first frame. Then silence leads from
	// the time From to that frame.
	From time.Duration
	Lead bool
	// To is where the silence after the last frame ends. A To that is not after
	// the last frame has no effect.
	To time.Duration
	// Joined: the packets of the segment before end at Run. What they have too much
	// or too little is made up for here.
	Run    opus.Run
	Joined bool
}

// Seam returns where the sound of a segment ends and that of the next segment begins,
// for a track that is in both. next is where the next segment begins. first is the
// time of the track's first frame in it.
//
// Both segments must get the same answer, though each knows little of the other. A
// packet of the first segment can reach into the second by at most MaxPacket. Silence
// up to there belongs to the first segment.
func Seam(next, first time.Duration) time.Duration {
	if seam := next + opus.MaxPacket; seam+opus.Behind <= first {
		return seam
	}
	return first
}

// Sound makes the part of an Opus track. It fills holes between frames with silence,
// so that a player does not wait there, and does not lose time if it counts samples.
// It leaves out frames that come too early because the sender's clock is fast. Each
// packet gets the time at which it plays, directly after the packet before it: where
// packets overlap, Chromium drops that much of the sound. So the time may differ from
// the packet's own by as much as opus.Behind and opus.Ahead allow. Sound returns where
// the packets end, for the Bounds of the next segment. ok is false if there is no
// usable frame.
func Sound(t media.Track, frames []media.Frame, b Bounds) (p Part, run opus.Run, ok bool) {
	out := make([]media.Frame, 0, len(frames)+8)
	stereo := false
	budget := maxSilence
	silence := func(d time.Duration) {
		if budget -= d; budget < 0 {
			run += opus.Run(d) // this stays a hole
			return
		}
		for _, packet := range opus.Silence(d, stereo) {
			lasts := media.OpusDuration(packet)
			out = append(out, media.Frame{Time: time.Duration(run), Duration: lasts, Key: true, Data: packet})
			run.Add(packet)
			d -= lasts
		}
	}
	for _, f := range frames {
		if media.OpusDuration(f.Data) == 0 || f.Time < 0 {
			continue
		}
		if len(out) == 0 {
			switch early := time.Duration(b.Run) - f.Time; {
			case b.Joined && early <= opus.MaxPacket: // an earlier frame makes no sense
				run = b.Run
			case b.Lead && b.From < f.Time:
				run = opus.Run(b.From)
			default:
				run = opus.Run(f.Time)
			}
			run = max(run, 0)
		}
		fill, keep := run.Place(f)
		if !keep {
			continue
		}
		stereo = media.OpusChannels(f.Data) == 2
		silence(fill)
		f.Key, f.Time, f.Duration = true, time.Duration(run), media.OpusDuration(f.Data)
		out = append(out, f)
		run.Add(f.Data)
	}
	if len(out) == 0 {
		return p, b.Run, false
	}
	if rest := b.To - time.Duration(run); rest > 0 {
		silence(rest)
	}
	// Players know the length of an Opus packet from the packet.
	end := out[len(out)-1]
	for i := range out {
		out[i].Duration = 0
	}
	t.Channels = 2 // a decoder for two also decodes one, and both in turn
	init, err := matroska.WebMInit(t)
	if err != nil {
		return p, b.Run, false
	}
	return Part{
		Track: t.UID, MIME: MIME(t), From: out[0].Time, To: end.Time + end.Duration,
		Init: init, Media: matroska.AppendWebMClusters(roomFor(out), out), Frames: len(out),
	}, run, true
}

// maxSilence is the most silence in a part, whatever its times are: some 15,000
// packets.
const maxSilence = 30 * time.Minute
