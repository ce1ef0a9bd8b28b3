package watch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// Defaults, and bounds of what the server is asked.
const (
	defaultEvery = 10 * time.Second
	// sureFor is how long a room that shows its recording sign is believed to be recorded by
	// one of ours, before somebody looks: another recorder may show it.
	sureFor = 45 * time.Second
	// beside is how many rooms are looked at beside one another.
	beside = 8
	// burst is how many dispatches are made at once, and perSecond how many more thereafter:
	// a server has 50 places in which it looks for workers.
	burst     = 40
	perSecond = 10
	// maxPrompts bounds the rooms that are to be looked at soon.
	maxPrompts = 1 << 16
)

// A Config says what to watch over. Server and Policies are required.
type Config struct {
	Server Server
	// Agent is the name that recorders are dispatched by. "" means sealtape.
	Agent string
	// Policies returns the policies that count now.
	Policies func() *fleet.Policies
	// Every is how often all rooms are compared. 0 means 10 s.
	Every time.Duration
	// Log gets what happens. Names of rooms appear at debug level only. Nil means no log.
	Log *slog.Logger
	// Seen is called with each room that was looked at, and what is wished for it, by the
	// goroutine of Run and those that it waits for. It may be nil.
	Seen func(Room, Wish)
}

// A Watcher compares, for as long as Run runs. Its methods are safe for concurrent use.
type Watcher struct {
	c      Config
	wake   chan struct{}
	alive  atomic.Int64 // when the loop last turned, in ns since 1970
	offset atomic.Int64 // what the server's clock is ahead, in ns
	counts counts

	calling atomic.Bool    // callRoll is going on
	calls   sync.WaitGroup // which Run waits for

	sending, noting *rate.Limiter // how many dispatches and notes may be made

	mu      sync.Mutex // guards what follows
	prompts map[string]bool
	known   map[string]*known // by the room's name
	hosts   map[string]*host  // by the words of their recorders' card
	last    time.Time         // when all rooms were compared
	failed  error             // why they were not, since
}

// known is what a Watcher remembers of a room.
type known struct {
	Memory
	sid    string
	looked time.Time // at who is in it
	again  time.Time // when to look again; zero: with all others
	wanted bool
	err    error // why it is not clear how
	serves bool  // some policy is for it
	by     int   // recorders
	trail  trail
	sent   sent

	recorder Recorder  // the only one, where by is 1
	suspect  time.Time // until when it is doubted that it lives; zero: it is not
}

// counts are for metrics.
type counts struct{ dispatched, deleted, failures, hooks, refusedHooks atomic.Int64 }

// New returns a Watcher, which does nothing before Run.
func New(c Config) (*Watcher, error) {
	if c.Server == nil || c.Policies == nil {
		return nil, errors.New("watch: Config without Server or Policies")
	}
	c.Agent, c.Every = cmp.Or(c.Agent, "sealtape"), cmp.Or(c.Every, defaultEvery)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	w := &Watcher{c: c, wake: make(chan struct{}, 1), prompts: make(map[string]bool), known: make(map[string]*known), hosts: make(map[string]*host),
		sending: rate.NewLimiter(perSecond, burst), noting: rate.NewLimiter(notesPerSecond, notesAtOnce)}
	w.alive.Store(time.Now().UnixNano())
	return w, nil
}

// Look has a room looked at soon: something happened there.
func (w *Watcher) Look(room string) {
	w.mu.Lock()
	if len(w.prompts) < maxPrompts {
		w.prompts[room] = true
	}
	w.mu.Unlock()
	w.stir()
}

// LookAtAll has all rooms compared soon: the policies changed.
func (w *Watcher) LookAtAll() {
	w.mu.Lock()
	w.last = time.Time{}
	w.mu.Unlock()
	w.stir()
}

