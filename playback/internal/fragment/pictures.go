package fragment

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	// Hold is how long a picture stays if none follows, even if something is
	// missing. Senders of a screen that does not change repeat it once a second.
	Hold = 1500 * time.Millisecond
	// usual is the duration of a picture if there is no other to compare it with.
	usual = time.Second / 30
)

// A Next says what is known of the frame after the last one of a segment. The zero
// value says that there is none.
type Next struct {
	// Known: Time is the frame's time, and Key says whether it is a key frame.
	Time  time.Duration
	Key   bool
	Known bool
	// Later: a frame may still come, because the recording goes on.
	Later bool
}

// Pictures makes the parts of a video track: one, or several if key frames change the
// decoder's configuration.
//
// Each picture lasts until the next one. Pictures leaves a hole only if away says that
// the track was away, the next frame is a key frame, and it comes later than Hold.
// Before any other frame, a player would take a hole for a seek, and drop everything
// up to the next key frame.
//
// A picture less than a millisecond after the one before is moved to a millisecond
// after it, since decoders take no two pictures at one time; that happens when layers
// are switched. Frames whose configuration is not known are left out.
func Pictures(t media.Track, frames []media.Frame, next Next, away func(from, to time.Duration) bool) []Part {
	var pieces []piece
	private := t.Private
	earliest := time.Duration(0)
	for _, f := range frames {
		if len(f.Data) == 0 || f.Time < 0 {
			continue
		}
		if f.Time < earliest {
			if f.Later != 0 {
				f.Later -= earliest - f.Time
			}
			f.Time = earliest
		}
		earliest = f.Time + time.Millisecond
		if f.Key && media.NeedsPrivate(t.Codec) {
			if p := media.Describe(t.Codec, f.Data).Private; p != "" {
				private = p
			}
		}
		if media.NeedsPrivate(t.Codec) && private == "" {
			continue
		}
		if n := len(pieces); n == 0 || pieces[n-1].private != private {
			pieces = append(pieces, piece{private: private})
		}
		last := &pieces[len(pieces)-1]
		last.frames = append(last.frames, f)
	}
	var parts []Part
	for i, piece := range pieces {
		after := next
		if i+1 < len(pieces) {
			after = Next{Time: pieces[i+1].frames[0].Time, Key: true, Known: true}
		}
		setDurations(piece.frames, after, away)
		t.Private = piece.private
		if p, ok := pictures(t, piece.frames); ok {
			parts = append(parts, p)
		}
	}
	return parts
}

// A piece is a run of frames with one configuration.
type piece struct {
	private string
	frames  []media.Frame
}

// setDurations sets the duration of each frame: until the next frame, or, if a hole
// follows, the typical duration of these frames.
func setDurations(frames []media.Frame, next Next, away func(from, to time.Duration) bool) {
	typical := typicalDuration(frames)
	for i := range frames {
		f, after := &frames[i], next
		if i+1 < len(frames) {
			after = Next{Time: frames[i+1].Time, Key: frames[i+1].Key, Known: true}
		}
		d := after.Time - f.Time
		switch {
		case after.Known && d > 0 && (d <= Hold || !after.Key || !away(f.Time, after.Time)):
			f.Duration = d
		case after.Later:
			// The next frame must not look like a seek. It does not if it comes
			// before twice this duration.
			f.Duration = max(typical, Hold/3)
		default:
			f.Duration = typical
		}
	}
}

// typicalDuration returns the median distance between frames.
func typicalDuration(frames []media.Frame) time.Duration {
	var d []time.Duration
	for i := 1; i < len(frames); i++ {
		d = append(d, frames[i].Time-frames[i-1].Time)
	}
	if len(d) == 0 {
		return usual
	}
	slices.Sort(d)
	return min(max(d[len(d)/2], time.Millisecond), time.Second)
}

// pictures makes one part of frames whose durations are set.
func pictures(t media.Track, frames []media.Frame) (Part, bool) {
	end := frames[len(frames)-1]
	p := Part{
		Track: t.UID, MIME: mimeOf(t, frames[0].Data), From: frames[0].Time,
		To: end.Time + end.Duration, Frames: len(frames),
	}
	var err error
	if !webm(t.Codec) {
		if p.Init, err = mp4Init(t); err == nil {
			p.Media = mp4Media(frames)
		}
		return p, err == nil
	}
	if t.Codec == media.AV1 {
		t.Width, t.Height = sizeOf(t)
	}
	if p.Init, err = matroska.WebMInit(t); err != nil {
		return p, false
	}
	for i := range frames[:len(frames)-1] {
		if frames[i].Time+frames[i].Duration == frames[i+1].Time {
			frames[i].Duration = 0 // the next frame says it
		}
	}
	p.Media = matroska.AppendWebMClusters(roomFor(frames), frames)
	return p, true
}
