package recorder

import "time"

// A Status is a recording as it stands.
type Status struct {
	// Started is when the recording began, the zero time before that.
	Started time.Time
	// Participants are the members present, the recorder not counted.
	Participants int
	// Tracks are being read now.
	Tracks int
	// Frames were kept, Failed could not be opened, and Lost counts the packets
	// that never came.
	Frames, Failed, Lost int64
	// MediaBytes is the size of the frames kept.
	MediaBytes int64
	// Segments were committed, SegmentBytes long before sealing.
	Segments     int
	SegmentBytes int64
}

// Status returns the recording as it stands. It may be called at any time by
// any goroutine.
func (r *Recorder) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Frames, s.Failed = r.counts.frames.Load(), r.counts.failed.Load()
	s.Lost, s.MediaBytes = r.counts.lost.Load(), r.counts.bytes.Load()
	return s
}

// segmentDone counts a committed segment.
func (r *Recorder) segmentDone(segments int, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Segments = segments
	r.status.SegmentBytes += bytes
}
