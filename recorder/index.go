package recorder

import (
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/recorder/media"
)

// listInIndex puts a track into the next index.
func (s *segmenter) listInIndex(t media.Track) {
	s.index.Tracks = append(s.index.Tracks, t)
	const escaped = 6 // bytes of JSON for one, at worst
	s.indexBytes += 512 + escaped*int64(len(t.Participant)+len(t.Name)+len(t.Source))
}

// endEpoch writes the index of the current epoch, which its readers alone can open. The
// next one lists all tracks again, for those who read no other.
func (s *segmenter) endEpoch() error {
	if err := s.writeIndex(); err != nil {
		return err
	}
	s.index.Tracks, s.indexBytes = nil, 0
	for _, t := range s.tracks {
		s.listInIndex(t)
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
	if err := media.WriteIndex(o, &s.index); err != nil {
		return fmt.Errorf("writing index %d: %w", o.Number(), abort(o, err))
	}
	if err := o.Commit(); err != nil {
		err = fmt.Errorf("sealing index %d: %w", o.Number(), err)
		if !errors.Is(err, ErrKept) {
			return err // the next one will list them
		}
		s.index, s.indexBytes = media.Index{}, 0
		return err
	}
	s.index, s.indexBytes = media.Index{}, 0
	return nil
}
