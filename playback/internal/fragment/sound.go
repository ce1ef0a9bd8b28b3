package fragment

import (
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// Bounds say how a segment's sound joins that of its neighbours. The zero value
// is for sound that stands alone.
type Bounds struct {
	// From is where silence begins that leads to the first frame, if Lead is
	// set: the track was there before.
	From time.Duration
	Lead bool
	// To is where silence ends that follows the last frame; what is not after
	// that counts for nothing.
	To time.Duration
	// Run is where the packets before have come to, if Joined is set: what is
	// too much or too little there is made up for here.
	Run    opus.Run
	Joined bool
}

// Seam returns where the sound of a segment ends and that of the next one
// begins, of a track that is in both: next is where the next segment begins,
// first the time of its first frame of the track.
//
// Both sides must come to the same answer while each knows little of the other.
// A packet of the first can reach into the second by no more than MaxPacket; up
// to there, silence is the first one's.
func Seam(next, first time.Duration) time.Duration {
	if seam := next + opus.MaxPacket; seam+opus.Behind <= first {
		return seam
	}
	return first
}

// Sound makes the part of a track of Opus. Holes between its frames are filled
// with silence, so that a player neither waits there nor, counting samples,
// loses time; frames that come too early because the sender's clock is fast are
// left out. A packet's time is where it plays, after those before it, and so off
// its own by what the run may be: where packets overlap, Chromium drops as much of
// the sound. It returns where the packets have come to, for the next segment's
// Bounds. Without a usable frame, ok is false.
func Sound(t media.Track, frames []media.Frame, b Bounds) (p Part, run opus.Run, ok bool) {
	out := make([]media.Frame, 0, len(frames)+8)
	stereo := false
	budget := maxSilence
	silence := func(d time.Duration) {
		if budget -= d; budget < 0 {
			run += opus.Run(d) // a hole then
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
			case b.Joined && early <= opus.MaxPacket: // else it makes no sense
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
	// Players know the length of an Opus packet by itself.
	end := out[len(out)-1]
	for i := range out {
		out[i].Duration = 0
	}
	t.Channels = 2 // decodes either kind, and both in turn
	init, err := matroska.WebMInit(t)
	if err != nil {
		return p, b.Run, false
	}
	return Part{
		Track: t.UID, MIME: MIME(t), From: out[0].Time, To: end.Time + end.Duration,
		Init: init, Media: matroska.AppendWebMClusters(nil, out), Frames: len(out),
	}, run, true
}

// maxSilence bounds the silence of a part, whatever it says of its times: some
// 15,000 packets.
const maxSilence = 30 * time.Minute
