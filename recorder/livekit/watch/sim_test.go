package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// A sim is a LiveKit server with workers, as far as a Watcher sees one: a matchmaker that
// loses what no worker takes, believes in workers that hang, and throws members out by the
// identity that a job has.
type sim struct {
	t     *testing.T
	agent string
	fixed bool // recorders have the room's identity
	older bool // workers have no names of their own

	mu        sync.Mutex
	rng       *rand.Rand
	down      bool // the API does not answer
	mute      bool // no recorder answers
	mum       bool // it does not say who is in a room
	shaky     bool // every other look at a room fails, the first of them
	rooms     map[string]*simRoom
	workers   []*simWorker
	asked     int // dispatches
	others    int // the same, for agents that no worker is
	told      int // recorders that were told which recording they go on with
	questions int // whether a recorder is there
	looks     int // at who is in a room
	lists     int // of rooms
	thrown    int // recorders that were alone and well, and were thrown out
	n         int
}

type simRoom struct {
	name, sid  string
	made       time.Time
	people     int
	members    []*simRecorder
	dispatches []*lkproto.AgentDispatch
	doneBy     map[string]*simWorker // by job
	since      time.Time             // since when nobody records; zero: somebody does
	longest    time.Duration
	looks      int // while s.shaky
}

type simRecorder struct {
	identity, id string
	before       string // what it was told
	joined, lost time.Time
	by           *simWorker
	ghost        bool              // its process is dead or hangs
	says         map[string]string // attributes in place of those that are true; nil without
	active       bool              // ListRooms knows
}

// shown are its attributes. It says what it makes after a while.
func (m *simRecorder) shown() map[string]string {
	if m.says != nil {
		return m.says
	}
	shown := map[string]string{"sealtape.state": "recording", "sealtape.follows": m.before}
	if m.by != nil {
		shown["sealtape.key"] = m.by.words()
	}
	if time.Since(m.joined) > 4*time.Second {
		shown["sealtape.recording"] = "recording of " + m.id
	} else {
		shown["sealtape.state"] = "waiting"
	}
	return shown
}

type simWorker struct {
	n                int
	dead, hung, full bool
	rooms            map[string]bool
}

// words are those of its card.
func (w *simWorker) words() string { return fmt.Sprint("host ", w.n) }

func newSim(t *testing.T, seed uint64, workers int, fixed bool) *sim {
	s := &sim{t: t, agent: "sealtape", fixed: fixed, rng: rand.New(rand.NewPCG(seed, 1)), rooms: make(map[string]*simRoom)}
	for range workers {
		s.begin()
	}
	return s
}

// begin starts a worker. The caller holds s.mu, or is alone.
func (s *sim) begin() *simWorker {
	w := &simWorker{n: len(s.workers), rooms: make(map[string]bool)}
	s.workers = append(s.workers, w)
	return w
}

func (s *sim) open(name string, people int) *simRoom {
	s.n++
	r := &simRoom{name: name, sid: fmt.Sprintf("RM_%d", s.n), made: time.Now(), people: people, doneBy: make(map[string]*simWorker), since: time.Now()}
	s.rooms[name] = r
	return r
}

// later does f in a while, with s.mu held.
func (s *sim) later(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}

// wound kills a worker, or has it hang.
func (s *sim) wound(w *simWorker, hang bool) {
	w.dead, w.hung = !hang, hang
	for name := range w.rooms {
		r := s.rooms[name]
		if r == nil {
			continue
		}
		for _, m := range r.members {
			if m.by == w && !m.ghost {
				m.ghost, m.lost = true, time.Now()
				s.later(20*time.Second, func() { s.leaves(r, m) })
				s.gaps(r)
			}
		}
	}
	w.rooms = make(map[string]bool)
}

func (s *sim) leaves(r *simRoom, m *simRecorder) {
	r.members = slices.DeleteFunc(r.members, func(o *simRecorder) bool { return o == m })
	if m.by != nil {
		delete(m.by.rooms, r.name)
	}
	s.gaps(r)
}

// gaps notes how long nobody records.
func (s *sim) gaps(r *simRoom) {
	records := slices.ContainsFunc(r.members, func(m *simRecorder) bool { return !m.ghost })
	switch {
	case records && !r.since.IsZero():
		r.longest = max(r.longest, time.Since(r.since))
		r.since = time.Time{}
	case !records && r.since.IsZero():
		r.since = time.Now()
	}
}

var errDown = errors.New("the server is down")

func (s *sim) Rooms(context.Context) (all []*lkproto.Room, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists++; s.down {
		return nil, errDown
	}
	for _, name := range slices.Sorted(maps.Keys(s.rooms)) {
		r := s.rooms[name]
		all = append(all, &lkproto.Room{Name: name, Sid: r.sid, CreationTimeMs: r.made.UnixMilli(), NumParticipants: uint32(r.people),
			ActiveRecording: slices.ContainsFunc(r.members, func(m *simRecorder) bool { return m.active })})
	}
	return all, nil
}

func (s *sim) Participants(_ context.Context, room string) (all []*lkproto.ParticipantInfo, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room]
	if s.looks++; s.down || s.mum || r == nil {
		return nil, errDown
	}
	if s.shaky {
		if r.looks++; r.looks%2 == 1 {
			return nil, errDown
		}
	}
	for i := range r.people {
		// One of them shows that she records, which she does not.
		all = append(all, &lkproto.ParticipantInfo{Identity: fmt.Sprint("p", i), State: lkproto.ParticipantInfo_ACTIVE, Attributes: map[string]string{"sealtape.state": "recording"}})
	}
	for _, m := range r.members {
		all = append(all, &lkproto.ParticipantInfo{Identity: m.identity, Sid: m.id, State: lkproto.ParticipantInfo_ACTIVE, JoinedAtMs: m.joined.UnixMilli(),
			Permission: &lkproto.ParticipantPermission{Recorder: true}, Attributes: m.shown()})
	}
	return all, nil
}

