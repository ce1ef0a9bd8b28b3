package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/agent"
)

// A Config says how a worker works. All but Own, MinSpace and MaxBacklog are required.
type Config struct {
	// URL of the LiveKit server, and the name that recorders are dispatched by.
	URL, Agent, Version string
	// Own is a name by which this worker alone is dispatched; "" for none. The server may
	// offer a room that is dispatched to all of them to one that hangs.
	Own string
	// Token returns a token for a worker.
	Token func(context.Context) (string, error)
	// Join returns how a recorder gets into a room: settings for "sealtape record", and
	// secrets, by the names of the variables in whose place they are.
	Join func(fleet.Place, agent.Assignment) (settings []fleet.Setting, secrets map[string]string)
	// Name is what members see, unless a policy says otherwise.
	Name string
	// Table decides about rooms.
	Table *fleet.Table
	// Check says what is wrong with the settings that a command answered.
	Check func(*fleet.Policy) error
	// Ask runs the commands of policies; its Args are the policy's.
	Ask fleet.Program
	// Env is the environment of the recorders, without secrets.
	Env []string
	// Spool is where recordings are until the store has them. While its disk has less than
	// MinSpace bytes left, or more than MaxBacklog bytes wait in all, nothing else is taken.
	// 0 means any.
	Spool                string
	MinSpace, MaxBacklog int64
	Log                  *slog.Logger

	// HungAfter is after how many seconds without a sign of life a recorder is killed. 0
	// means 45; only a test sets it.
	HungAfter int
}

// A Worker records the rooms that it is offered. It is the Handler of its agent.Worker, and
// behind that of its own name: each calls it one call at a time, and the two beside one another.
// So a Worker's methods are safe for concurrent use.
type Worker struct {
	c     Config
	agent *agent.Worker
	own   *agent.Worker // under its own name; nil without
	begun time.Time
	alive atomic.Int64 // how long after begun its loop last turned: no clock that is set changes that
	meter *meter

	mu     sync.Mutex // guards what follows
	noes   pace
	bodies map[string]*body
	ending bool            // nothing begins any more
	work   sync.WaitGroup  // of the bodies; it grows with mu held, and not after ending is set
	left   chan struct{}   // a body has ended
	ctx    context.Context // of the bodies, which outlast that of Run
}

// New returns a worker, which does nothing before Run.
func New(c Config) (*Worker, error) {
	c.HungAfter = cmp.Or(c.HungAfter, hungAfter)
	w := &Worker{c: c, bodies: make(map[string]*body), left: make(chan struct{}, 1), meter: newMeter(), begun: time.Now()}
	var err error
	w.agent, err = agent.New(agent.Config{URL: c.URL, Token: c.Token, Name: c.Agent, Version: c.Version, Handler: w, Log: c.Log})
	if err == nil && c.Own != "" {
		w.own, err = agent.New(agent.Config{URL: c.URL, Token: c.Token, Name: c.Own, Version: c.Version, Handler: ownName{w}, Log: c.Log})
	}
	return w, err
}

// ownName is the Handler of the registration under the worker's own name. A job is reported to
// whom it was taken from.
type ownName struct{ *Worker }

// Assigned implements agent.Handler.
func (o ownName) Assigned(a agent.Assignment) { o.assigned(a, o.own) }

// changed has the server told of the load.
func (w *Worker) changed() {
	w.agent.Changed()
	if w.own != nil {
		w.own.Changed()
	}
}

// Run registers the worker, and records until ctx ends. Then nothing else is taken; what is
// recorded has the time drain to end by itself, and is ended properly after it, or when hurry
// is closed. Run returns when all recorders have ended.
func (w *Worker) Run(ctx context.Context, drain time.Duration, hurry <-chan struct{}, registered func()) {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.mu.Lock()
	w.ctx = serving
	w.mu.Unlock()
	var beside sync.WaitGroup
	beside.Go(func() { _ = w.agent.Run(serving) }) // its error is that of ctx
	if w.own != nil {
		beside.Go(func() { _ = w.own.Run(serving) })
	}
	beside.Go(func() { w.look(serving, registered) })
	<-ctx.Done()
	w.c.Table.Drain()
	w.changed()
	w.drain(drain, hurry)
	stop()
	beside.Wait()
}

// drain waits for the recordings to end, and ends those that do not. A job that is assigned
// when there are none any more, or later, is not begun.
func (w *Worker) drain(limit time.Duration, hurry <-chan struct{}) {
	if n := len(w.c.Table.Places()); n > 0 {
		w.c.Log.Info("ending; what is recorded may end by itself meanwhile", "rooms", n, "within", limit)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for wait := true; wait && !w.idle(); {
		select {
		case <-w.left:
		case <-timer.C:
			wait = false
		case <-hurry:
			wait = false
		}
	}
	w.mu.Lock()
	w.ending = true
	bodies := slices.Collect(maps.Values(w.bodies))
	w.mu.Unlock()
	for _, b := range bodies {
		b.end()
	}
	w.work.Wait()
}

// idle reports whether nothing is recorded. Then nothing begins any more.
func (w *Worker) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = len(w.bodies) == 0
	return w.ending
}