func (w *Watcher) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run compares until ctx ends, and returns its error.
func (w *Watcher) Run(ctx context.Context) error {
	defer w.calls.Wait()
	for {
		w.alive.Store(time.Now().UnixNano())
		w.turn(ctx)
		timer := time.NewTimer(w.wait(time.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-w.wake:
			timer.Stop()
			// What comes with it, such as all members of a room that closes, is one look.
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		case <-timer.C:
		}
	}
}

// wait returns how long nothing is due.
func (w *Watcher) wait(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	due, soonest := w.last.Add(w.c.Every), now
	if w.failed != nil {
		due, soonest = now.Add(min(w.c.Every, 3*time.Second)), now.Add(suspectEvery)
	}
	for _, k := range w.known {
		if again := later(k.again, soonest); !k.again.IsZero() && again.Before(due) {
			due = again
		}
	}
	// Two watchers are not to see the same and do the same in the same moment.
	jitter := rand.N(max(w.c.Every/20, time.Millisecond))
	return max(due.Sub(now), 100*time.Millisecond) + jitter
}

// turn looks at what is due: all rooms, or those that something happened in.
func (w *Watcher) turn(ctx context.Context) {
	now := time.Now()
	w.mu.Lock()
	prompts := w.prompts
	w.prompts = make(map[string]bool)
	for name, k := range w.known {
		if !k.again.IsZero() && !now.Before(k.again) {
			prompts[name] = true
		}
	}
	all := now.Sub(w.last) >= w.c.Every || w.failed != nil
	w.mu.Unlock()
	if !all && len(prompts) == 0 {
		return
	}
	rooms, err := w.c.Server.Rooms(ctx) // one call, whatever is due: who is gone is not looked for
	if err != nil {
		if ctx.Err() == nil {
			w.counts.failures.Add(1)
			w.c.Log.Warn("the server did not say which rooms there are", "err", err)
		}
		w.mu.Lock()
		w.failed = err
		w.mu.Unlock()
		return
	}
	policies := w.c.Policies()
	here := make(map[string]bool, len(rooms))
	var work []Room
	w.mu.Lock()
	unnoted := int(w.noting.TokensAt(now))
	for _, r := range rooms {
		here[r.GetName()] = true
		room := roomOf(r)
		k := w.known[room.Name]
		anew := k != nil && k.sid != room.SID
		if k == nil || anew {
			next := &known{sid: room.SID}
			if anew && k.by > 0 {
				next.Recorded = k.Recorded // whoever recorded left with the old one, and nobody is on the way
			}
			k = next
			w.known[room.Name] = k
		}
		k.serves = slices.ContainsFunc(policies.All(), func(p *fleet.Policy) bool { return p.Serves(room.Name) })
		sure := r.GetActiveRecording() && k.by == 1 && k.trail.current && now.Sub(k.looked) < sureFor
		if sure && !k.trail.noted && unnoted > 0 {
			sure, unnoted = false, unnoted-1
		}
		if prompts[room.Name] && (k.serves || k.by > 0) || anew && k.serves || all && k.serves && (room.People > 0 || k.wanted || k.by > 0) && !sure {
			work = append(work, room)
		}
	}
	maps.DeleteFunc(w.known, func(name string, _ *known) bool { return !here[name] })
	if all {
		w.last = now
		w.forget(now)
	}
	w.failed = nil
	w.mu.Unlock()
	// Those that nobody records for longest come first.
	rand.Shuffle(len(work), func(i, j int) { work[i], work[j] = work[j], work[i] })
	each(ctx, work, func(r Room) {
		w.alive.Store(time.Now().UnixNano())
		w.compare(ctx, r, policies)
	})
	if all {
		w.callRoll(ctx)
	}
}

// each calls f for all, some beside one another, and waits for them.
func each[T any](ctx context.Context, all []T, f func(T)) {
	var g sync.WaitGroup
	places := make(chan struct{}, beside)
	for _, r := range all {
		if ctx.Err() != nil {
			break
		}
		places <- struct{}{}
		g.Go(func() {
			defer func() { <-places }()
			f(r)
		})
	}
	g.Wait()
}

// compare looks at one room and does what is to be done about it.
func (w *Watcher) compare(ctx context.Context, r Room, policies *fleet.Policies) {
	if w.stillThere(ctx, &r) {
		return
	}
	err := w.look(ctx, &r)
	if err != nil {
		if ctx.Err() == nil && !NoRoom(err) { // which was closed meanwhile
			w.counts.failures.Add(1)
			w.c.Log.Warn("a room could not be looked at", "err", err)
			w.c.Log.Debug("it is this one", "room", r.Name)
		}
		w.postpone(r.Name)
		return
	}
	wish := Wanted(&r, policies)
	if w.c.Seen != nil {
		w.c.Seen(r, wish)
	}
	now := time.Now()
	w.mu.Lock()
	k := w.known[r.Name]
	if k == nil || k.sid != r.SID {
		w.mu.Unlock()
		return
	}
	w.notes(now, &r)
	var living []string
	if wish.Policy != nil && len(r.Recorders) == 0 {
		living = w.living(now, r.Name)
	}
	k.Silent, k.Lost, k.Blind = now.Before(k.suspect), w.lost(now), len(living) == 0
	a, next := Decide(now, &r, wish, k.Memory, rand.Float64())
	if a.Create != "" && !w.sending.AllowN(now, 1) {
		a, next = Actions{Again: now.Add(time.Second)}, k.Memory // it is not its turn yet
	}
	if wish.Err != nil && k.err == nil {
		w.c.Log.Error("a room is not recorded: it is not clear by which policy", "err", wish.Err)
	}
	k.Memory, k.looked, k.again, k.by = next, now, a.Again, len(r.Recorders)
	k.wanted, k.err = wish.Policy != nil, wish.Err
	var to []string
	switch {
	case a.Create != "":
		k.sent = k.sent.next(now, living, !k.Lost && !k.Silent && next.Tries < 2)
		to = []string{k.sent.name(w.c.Agent)}
		for len(to) < blindTimes && k.blind() && w.sending.AllowN(now, 1) {
			to = append(to, to[0])
		}
	case k.by > 0:
		k.sent = sent{vain: []string{r.Recorders[0].Words}}
	}
	if k.recorder = (Recorder{}); k.by == 1 {
		k.recorder = r.Recorders[0]
		if now.Before(k.suspect) { // whose look in between failed, or who was not suspected before this one
			k.again = now.Add(suspectEvery)
		}
	}
	whom, before := k.trail.follow(now, &r, k.wanted)
	if soon := now.Add(tellEvery); k.expects(now.Add(time.Duration(w.offset.Load())), &r, a, next.Next.Sub(now)) && (k.again.IsZero() || soon.Before(k.again)) {
		k.again = soon
	}
	what, old := k.trail.note(&r)
	if what != "" && !w.noting.AllowN(now, 1) {
		what, old = "", nil // it is not its turn yet
	}
	w.mu.Unlock()
	w.act(ctx, &r, a, to)
	if whom != nil && w.precede(ctx, &r, whom, before) {
		w.mu.Lock()
		k.trail.told = visit(whom)
		w.mu.Unlock()
	}
	if w.keep(ctx, &r, what, old) {
		w.mu.Lock()
		k.trail.noted = k.trail.last == what
		w.mu.Unlock()
	}
}

// postpone has a room that was due, and could not be looked at, not be due again at once.
func (w *Watcher) postpone(room string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if k := w.known[room]; k != nil && !k.again.IsZero() {
		k.again = later(k.again, time.Now().Add(suspectEvery))
	}
}

// expects reports whether something will be seen soon that is not to be missed: a recorder
// that is to be told which recording it goes on with, or one that has just come, and whose
// recording is to be remembered should it not last until all rooms are compared. It is now by
// the server's clock; rests is for how long nobody else is sent for.
func (k *known) expects(now time.Time, r *Room, a Actions, rests time.Duration) bool {
	if len(r.Recorders) == 0 {
		return a.Create != "" || k.trail.last != "" && rests > tellEvery
	}
	return !k.trail.current && now.Sub(r.Recorders[0].Joined) < freshFor
}

// precede tells a recorder which recording it goes on with, and reports whether it could.
func (w *Watcher) precede(ctx context.Context, r *Room, whom *Recorder, before string) bool {
	if err := w.c.Server.Precede(ctx, r.Name, whom.Identity, before); err != nil {
		w.counts.failures.Add(1)
		w.c.Log.Warn("a recorder could not be told which recording it goes on with", "sid", r.SID, "err", err)
		return false
	}
	w.c.Log.Info("a recorder was told which recording it goes on with", "sid", r.SID, "id", before)
	return true
}

// look fills in who is in the room and who was asked for.
func (w *Watcher) look(ctx context.Context, r *Room) error {
	who, err := w.c.Server.Participants(ctx, r.Name)
	if err != nil {
		return err
	}
	r.present(who)
	asked, err := w.c.Server.Dispatches(ctx, r.Name)
	if err != nil {
		return err
	}
	r.asked(asked, w.c.Agent, time.Duration(w.offset.Load()))
	return nil
}

// act does what was decided; to are the names to dispatch by. What fails is decided again at the
// next look.
func (w *Watcher) act(ctx context.Context, r *Room, a Actions, to []string) {
	log := w.c.Log.With("sid", r.SID)
	for _, name := range to {
		asked := time.Now()
		d, err := w.c.Server.Dispatch(ctx, r.Name, name, fleet.Dispatch{Policy: a.Create}.Metadata())
		if err != nil {
			w.counts.failures.Add(1)
			log.Warn("no recorder could be sent for", "err", err)
			return
		}
		w.counts.dispatched.Add(1)
		log.Info("a recorder was sent for", "policy", a.Create, "dispatch", d.GetId(), "agent", name)
		if at := d.GetState().GetCreatedAt(); at != 0 {
			w.offset.Store(int64(fromNano(at).Sub(asked.Add(time.Since(asked) / 2))))
		}
	}
	for _, id := range a.Delete {
		if err := w.c.Server.Delete(ctx, r.Name, id); err != nil {
			w.counts.failures.Add(1)
			log.Warn("a dispatch could not be deleted", "dispatch", id, "err", err)
			continue
		}
		w.counts.deleted.Add(1)
		log.Info("a dispatch was deleted: it brings nobody, or somebody too many", "dispatch", id)
	}
}
