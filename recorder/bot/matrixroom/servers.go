package matrixroom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxServers is how many LiveKit servers of a call the recorder is in at once. Members choose
// them.
const maxServers = 16

// serviceOf returns the service of the oldest member who names one.
func serviceOf(callers []matrix.Caller) string {
	oldest := slices.SortedStableFunc(slices.Values(callers), func(a, b matrix.Caller) int { return a.Since.Compare(b.Since) })
	for _, m := range oldest {
		if len(m.Services) > 0 {
			return m.Services[0]
		}
	}
	return ""
}

// publishesTo returns the service where a member publishes: their first, or that of the
// oldest member.
func publishesTo(m matrix.Caller, oldest string) string {
	if follows(m) {
		return oldest
	}
	return m.Services[0]
}

// callers returns the members of the call. Called locked.
func (r *room) callers() []matrix.Caller {
	all := make([]matrix.Caller, 0, len(r.members))
	for _, m := range r.members {
		all = append(all, m.caller)
	}
	return all
}

// wanted returns who publishes to which service.
func (r *room) wanted() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	callers := r.callers()
	oldest := r.oldestService(callers)
	services := make(map[string][]string)
	for _, m := range callers {
		if service := publishesTo(m, oldest); service != "" {
			services[service] = append(services[service], identityOf(m))
		}
	}
	return services
}

// oldestService is serviceOf with our own membership, which is as good as others' to those who
// follow the oldest. Called locked.
func (r *room) oldestService(callers []matrix.Caller) string {
	if r.call != nil {
		if own, _, entered := r.call.Own(); entered && !own.Since.IsZero() {
			callers = append(slices.Clip(callers), matrix.Caller{Member: own})
		}
	}
	return serviceOf(callers)
}

// lead notes which service is the oldest member's, where those publish who follow them. It
// returns the LiveKit identities of those if another one is. The one before counts for a
// while: they may not have followed yet.
func (r *room) lead(now time.Time) (aliases []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	callers := r.callers()
	service := r.oldestService(callers)
	if len(callers) == 0 || service == "" {
		return nil // nobody is there, and who comes back finds what was
	}
	_, led := r.led[service]
	if r.led == nil {
		r.led = make(map[string]time.Time)
	}
	r.led[service] = now
	maps.DeleteFunc(r.led, func(_ string, last time.Time) bool { return now.Sub(last) >= linger })
	if led {
		return nil
	}
	for _, m := range callers {
		if follows(m) {
			aliases = append(aliases, m.Identities...)
		}
	}
	return aliases
}

// follows reports whether a member publishes where the oldest one does.
func follows(m matrix.Caller) bool { return m.Oldest || len(m.Services) == 0 }

// publishersAt returns who publishes to a service.
func (r *room) publishersAt(service string) []string { return r.wanted()[service] }

// reconcile opens the servers that members publish to, and closes those to which nobody has
// published for a while. When nobody is left at all, what there is stays, for who comes back.
func (r *room) reconcile(now time.Time) {
	wanted := r.wanted()
	r.review(r.lead(now))
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.closed:
		return
	default:
	}
	if r.announced == "" || !r.own[r.identity] {
		return // not in the call yet
	}
	for _, service := range r.oldestFirst(wanted) {
		if s := r.servers[service]; s != nil {
			s.unwanted = time.Time{}
			continue
		}
		if len(r.servers) >= maxServers {
			continue // until one is given up
		}
		r.started++
		ctx, stop := context.WithCancel(r.run)
		s := &server{r: r, service: service, name: serviceName(service), number: r.started, stop: stop, tried: make(chan struct{})}
		r.servers[service] = s
		r.running.Go(func() { s.serve(ctx) })
	}
	for service, s := range r.servers {
		switch {
		case wanted[service] != nil || len(wanted) == 0:
		case s.unwanted.IsZero():
			s.unwanted = now
		case now.Sub(s.unwanted) >= linger:
			delete(r.servers, service)
			s.stop()
		}
	}
}

// oldestFirst returns the services, those of the oldest members first: who comes later and
// names many does not keep them out. Called locked.
func (r *room) oldestFirst(wanted map[string][]string) []string {
	since := func(service string) time.Time {
		oldest := r.members[wanted[service][0]]
		for _, identity := range wanted[service] {
			if m := r.members[identity]; m != nil && (oldest == nil || m.since.Before(oldest.since)) {
				oldest = m
			}
		}
		if oldest == nil {
			return time.Time{}
		}
		return oldest.since
	}
	return slices.SortedFunc(maps.Keys(wanted), func(a, b string) int { return cmp.Or(since(a).Compare(since(b)), cmp.Compare(a, b)) })
}

