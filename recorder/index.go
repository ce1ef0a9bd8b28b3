package recorder

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	indexEvery = 64 // segments
	// An index is written earlier where it would get larger than this, which is far
	// from what a Sink or a reader of indexes refuses.
	maxIndexBytes = 8 << 20
)

// A nextIndex is what the next index will say of the segments since the last one.
type nextIndex struct {
	media.Index
	tally media.Tally // of the frames of the open segment
	bytes int64       // its size, about
}

// full reports whether it is time to write the index.
func (x *nextIndex) full() bool { return len(x.Segments) >= indexEvery || x.bytes >= maxIndexBytes }

// list puts a track into the index.
func (x *nextIndex) list(t media.Track) {
	x.Tracks = append(x.Tracks, t)
	const escaped = 6 // bytes of JSON for one, at worst
	x.bytes += 512 + escaped*int64(len(t.Participant)+len(t.Name)+len(t.Source))
}

// update notes how a track is now, if the index has it.
func (x *nextIndex) update(t media.Track) {
	if i := slices.IndexFunc(x.Tracks, func(known media.Track) bool { return known.UID == t.UID }); i >= 0 {
		x.Tracks[i] = t
	}
}

// add adds a segment that was committed, and that was opened at a time.
func (x *nextIndex) add(c *openSegment, opened time.Duration) {
	x.bytes += x.tally.Weight()
	x.Segments = append(x.Segments, x.tally.Close(c.writer.Size(), opened))
	x.Events = append(x.Events, c.written...)
}

// clear begins another index.
func (x *nextIndex) clear() { x.Index, x.bytes = media.Index{}, 0 }

// endEpoch writes the index of the current epoch, which its readers alone can open. The
// next one lists all tracks again, for those who read no other.
func (s *segmenter) endEpoch() error {
	if err := s.writeIndex(); err != nil {
		return err
	}
	s.index.Tracks, s.index.bytes = nil, 0
	for _, t := range s.tracks {
		s.index.list(t)
	}
	return nil
}

// writeIndex writes the index of the segments since the last one.
func (s *segmenter) writeIndex() error {
	if len(s.index.Segments) == 0 {
		return nil
	}
	o, err := s.sink.CreateIndex()
	if err != nil {
		return fmt.Errorf("starting an index: %w", err)
	}
	s.index.Recording, s.index.Start = s.recording, s.clock.start
	if err := media.WriteIndex(o, &s.index.Index); err != nil {
		return fmt.Errorf("writing index %d: %w", o.Number(), abort(o, err))
	}
	if err := o.Commit(); err != nil {
		err = fmt.Errorf("sealing index %d: %w", o.Number(), err)
		if !errors.Is(err, ErrKept) {
			return err // the next one will list them
		}
		s.index.clear()
		return err
	}
	s.index.clear()
	return nil
}
