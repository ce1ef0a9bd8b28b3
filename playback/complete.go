package playback

import (
	"context"

	"github.com/sealtape/sealtape/recorder/media"
)

// Complete sets Private of the Tracks that lack it, since indexes do not have it.
// It reads the first segment of each such track. A track of which no segment can
// be read stays without; if that was a momentary fault, the error is that of the
// last such segment. Otherwise the error is that of ctx.
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

// lacking returns the tracks that need Private and lack it.
func (s *Session) lacking() map[uint64]bool {
	uids := make(map[uint64]bool)
	for _, t := range s.tracks {
		if t.Private == "" && media.NeedsPrivate(t.Codec) {
			uids[t.UID] = true
		}
	}
	return uids
}

// incomplete returns the first segment of each track that lacks its Private,
// without those tried, in order.
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
