package main

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sealtape/sealtape/archive"
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

// A monitor knows how a recording goes. What it tells names nobody. Its methods
// are safe for concurrent use.
type monitor struct {
	backlog *backlog

	mu      sync.Mutex
	status  func() recorder.Status // nil before the room was joined
	failing func() bool            // same: the store refuses
	away    time.Time              // since when the room is, zero if it is here
}

// follow gives the monitor what it watches.
func (m *monitor) follow(status func() recorder.Status, failing func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status, m.failing = status, failing
}

// vitals are a recording and its upload as they stand.
type vitals struct {
	recorder.Status
	backlogState
	UploadFailing bool          // the store refused what was last sent
	Away          time.Duration // how long the room has been
}

// vitals reads them. It is called every second or so, for only that tells how
// long the room is away.
func (m *monitor) vitals(now time.Time) vitals {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := vitals{Status: recorder.Status{State: recorder.StateStarting}, backlogState: m.backlog.state(now)}
	if m.status != nil {
		v.Status, v.UploadFailing = m.status(), m.failing()
	}
	switch {
	case v.State != recorder.StateReconnecting:
		m.away = time.Time{}
	case m.away.IsZero():
		m.away = now
	default:
		v.Away = now.Sub(m.away)
	}
	return v
}

// hangs reports whether the recorder has stopped to work, which a restart may mend.
func (v *vitals) hangs(now time.Time) bool {
	return !v.Alive.IsZero() && v.State != recorder.StateEnded && now.Sub(v.Alive) > stuckSealing
}

// problems says what is not well, nothing if all is.
func (v *vitals) problems(now time.Time) (out []string) {
	if v.hangs(now) {
		out = append(out, "sealing is stuck: nothing was written for "+length(now.Sub(v.Alive)))
	}
	if v.State == recorder.StateDiskFull {
		out = append(out, "sealing is stuck: the disk is full")
	}
	if since, why := v.unopened(); !since.IsZero() && now.Sub(since) > nothingOpens {
		out = append(out, "nothing is recorded: no media opens since "+length(now.Sub(since))+why)
	}
	if v.Oldest > stuckUpload {
		out = append(out, fmt.Sprintf("uploading is stuck: %s in the spool, for up to %s", waits(v.Objects), length(v.Oldest)))
	}
	if v.Away > roomLost {
		out = append(out, "the room is lost since "+length(v.Away))
	}
	return out
}

// unopened returns since when media comes of which nothing opens, the zero time if
// something does, and the likeliest cause.
func (v *vitals) unopened() (since time.Time, why string) {
	if v.State != recorder.StateRecording || len(v.Unopened) == 0 {
		return time.Time{}, ""
	}
	for _, u := range v.Unopened {
		if since.IsZero() || u.Since.Before(since) {
			since = u.Since
		}
		if why == "" && u.Why != "" {
			why = ": " + u.Why
		}
	}
	if v.Opened.After(since) {
		since = v.Opened
	}
	return since, why
}

func waits(n int) string {
	if n == 1 {
		return "1 object waits"
	}
	return fmt.Sprintf("%d objects wait", n)
}

// watch tells s how it goes, until end is called, which waits for it.
func (m *monitor) watch(s *service) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(s.every())
		defer tick.Stop()
		for {
			now := time.Now()
			s.beat(m.vitals(now), now)
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// A backlog is what was sealed and is not in the store yet: segments and
// indexes, which is nearly all there is.
type backlog struct {
	mu               sync.Mutex
	stores           int                // that are to have all
	waiting          map[string]waiting // by name in the log
	sealed, uploaded int64              // bytes
}

type waiting struct {
	object *archive.Object
	since  time.Time
	stores int // that have not got it
}

// A backlogState is a backlog as it stands. Sealed and Uploaded are counted in
// bytes from the recording's start.
type backlogState struct {
	Objects          int
	Bytes            int64
	Oldest           time.Duration // how long the oldest object has waited
	Sealed, Uploaded int64
}

func newBacklog(stores int) *backlog {
	return &backlog{stores: stores, waiting: make(map[string]waiting)}
}

// commit commits an object. It waits for the store from before that, for the
// uploader may be quicker than we are.
func (b *backlog) commit(o *archive.Object) error {
	b.mu.Lock()
	b.waiting[o.Name()] = waiting{o, time.Now(), b.stores}
	b.mu.Unlock()
	err := o.Commit()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && !errors.Is(err, archive.ErrUnlogged) {
		delete(b.waiting, o.Name())
		return err
	}
	b.sealed += o.Size()
	return err
}

// stored notes that an object is in one more store or, without ok, never will be.
func (b *backlog) stored(name string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w, known := b.waiting[name]
	if !known {
		return // an epoch
	}
	if w.stores--; w.stores > 0 {
		b.waiting[name] = w
		return
	}
	delete(b.waiting, name)
	if ok {
		b.uploaded += w.object.Size()
	}
}

func (b *backlog) state(now time.Time) backlogState {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := backlogState{Objects: len(b.waiting), Sealed: b.sealed, Uploaded: b.uploaded}
	for _, w := range b.waiting {
		s.Bytes += w.object.Size()
		s.Oldest = max(s.Oldest, now.Sub(w.since))
	}
	return s
}
