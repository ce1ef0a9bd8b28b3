package media

import (
	"maps"
	"time"
)

// maxShown is for how many tracks the time of the last key frame is remembered.
const maxShown = 4096

// A Tally makes the index entries of segments from their frames, while the segments
// are written one after the other. The zero value is ready for use. It belongs to
// one goroutine.
type Tally struct {
	segment IndexSegment
	any     bool                     // the segment has frames
	end     time.Duration            // of the last frame
	keys    int                      // key frames in the entry, of all tracks
	place   map[uint64]int           // index of each track in segment.Tracks
	shown   map[uint64]time.Duration // time of the last key frame of each video track, in any segment
}

// Open begins the entry of a segment.
func (t *Tally) Open(number, epoch int) {
	t.segment = IndexSegment{Number: number, Epoch: epoch}
	t.any, t.end, t.keys = false, 0, 0
	t.place = make(map[uint64]int)
}

// Frame adds a frame of a track with codec c.
func (t *Tally) Frame(f Frame, c Codec) {
	if !t.any || f.Time < t.segment.Start {
		t.segment.Start = f.Time
	}
	t.any, t.end = true, max(t.end, f.Time+f.Duration)
	if t.place == nil {
		t.place = make(map[uint64]int)
	}
	i, ok := t.place[f.Track]
	if !ok {
		i = len(t.segment.Tracks)
		t.place[f.Track] = i
		t.segment.Tracks = append(t.segment.Tracks, IndexTrack{UID: f.Track})
	}
	if c.Audio() {
		return
	}
	track := &t.segment.Tracks[i]
	if f.Key {
		if t.shown == nil {
			t.shown = make(map[uint64]time.Duration)
		}
		t.shown[f.Track] = f.Time
		// Readers refuse key frames that are out of order.
		if n := len(track.Keys); t.keys < MaxIndexKeys && (n == 0 || track.Keys[n-1] <= f.Time) {
			t.keys++
			track.Keys = append(track.Keys, f.Time)
		}
		track.Grow(Describe(c, f.Data))
	}
	if !ok && !f.Key {
		track.Continues, track.Begin = true, t.shown[f.Track]
	}
}

// Any reports whether the segment has a frame.
func (t *Tally) Any() bool { return t.any }

// Start returns the earliest time of a frame. It is 0 if there is no frame.
func (t *Tally) Start() time.Duration { return t.segment.Start }

// Weight returns about how many bytes of an index the segment takes.
func (t *Tally) Weight() int64 { return int64(128 + 128*len(t.segment.Tracks) + 16*t.keys) }

// Close returns the entry of the segment, whose plaintext has size bytes. A segment
// without frames starts at the time opened and has no duration.
func (t *Tally) Close(size int64, opened time.Duration) IndexSegment {
	s := t.segment
	if !t.any {
		s.Start, t.end = opened, opened
	}
	s.Size, s.Duration = size, t.end-s.Start
	if len(t.shown) > maxShown {
		maps.DeleteFunc(t.shown, func(uid uint64, _ time.Duration) bool { _, ok := t.place[uid]; return !ok })
	}
	t.segment, t.place = IndexSegment{}, nil
	return s
}

// Grow sets the track's size to that of a picture, if the picture is larger than all
// before it.
func (t *IndexTrack) Grow(p Picture) {
	if max(p.Width, p.Height) <= MaxSide && p.Width*p.Height > t.Width*t.Height {
		t.Width, t.Height = p.Width, p.Height
	}
}
