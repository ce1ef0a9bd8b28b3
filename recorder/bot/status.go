package bot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
)

// When a recorder is not well. A restart mends the first, not the others: a
// recorder that is killed because its store or its server is away loses more.
const (
	stuckSealing = 30 * time.Second // the goroutine that writes was not seen for so long
	stuckUpload  = 5 * time.Minute  // something waits for the store for so long
	roomLost     = time.Minute      // so long without the room
	nothingOpens = 10 * time.Second // so long media comes, and none of it opens
)

// A Status is a recording and its upload as they stand. What it says names nobody but
// in Status.Unopened.
type Status struct {
	// State is recorder.StateStarting before the room is joined.
	recorder.Status
	Backlog
	// ID is the recording's, "" before there is one.
	ID    string
	Stage Stage
	// Waiting is how many objects, of whatever kind, the store that lags most has not
	// confirmed.
	Waiting int
	// UploadFailing: a store refused what was last sent.
	UploadFailing bool
	// Away is how long the room has been, as far as somebody looked.
	Away time.Duration
}

// A monitor knows how a recording goes. Its methods are safe for concurrent use.
type monitor struct {
	backlog *backlog

	mu      sync.Mutex
	status  func() recorder.Status // nil before the room was joined
	failing func() bool            // same: the store refuses
	waiting func() int             // same: objects that a store has not confirmed
	away    time.Time              // since when the room is, zero if it is here
}

func newMonitor(stores int) *monitor { return &monitor{backlog: newBacklog(stores)} }

// follow gives the monitor what it watches.
func (m *monitor) follow(status func() recorder.Status, failing func() bool, waiting func() int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.failing, m.waiting = status, failing, waiting
}

// read is called every second or so, for only that tells how long the room is away.
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

// watch looks until ctx ends.
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

// Hangs reports whether the recorder has stopped to work, which a restart may mend.
func (s *Status) Hangs(now time.Time) bool {
	return !s.Alive.IsZero() && s.State != recorder.StateEnded && now.Sub(s.Alive) > stuckSealing
}

// Problems says what is not well, nothing if all is.
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

// unopened returns since when media comes of which nothing opens, the zero time if
// something does, and the likeliest cause.
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
