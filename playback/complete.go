package playback

import (
	"context"

	"github.com/sealtape/sealtape/recorder/media"
)

// Complete sees to it that Tracks have their Private, which indexes do not tell:
// it reads the first segment of each track that lacks it. What is known is not
// read again. A track of which no segment can be read stays without; the error
// is then that of the last one, if it was of the moment, or that of ctx.
func (s *Session) Complete(ctx context.Context) error {
	tried := make(map[int]bool)
	var failed error
	for {
		numbers := s.incomplete(tried)
		if len(numbers) == 0 {
			break
		}
		read := func(ctx context.Context, i int) *reading { return s.readSegment(ctx, numbers[i], false) }
		for i, r := range ahead(ctx, len(numbers), segmentsAtOnce, read) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			tried[numbers[i]] = true
			if s.note(r); r.err != nil && stateOf(r.err) == Readable {
				failed = s.segmentError(r.number, r.err)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lacking()) == 0 {
		return nil
	}
	return failed
}

// lacking returns the tracks that need a Private and have none.
func (s *Session) lacking() map[uint64]bool {
	uids := make(map[uint64]bool)
	for _, t := range s.tracks {
		if t.Private == "" && media.NeedsPrivate(t.Codec) {
			uids[t.UID] = true
		}
	}
	return uids
}

// incomplete returns the first segment not tried of each track that lacks its
// Private, in order.
func (s *Session) incomplete(tried map[int]bool) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var numbers []int
	uids := s.lacking()
	for _, seg := range s.segments {
		if seg.skip || tried[seg.Number] {
			continue
		}
		found := false
		for _, t := range seg.Tracks {
			if uids[t.UID] {
				found = true
				delete(uids, t.UID)
			}
		}
		if found {
			numbers = append(numbers, seg.Number)
		}
		if len(uids) == 0 {
			break
		}
	}
	return numbers
}
