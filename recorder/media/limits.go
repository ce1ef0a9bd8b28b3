package media

import (
	"errors"
	"fmt"
)

// The limits of a segment's header, an index and a block of Matroska. This is the
// only set of them: whatever describes, writes or reads a picture calls
// [Track.Check] and [Frame.Check].
const (
	// MaxTracks is how many tracks one file lists.
	MaxTracks = 512
	// MaxFrame bounds the size of one frame in bytes.
	MaxFrame = 8 << 20
	// MaxSide bounds the width and the height of a picture in pixels.
	MaxSide = 1 << 16
	// MaxChannels is how many channels an Opus track has at most.
	MaxChannels = 2
	// MaxPrivate bounds Track.Private in bytes: several times what encoders make,
	// and MaxTracks of it still fit a header.
	MaxPrivate = 1 << 10

	// TimelineUID is the UID of the timeline, "sealtape" in ASCII. No track may have
	// it.
	TimelineUID = 0x7365616C74617065
)

// Check returns why no file can list the track. Nil means that a file can.
// Strings do not matter: they are cut when they are written.
func (t Track) Check() error {
	switch {
	case t.UID == 0 || t.UID == TimelineUID:
		return fmt.Errorf("track UID %d is reserved", t.UID)
	case !t.Codec.Known():
		return fmt.Errorf("track %d: codec %.40q cannot be written", t.UID, t.Codec)
	case t.Channels < 0 || t.Channels > MaxChannels:
		return fmt.Errorf("track %d: %d channels", t.UID, t.Channels)
	case t.Width < 0 || t.Height < 0 || t.Width > MaxSide || t.Height > MaxSide:
		return fmt.Errorf("track %d: size %dx%d", t.UID, t.Width, t.Height)
	case t.Turned%90 != 0 || t.Turned < 0 || t.Turned > 270 || t.Turned != 0 && t.Codec.Audio():
		return fmt.Errorf("track %d: turned by %d degrees", t.UID, t.Turned)
	case NeedsPrivate(t.Codec) && (t.Private == "" || len(t.Private) > MaxPrivate):
		return fmt.Errorf("track %d: private data of %d bytes for codec %q", t.UID, len(t.Private), t.Codec)
	}
	return nil
}

// Check returns why the frame cannot be written. Nil means that it can.
func (f Frame) Check() error {
	switch {
	case f.Time < 0 || f.Time > maxTime || f.Shown() < 0 || f.Shown() > maxTime:
		return fmt.Errorf("time %v, before the recording's start or long after it", f.Shown())
	case len(f.Data) == 0:
		return errors.New("no data")
	case len(f.Data) > MaxFrame:
		return fmt.Errorf("%d bytes, more than %d", len(f.Data), MaxFrame)
	}
	return nil
}

// Fits reports whether a picture of this size can be written. 0 means that the
// size is not known, and fits.
func (p Picture) Fits() bool {
	return p.Width >= 0 && p.Height >= 0 && p.Width <= MaxSide && p.Height <= MaxSide
}
