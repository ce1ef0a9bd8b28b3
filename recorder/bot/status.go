package bot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
)

// After these times a recorder has a problem. A restart may mend only the first. A
// recorder that is restarted because its store or its server is away loses more.
const (
	stuckSealing = 30 * time.Second // the goroutine that writes gave no sign
	stuckUpload  = 5 * time.Minute  // an object waits for the store
	roomLost     = time.Minute      // the recorder is out of the room
	nothingOpens = 10 * time.Second // media comes, and none of it opens
)

// A Status is the present state of a recording and its upload. Only Status.Unopened
// names people.
type Status struct {
	// State is recorder.StateStarting before the room is joined.
	recorder.Status
	Backlog
	// ID is the ID of the recording. "" means that none has begun.
	ID    string
	Stage Stage
	// Waiting is how many objects of any kind a store has not confirmed: the highest
	// number among the stores.
	Waiting int
	// UploadFailing says that the last upload to a store failed.
	UploadFailing bool
	// Away is how long the recorder has been out of the room.
	Away time.Duration
}

// A monitor computes the Status. Its methods are safe for concurrent use.
type monitor struct {
	backlog *backlog

	mu      sync.Mutex
	status  func() recorder.Status // nil before the room is joined, as the next two
	failing func() bool            // the last upload failed
	waiting func() int             // objects that a store has not confirmed
	away    time.Time              // since when the recorder is out of the room; zero: it is in it
}

func newMonitor(stores int) *monitor { return &monitor{backlog: newBacklog(stores)} }

// follow sets the functions that the monitor asks.
func (m *monitor) follow(status func() recorder.Status, failing func() bool, waiting func() int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.failing, m.waiting = status, failing, waiting
}

// read returns the Status. It must be called about every second: how long the room is
// away is known only from that.
func (m *monitor) read(now time.Time) Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{Status: recorder.Status{State: recorder.StateStarting}, Backlog: m.backlog.state(now)}
	if m.status != nil {
		s.Status, s.UploadFailing, s.Waiting = m.status(), m.failing(), m.waiting()
	}
	switch {
	case s.State != recorder.StateReconnecting:
		m.away = time.Time{}
	case m.away.IsZero():
		m.away = now
	default:
		s.Away = now.Sub(m.away)
	}
	return s
}

// watch calls read once a second until ctx ends.
func (m *monitor) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			m.read(now)
		}
	}
}

// Hangs reports whether the recorder has stopped working. A restart may mend that.
func (s *Status) Hangs(now time.Time) bool {
	return !s.Alive.IsZero() && s.State != recorder.StateEnded && now.Sub(s.Alive) > stuckSealing
}

// Problems returns a sentence for each problem. None means that all is well.
func (s *Status) Problems(now time.Time) (out []string) {
	if s.Hangs(now) {
		out = append(out, "sealing is stuck: nothing was written for "+words.Length(now.Sub(s.Alive)))
	}
	if s.State == recorder.StateDiskFull {
		out = append(out, "sealing is stuck: the disk is full")
	}
	if since, why := s.unopened(); !since.IsZero() && now.Sub(since) > nothingOpens {
		out = append(out, "nothing is recorded: no media opens since "+words.Length(now.Sub(since))+why)
	}
	if s.Oldest > stuckUpload {
		out = append(out, fmt.Sprintf("uploading is stuck: %s in the spool, for up to %s", words.Waits(s.Objects), words.Length(s.Oldest)))
	}
	if s.Away > roomLost {
		out = append(out, "the room is lost since "+words.Length(s.Away))
	}
	return out
}

// unopened returns since when media comes and none of it opens, and the likeliest cause.
// The zero time means that some media opens.
func (s *Status) unopened() (since time.Time, why string) {
	if s.State != recorder.StateRecording || len(s.Unopened) == 0 {
		return time.Time{}, ""
	}
	for _, u := range s.Unopened {
		if since.IsZero() || u.Since.Before(since) {
			since = u.Since
		}
		if why == "" && u.Why != "" {
			why = ": " + u.Why
		}
	}
	if s.Opened.After(since) {
		since = s.Opened
	}
	return since, why
}