func (s *sim) Dispatches(_ context.Context, room string) ([]*lkproto.AgentDispatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room]
	if s.down || r == nil {
		return nil, errDown
	}
	var all []*lkproto.AgentDispatch
	for _, d := range r.dispatches {
		one := &lkproto.AgentDispatch{Id: d.Id, AgentName: d.AgentName, Metadata: d.Metadata, State: &lkproto.AgentDispatchState{CreatedAt: d.State.CreatedAt}}
		for _, j := range d.State.Jobs {
			one.State.Jobs = append(one.State.Jobs, &lkproto.Job{Id: j.Id, State: &lkproto.JobState{Status: j.State.Status, ParticipantIdentity: j.State.ParticipantIdentity}})
		}
		all = append(all, one)
	}
	return all, nil
}

func (s *sim) Dispatch(_ context.Context, room, agent, metadata string) (*lkproto.AgentDispatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room]
	if s.down || r == nil {
		return nil, errDown
	}
	s.n++
	d := &lkproto.AgentDispatch{Id: fmt.Sprintf("AD_%d", s.n), AgentName: agent, Metadata: metadata, State: &lkproto.AgentDispatchState{CreatedAt: time.Now().UnixNano()}}
	r.dispatches = append(r.dispatches, d)
	if fleet.IsOurs(s.agent, agent) {
		s.asked++
		s.later(300*time.Millisecond, func() { s.launch(r, d) })
	} else {
		s.others++
	}
	return d, nil
}

// launch offers a dispatch to a worker, once.
func (s *sim) launch(r *simRoom, d *lkproto.AgentDispatch) {
	var free []*simWorker
	for _, w := range s.workers {
		if !w.dead && !w.full && (d.AgentName == s.agent || !s.older && d.AgentName == fleet.OwnName(s.agent, w.words())) {
			free = append(free, w)
		}
	}
	if len(free) == 0 || s.rooms[r.name] != r {
		return
	}
	w := free[s.rng.IntN(len(free))]
	if w.hung {
		return
	}
	job := &lkproto.Job{Id: "AJ" + d.Id, State: &lkproto.JobState{}}
	d.State.Jobs = append(d.State.Jobs, job)
	if w.rooms[r.name] {
		job.State.Status = lkproto.JobStatus_JS_SUCCESS
		return
	}
	w.rooms[r.name] = true
	r.doneBy[job.Id] = w
	identity := fleet.Identity(r.name)
	if !s.fixed {
		identity = fmt.Sprintf("sealtape-%s", d.Id)
	}
	job.State.Status, job.State.ParticipantIdentity = lkproto.JobStatus_JS_RUNNING, identity
	s.later(time.Duration(600+s.rng.IntN(1500))*time.Millisecond, func() { s.joins(r, w, job) })
}

func (s *sim) joins(r *simRoom, w *simWorker, job *lkproto.Job) {
	if w.dead || w.hung || s.rooms[r.name] != r {
		return
	}
	identity := job.State.ParticipantIdentity
	elsewhere := func() { job.State.Status = lkproto.JobStatus_JS_SUCCESS; delete(w.rooms, r.name) }
	for _, m := range r.members {
		if m.identity == identity || !m.ghost {
			elsewhere() // somebody has the identity, or a recorder of the fleet is here
			return
		}
	}
	s.n++
	m := &simRecorder{identity: identity, id: fmt.Sprintf("PA_%d", s.n), joined: time.Now(), by: w}
	r.members = append(r.members, m)
	s.later(2*time.Second, func() { m.active = true })
	s.gaps(r)
}

func (s *sim) Answers(ctx context.Context, room, identity string) (bool, error) {
	s.mu.Lock()
	s.questions++
	r := s.rooms[room]
	if s.down || r == nil {
		s.mu.Unlock()
		return false, errDown
	}
	for _, m := range r.members {
		if m.identity == identity && m.ghost && !m.lost.IsZero() && time.Since(m.lost) > 15*time.Second {
			s.mu.Unlock()
			return false, nil // the server knows already, and does not ask
		}
	}
	alive := !s.mute && slices.ContainsFunc(r.members, func(m *simRecorder) bool { return m.identity == identity && !m.ghost })
	s.mu.Unlock()
	if !alive {
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return alive, nil
}

func (s *sim) Precede(_ context.Context, room, identity, recording string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room]
	if s.down || r == nil {
		return errDown
	}
	i := slices.IndexFunc(r.members, func(m *simRecorder) bool { return m.identity == identity })
	if i < 0 {
		return errors.New("no such member")
	}
	s.told++
	r.members[i].before = recording
	return nil
}

func (s *sim) Delete(_ context.Context, room, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room]
	if s.down || r == nil {
		return errDown
	}
	i := slices.IndexFunc(r.dispatches, func(d *lkproto.AgentDispatch) bool { return d.Id == id })
	if i < 0 {
		return errors.New("no such dispatch")
	}
	d := r.dispatches[i]
	r.dispatches = slices.Delete(r.dispatches, i, i+1)
	for _, j := range d.State.Jobs {
		if w := r.doneBy[j.Id]; j.State.Status != lkproto.JobStatus_JS_RUNNING || w == nil || w.dead {
			continue
		}
		for _, m := range r.members {
			if m.identity == j.State.ParticipantIdentity {
				if len(r.members) == 1 && !m.ghost {
					s.thrown++
				}
				s.later(3*time.Second, func() { s.leaves(r, m) })
			}
		}
	}
	return nil
}
