package watch

import (
	"cmp"
	"time"
)

// Times that Decide goes by.
const (
	// missingFor is how long nobody records before somebody is sent for: a recorder that was
	// dispatched needs a second or two to join.
	missingFor = 5 * time.Second
	// lostFor is the same where a recorder was in the room and is not any more: nobody is on
	// the way, but for one that comes back by itself.
	lostFor = 2 * time.Second
	// settleFor is how long a dispatch may take to bring a recorder, and how long two
	// recorders have to agree who stays.
	settleFor = 12 * time.Second
	// untakenFor is the same for a dispatch that has no job. A worker has 3 s to take an offer,
	// and a server shows the job up to 5 s after the dispatch.
	untakenFor = 6 * time.Second
	// lostHostFor is the same where a host does not answer, so that it may have been offered
	// the room, and from the second try on. Whoever took it shows before.
	lostHostFor = 4 * time.Second
	// blindFor is the same where no other host is known, either, so that the server has to find
	// one that lives: each try is a throw of dice, so blindTimes are thrown at a time. A worker
	// that took the room says so to another offer of it.
	blindFor   = 2 * time.Second
	blindTimes = 2
	// lastWait is how long it takes at most from one dispatch in vain to the next. The first
	// quickTries are as near as can be: a host that the network lost is offered rooms for
	// minutes, and with one other that is every second one.
	lastWait   = 30 * time.Second
	quickTries = 10
	// steadyFor is how long a room must be recorded until earlier tries do not count.
	steadyFor = time.Minute
)

// A Memory is what is remembered of a room. The zero value remembers nothing. To lose it
// costs some seconds.
type Memory struct {
	// Missing is since when the room should be recorded and is not; zero if it is.
	Missing time.Time
	// Recorded is since when it is recorded; zero if it is not.
	Recorded time.Time
	// Doubled is since when more than one recorder is there; zero if not.
	Doubled time.Time
	// Silent is whether the recorder that was last there did not answer before it left. Lost is
	// whether any host does not answer, so that rooms may be offered to it, and Blind whether
	// none is known that does.
	Silent, Lost, Blind bool
	// Tries is how often somebody was sent for in vain, Next when to try again. Untaken is how
	// long the last dispatch may be without a job; zero if there was none.
	Tries   int
	Next    time.Time
	Untaken time.Duration
}

// Actions are what is to be done about a room.
type Actions struct {
	// Create asks for a recorder under the policy of this name; "" for none.
	Create string
	// Delete are the IDs of dispatches to delete, once what is to be created was: they may
	// be all that is left of what somebody asked for.
	Delete []string
	// Again is when to look again, if that is before the usual time; zero otherwise.
	Again time.Time
}

// Decide compares what is wished for a room with what is, and returns what to do, and what
// to remember. jitter is from 0 to 1, and spreads the tries of many rooms. It changes
// nothing that it is given.
func Decide(now time.Time, r *Room, w Wish, m Memory, jitter float64) (Actions, Memory) {
	if len(r.Recorders) > 0 {
		return recorded(now, r, m)
	}
	was := m
	m.Recorded, m.Doubled = time.Time{}, time.Time{}
	if w.Policy == nil {
		return Actions{}, Memory{}
	}
	if m.Missing.IsZero() {
		m.Missing = now
	}
	due := m.Missing.Add(missingFor)
	if !was.Recorded.IsZero() || m.Tries == 0 && hadOne(now, r) {
		if due = m.Missing.Add(lostFor); m.Silent {
			due = m.Missing // it does not come back by itself
		}
		m.Recorded = was.Recorded // so that it is the same at the next look
	} else if m.Tries > 0 {
		due = m.Missing // it was waited for
	}
	// What was asked for a moment ago, perhaps by somebody else, may still come.
	if n := len(r.Dispatches); n > 0 {
		if last := r.Dispatches[n-1]; !last.over() && last.Policy == w.Policy.Name {
			made := last.Made
			if made.After(now) { // by the server's clock
				made = m.Missing
			}
			if len(last.Jobs) == 0 {
				due = later(due, made.Add(cmp.Or(m.Untaken, m.untaken())))
			} else {
				due = later(due, made.Add(settleFor))
			}
		}
	}
	due = later(due, m.Next)
	if now.Before(due) {
		return Actions{Again: due}, m
	}
	m.Tries++
	m.Untaken = m.untaken()
	wait := min(m.Untaken<<min(max(m.Tries-quickTries, 0), 10), lastWait)
	m.Next = now.Add(wait + time.Duration(jitter*float64(wait)/4))
	m.Recorded = time.Time{}
	return Actions{Create: w.Policy.Name, Delete: spent(now, r, 0), Again: now.Add(m.Untaken)}, m
}

// blind reports whether nobody is known to live, and some host does not.
func (m *Memory) blind() bool { return (m.Silent || m.Lost) && m.Blind }

// untaken is how long a dispatch may be without a job.
func (m *Memory) untaken() time.Duration {
	switch {
	case m.blind():
		return blindFor
	case m.Silent || m.Lost || m.Tries > 1:
		return lostHostFor
	}
	return untakenFor
}

// hadOne reports whether a recorder was in the room once, and cannot be on its way.
func hadOne(now time.Time, r *Room) bool {
	for i := range r.Dispatches {
		if d := &r.Dispatches[i]; d.over() || len(d.Jobs) > 0 && now.Sub(d.Made) > settleFor {
			return true
		}
	}
	return false
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recorded decides about a room that is recorded.
func recorded(now time.Time, r *Room, m Memory) (a Actions, _ Memory) {
	if m.Recorded.IsZero() || !m.Missing.IsZero() {
		m.Recorded = now
	}
	m.Missing, m.Untaken = time.Time{}, 0
	if now.Sub(m.Recorded) >= steadyFor {
		m.Tries, m.Next = 0, time.Time{}
	}
	a.Delete = spent(now, r, 1)
	if len(r.Recorders) == 1 {
		m.Doubled = time.Time{}
		return a, m
	}
	// They have agreed by themselves if they can. The first to come stays.
	if m.Doubled.IsZero() {
		m.Doubled = now
	}
	if due := m.Doubled.Add(settleFor); now.Before(due) {
		a.Again = due
		return a, m
	}
	stays := r.Recorders[0].Identity
	for _, other := range r.Recorders[1:] {
		for i := range r.Dispatches {
			d := &r.Dispatches[i]
			// To delete a dispatch throws its member out, by the identity.
			if other.Identity != stays && d.runs(other.Identity) && !d.runs(stays) {
				a.Delete = append(a.Delete, d.ID)
			}
		}
	}
	return a, m
}

// spent returns the dispatches that bring nobody any more, but for so many of the newest. A
// job that runs, by the server's word, is not touched: to delete its dispatch throws its
// member out, by an identity that another recorder may have by now.
func spent(now time.Time, r *Room, keep int) (ids []string) {
	for i := range r.Dispatches[:max(0, len(r.Dispatches)-keep)] {
		d := &r.Dispatches[i]
		if d.over() || len(d.Jobs) == 0 && now.Sub(d.Made) > settleFor {
			ids = append(ids, d.ID)
		}
	}
	return ids
}
