package playback

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Report says what an export holds and what it lacks.
type Report struct {
	// Tracks are the exported tracks with at least one frame, in file order.
	// Files are the names of their files, in ExportTracks.
	Tracks []media.Track
	Files  []string
	// Names are what people are called in the files, such that they can be told
	// apart.
	Names *media.Names
	// From is where the export begins on the recording's clock. Duration is its
	// length.
	From, Duration time.Duration
	// Holes are the declared holes in the exported part. Missing are the segments
	// that could not be read. Both are on the recording's clock.
	Holes   []media.Event
	Missing []SegmentError
	// LeftOut are the frames that the export lacks, by track and reason, in file
	// order. There should be none.
	LeftOut []LeftOut
	// Late is by how much the sound of a track plays late at most, in programs
	// that count samples and ignore times: all programs do so with Ogg, few with
	// Matroska. Such a sender's clock is fast, or its frames overlap. Delays
	// below 40 ms are not listed.
	Late map[uint64]time.Duration
	// Gains is by how many dB each sound was turned up in a mix, by track: see
	// MixOptions.
	Gains map[uint64]float64
	// Hidden is how far before From the earliest picture was taken that the files
	// contain for decoding later ones. It is not shown, but it is in the file.
	Hidden time.Duration
	// Problems are the first few errors of decoding, in mixes, in the
	// decoder's words.
	Problems []error
	// Incomplete reports that a track has a declared hole of 1 s or more, a
	// segment is missing, or a frame was left out. Silence by mute or DTX is
	// complete.
	Incomplete bool
}

// LeftOut counts the frames of one track that an export lacks for one reason.
type LeftOut struct {
	Track  uint64
	Reason Refusal
	Frames int
}

// A Refusal is why an export lacks a frame.
type Refusal string

const (
	// RefusedOrder: the frame was so far out of order that it could not be
	// sorted, and later ones were written already.
	RefusedOrder Refusal = "order"
	// RefusedEnd: the frame's time is far after the recording's end.
	RefusedEnd Refusal = "after-end"
	// RefusedFrame: it is no frame of its codec, or no container allows it.
	RefusedFrame Refusal = "malformed"
	// RefusedDecoder: it could not be decoded, in a mix.
	RefusedDecoder Refusal = "undecoded"
	// RefusedTooMany: too many tracks were being decoded, in a mix.
	RefusedTooMany Refusal = "too-many"
)

// lateFrom is the least delay that Report.Late lists.
const lateFrom = 40 * time.Millisecond

// Dropped returns how many frames were left out in all.
func (r *Report) Dropped() int {
	n := 0
	for _, l := range r.LeftOut {
		n += l.Frames
	}
	return n
}

// drop counts frames that are left out.
func (r *Report) drop(track uint64, why Refusal, n int) {
	if n == 0 {
		return
	}
	r.Incomplete = true
	place := func(uid uint64) int {
		return slices.IndexFunc(r.Tracks, func(t media.Track) bool { return t.UID == uid })
	}
	i, found := slices.BinarySearchFunc(r.LeftOut, LeftOut{track, why, 0}, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(place(a.Track), place(b.Track)), cmp.Compare(a.Reason, b.Reason))
	})
	if !found {
		r.LeftOut = slices.Insert(r.LeftOut, i, LeftOut{track, why, 0})
	}
	r.LeftOut[i].Frames += n
}

// nothing returns the error of an export without a frame.
func (r *Report) nothing() error {
	if len(r.Missing) > 0 {
		return unreadable{&r.Missing[0]}
	}
	return ErrNothing
}

// An unreadable is an ErrNothing with its reason.
type unreadable struct{ error }

func (u unreadable) Error() string        { return "nothing can be read: " + u.error.Error() }
func (u unreadable) Unwrap() error        { return u.error }
func (u unreadable) Is(target error) bool { return target == ErrNothing }