// ban notes that the recorder may not be at a server. If it may be at none to which members
// publish, the meeting is over for it. One server does not end what comes from others.
func (r *room) ban(s *server, why error) {
	wanted := r.wanted()
	r.mu.Lock()
	defer r.mu.Unlock()
	s.banned = why
	for service := range wanted {
		if other := r.servers[service]; other == nil || other.banned == nil {
			return
		}
	}
	r.end(fmt.Errorf("%w: %s: %w", recorder.ErrEnded, s.name, why))
}

// closeServers ends all of them. reconcile begins no other after Close has begun.
func (r *room) closeServers() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.servers {
		s.stop()
	}
}

// awaitServer waits until one server is joined, or all have failed once.
func (r *room) awaitServer(ctx context.Context) error {
	r.mu.Lock()
	servers := slices.Collect(maps.Values(r.servers))
	r.mu.Unlock()
	late := time.NewTimer(openTime)
	defer late.Stop()
	var errs []error
	for _, s := range servers {
		select {
		case <-s.tried:
		case <-late.C:
			return nil // it is told when it is there
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			return r.cause
		}
		s.mu.Lock()
		joined, err := s.at != nil, s.err
		s.mu.Unlock()
		if joined {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// open returns the servers that are joined, and those of them that are connected.
func (r *room) open() (joined, connected []*server) {
	r.mu.Lock()
	servers := slices.SortedFunc(maps.Values(r.servers), func(a, b *server) int { return cmp.Compare(a.number, b.number) })
	r.mu.Unlock()
	for _, s := range servers {
		at := s.room()
		if at == nil {
			continue
		}
		joined = append(joined, s)
		if at.Connected() {
			connected = append(connected, s)
		}
	}
	return joined, connected
}

// review has all servers look again whether these identities are members'.
func (r *room) review(aliases []string) {
	servers, _ := r.open()
	for _, s := range servers {
		for _, alias := range aliases {
			if at := s.room(); at != nil {
				at.Review(alias)
			}
		}
	}
}

// strangerTime is how long a membership may come after its media.
const strangerTime = 10 * time.Second

// A stranger publishes without being a member of the call.
type stranger struct {
	since time.Time
	seen  time.Time
	told  bool
}

// maxStrangers bounds those that are looked at. The server makes them up.
const maxStrangers = 256

// lookForStrangers tells who publishes without being a member of the call. Nothing of them
// is received.
func (r *room) lookForStrangers(now time.Time) {
	servers, _ := r.open()
	for _, s := range servers {
		at := s.room()
		if at == nil || !s.receives() {
			continue
		}
		for _, alias := range at.Publishing() {
			if r.strange(s, alias, now) {
				r.c.Say(fmt.Sprintf("%s sends something by %s and is not a member of the call who sends there: it is not received", words.Quote(alias), s.name))
				r.events.offer(recorder.RoomEvent{At: now, Type: media.EventHole, Participant: alias, Reason: media.HoleStranger})
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.strangers, func(_ string, it *stranger) bool { return now.Sub(it.seen) > strangerTime })
}

// strange reports whether somebody is to be told as a stranger now.
func (r *room) strange(s *server, alias string, now time.Time) bool {
	_, _, member := s.publisher(alias)
	r.mu.Lock()
	defer r.mu.Unlock()
	if member || r.own[alias] {
		delete(r.strangers, alias)
		return false
	}
	it := r.strangers[alias]
	if it == nil {
		if len(r.strangers) >= maxStrangers {
			return false
		}
		it = &stranger{since: now}
		r.strangers[alias] = it
	}
	it.seen = now
	if it.told || now.Sub(it.since) < strangerTime {
		return false
	}
	it.told = true
	return true
}

// tellServers tells, once there are several servers, how far what each sends may be apart from
// what the others send: no more than a way there and back, as what came fastest counts as
// having taken no time. It tells again if that doubles.
func (r *room) tellServers(now time.Time) {
	joined, _ := r.open()
	if len(joined) < 2 {
		return
	}
	for _, s := range joined {
		at := s.room()
		if at == nil || !s.receives() {
			continue
		}
		late := at.RoundTrip().Round(100 * time.Microsecond)
		s.mu.Lock()
		news := late > 2*s.late
		if news {
			s.late = late
		}
		s.mu.Unlock()
		if news {
			r.events.offer(recorder.RoomEvent{At: now, Type: media.EventServer, Server: s.name, Text: late.String()})
		}
	}
}
