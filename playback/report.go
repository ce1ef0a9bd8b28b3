package playback

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Report says what an export holds and what it lacks.
type Report struct {
	// Tracks are the exported tracks, those with at least one frame, in file
	// order; Files the names of their files, in ExportTracks.
	Tracks []media.Track
	Files  []string
	// From is where on the recording's clock the export begins, Duration how
	// long it is.
	From, Duration time.Duration
	// Holes are the declared holes in what was chosen, Missing the segments that
	// could not be read, both on the recording's clock.
	Holes   []media.Event
	Missing []SegmentError
	// LeftOut are the frames of the recording that the export does not hold, by
	// track and why, in file order. There should be none.
	LeftOut []LeftOut
	// Late says of which tracks the sound plays late, by how much at most, for
	// who counts samples instead of looking at times: in Ogg everyone, in Matroska
	// few. Such a sender's clock is fast, or his frames overlap. What is less than
	// 40 ms is not listed.
	Late map[uint64]time.Duration
	// Hidden is how far before From the earliest picture was taken that the
	// files hold to decode later ones. It is not shown, but it is there.
	Hidden time.Duration
	// Problems are what went wrong with decoding, in ExportMP4: the first few,
	// in words of the decoder.
	Problems []error
	// Incomplete is set if a track has a declared hole of 1 s or more, a
	// segment is missing, or a frame was left out. Silence by mute or DTX is
	// complete.
	Incomplete bool
}

// LeftOut counts the frames of one track that an export does not hold for one
// reason.
type LeftOut struct {
	Track  uint64
	Reason Refusal
	Frames int
}

// A Refusal is why an export does not hold a frame.
type Refusal string

const (
	// RefusedOrder: it stands so far from its place in the recording that it was
	// not sorted, and what comes after it in time was written already.
	RefusedOrder Refusal = "order"
	// RefusedEnd: it is far later than the recording's end.
	RefusedEnd Refusal = "after-end"
	// RefusedFrame: it is no frame of its codec, or none that a container takes.
	RefusedFrame Refusal = "malformed"
	// RefusedDecoder: it could not be decoded, in ExportMP4.
	RefusedDecoder Refusal = "undecoded"
	// RefusedTooMany: too many tracks were at work at once, in ExportMP4.
	RefusedTooMany Refusal = "too-many"
)

// lateFrom is the least that Report.Late lists.
const lateFrom = 40 * time.Millisecond

// Dropped is how many frames were left out in all.
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

// nothing is the error of an export that got no frame.
func (r *Report) nothing() error {
	if len(r.Missing) > 0 {
		return unreadable{&r.Missing[0]}
	}
	return ErrNothing
}

// An unreadable is an ErrNothing with the reason.
type unreadable struct{ error }

func (u unreadable) Error() string        { return "nothing can be read: " + u.error.Error() }
func (u unreadable) Unwrap() error        { return u.error }
func (u unreadable) Is(target error) bool { return target == ErrNothing }