// look keeps an eye on the machine until ctx ends.
func (w *Worker) look(ctx context.Context, registered func()) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		w.alive.Store(int64(time.Since(w.begun)))
		if w.c.Table.SetFull(w.full()) {
			w.changed()
		}
		if registered != nil && w.agent.State().Registered {
			registered()
			registered = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Alive reports whether the worker's own loop turns. A restart may mend one that does not.
func (w *Worker) Alive() bool { return time.Since(w.begun)-time.Duration(w.alive.Load()) < deadAfter }

// full says why the machine takes nothing else, "" if it does.
func (w *Worker) full() string {
	free, err := machine.FreeSpace(w.c.Spool)
	w.meter.free.Store(free)
	if err == nil && free < w.c.MinSpace {
		return "the spool's disk has " + words.Size(free) + " left"
	}
	if waiting := w.backlog(); w.c.MaxBacklog > 0 && waiting > w.c.MaxBacklog {
		return words.Size(waiting) + " wait for the store"
	}
	return ""
}

// backlog returns how many bytes of all rooms wait for their stores.
func (w *Worker) backlog() (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.bodies {
		n += b.Status().Bytes
	}
	return n
}

// Offered implements agent.Handler.
func (w *Worker) Offered(j agent.Job) agent.Answer {
	v := w.c.Table.Offer(fleet.Offer{ID: j.ID, Room: j.Room, SID: j.SID, Metadata: j.Metadata}, time.Now())
	log := w.c.Log.With("room", v.Label, "job", j.ID)
	switch {
	case v.Accept:
		w.meter.offered("accepted")
		log.Info("a room is to be recorded")
		a := agent.Answer{Accept: true, Identity: v.Identity, Name: w.c.Name}
		if name := v.Policy.Setting("name"); len(name) == 1 {
			a.Name = name[0]
		}
		return a
	case v.Recorded:
		w.meter.offered("recorded")
		if unsaid, ok := w.saysNo(); ok {
			log.Info("nothing to do", "why", v.Why, "unsaid", unsaid)
		}
		return agent.Answer{Done: true}
	}
	w.meter.offered("declined")
	if unsaid, ok := w.saysNo(); ok {
		log.Warn("a room is not recorded here", "why", v.Why, "unsaid", unsaid)
	}
	return agent.Answer{}
}

// saysNo reports whether it is logged that an offer was not taken, and of how many it was not.
func (w *Worker) saysNo() (unsaid int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.noes.say(time.Now())
}

// Assigned implements agent.Handler.
func (w *Worker) Assigned(a agent.Assignment) { w.assigned(a, w.agent) }

// assigned begins a job that was taken from one of the registrations.
func (w *Worker) assigned(a agent.Assignment, from *agent.Worker) {
	place, ok := w.c.Table.Assign(a.ID, a.Room)
	if !ok {
		w.c.Log.Warn("a job was assigned that was not accepted, or came too late", "job", a.ID)
		from.Finished(a.ID, "it was not accepted, or came too late")
		return
	}
	b := &body{w: w, place: place, job: a, from: from, log: w.c.Log.With("room", place.Label, "job", place.Job)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ending {
		w.c.Table.Leave(place.Room)
		from.Finished(a.ID, endingWorker)
		return
	}
	w.bodies[place.Room] = b
	w.work.Add(1)
	go w.do(w.ctx, b)
}

// do records a room.
func (w *Worker) do(ctx context.Context, b *body) {
	defer w.work.Done()
	hide := w.meter.shows(b)
	b.from.Running(b.place.Job)
	how, why := b.record(ctx)
	hide() // before another recorder can be in its place
	w.meter.recorded(how)
	b.from.Finished(b.place.Job, why)
	w.mu.Lock()
	delete(w.bodies, b.place.Room)
	w.mu.Unlock()
	select {
	case w.left <- struct{}{}:
	default: // it is known already
	}
	w.c.Table.Leave(b.place.Room)
	w.changed()
}

// Terminated implements agent.Handler. A recorder ends when its room does, or when it is
// thrown out of it, which the server does where somebody deleted the dispatch. It says so
// too when the recorder has lost the room for a moment, and then it goes on. But one that is
// not in the room yet can be thrown out by nobody: it is not to begin.
func (w *Worker) Terminated(job string) {
	w.mu.Lock()
	var b *body
	for _, one := range w.bodies {
		if one.place.Job == job {
			b = one
		}
	}
	w.mu.Unlock()
	if b != nil && b.cancel() {
		b.log.Info("the room is not to be recorded any more, before a recording began")
		return
	}
	w.c.Log.Debug("the server counts a job as over; its recorder ends when its room does", "job", job)
}

// Load implements agent.Handler.
func (w *Worker) Load() agent.Load {
	o := w.c.Table.Occupancy(time.Now())
	return agent.Load{Full: o.Why != "", Load: float32(agent.FullLoad * o.Share()), Jobs: o.Rooms}
}

// Problems returns a sentence for each problem, of the rooms with their labels.
func (w *Worker) Problems(now time.Time) (out []string) {
	unregistered := func(of *agent.Worker, as string) {
		if s := of.State(); !s.Registered && now.Sub(s.Since) > unregisteredFor {
			out = append(out, fmt.Sprintf("not registered with the server as %s since %s", as, words.Length(now.Sub(s.Since))))
		}
	}
	unregistered(w.agent, w.c.Agent)
	if w.own != nil {
		unregistered(w.own, w.c.Own)
	}
	w.mu.Lock()
	bodies := slices.Collect(maps.Values(w.bodies))
	w.mu.Unlock()
	slices.SortFunc(bodies, func(a, b *body) int { return compare(a.place.Label, b.place.Label) })
	for _, b := range bodies {
		s := b.Status()
		for _, p := range s.Problems(now) {
			out = append(out, "room "+b.place.Label+": "+p)
		}
	}
	return out
}
