package watch

import (
	"cmp"
	"hash/fnv"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// A server offers a room to any worker of the agent. One whose host hangs, or that the network
// lost, it believes in for minutes, and a room that it offers there is lost. So each worker has
// a name of its own, too, which follows from the card that its recorders show: a Watcher sends
// to hosts that it knows to live. Of a host that records nothing it knows nothing: where it
// knows no other, it asks for any, again and again until one shows. What it is told of hosts
// agents can invent, as they can be workers of any name; members cannot. So a name of a host's
// own is tried once, and any worker's is the next: lies cost some tries.

const (
	// aliveFor is how long a host that answered is believed to live, beside two comparisons.
	aliveFor = 10 * time.Second
	// knownFor is how long a host is remembered that nobody records on: also one that does not
	// answer, which a server believes in for so long.
	knownFor = 15 * time.Minute
	// lostOfLate is how long others are sent for by their own names at once, and not only where
	// that was in vain, after a host did not answer.
	lostOfLate = time.Minute
	// justCame is how long somebody has just come, by the server's clock.
	justCame = 5 * time.Second
	// onTheWay is how long a recorder that was sent for counts as one of its host's.
	onTheWay = 15 * time.Second
)

// A host is where recorders run.
type host struct {
	answered time.Time // when it answered last, or one of its recorders came
	seen     time.Time // when a recorder of it was seen last
	lost     bool      // nobody answered there the last time that somebody was asked
	silent   time.Time // when that was
}

// sent is who was sent for in a room that nobody records.
type sent struct {
	to   string // the words of a host, "" for any
	at   time.Time
	vain []string // the hosts before, and that of the last recorder, which may be ending
}

// notes takes in which recorders are in a room. The caller holds w.mu.
func (w *Watcher) notes(now time.Time, r *Room) {
	for i := range r.Recorders {
		one := &r.Recorders[i]
		h := w.hosts[one.Words]
		if one.Words == "" || h == nil && len(w.hosts) >= maxHosts {
			continue
		}
		if h == nil {
			h = new(host)
			w.hosts[one.Words] = h
		}
		h.seen = now
		// Who has just come lives. What is listed for longer may be all that is left of it.
		came := one.Joined.Add(-time.Duration(w.offset.Load()))
		if ago := now.Sub(came); ago > -time.Second && ago < justCame && came.After(h.answered) {
			h.answered, h.lost = came, false
		}
	}
}

// answers takes in whether a host answered. The caller holds w.mu.
func (w *Watcher) answers(now time.Time, words string, yes bool) {
	h := w.hosts[words]
	if h == nil {
		return
	}
	if h.lost = !yes; yes {
		h.answered = now
	} else {
		h.silent = now
	}
}

// forget drops hosts that were not seen for long. The caller holds w.mu.
func (w *Watcher) forget(now time.Time) {
	for words, h := range w.hosts {
		if now.Sub(h.seen) > knownFor {
			delete(w.hosts, words)
		}
	}
}

// lost reports whether a host was lost of late, so that the server may offer rooms to it in
// vain. One that is back and records nothing is asked nothing, and so not known to live: it has
// rooms again when those that are dispatched are offered to all. The caller holds w.mu.
func (w *Watcher) lost(now time.Time) bool {
	for _, h := range w.hosts {
		if h.lost && now.Sub(h.silent) < lostOfLate {
			return true
		}
	}
	return false
}

// living returns the words of hosts that are known and not lost, the best first: those that
// answered lately, and of them those with the fewest rooms. Two watchers have the same order,
// as far as they saw the same, and each room another one. The caller holds w.mu.
func (w *Watcher) living(now time.Time, room string) (all []string) {
	rooms := make(map[string]int)
	for _, k := range w.known {
		switch {
		case k.by == 1:
			rooms[k.recorder.Words]++
		case k.by == 0 && now.Sub(k.sent.at) < onTheWay:
			rooms[k.sent.to]++
		}
	}
	type place struct {
		words string
		stale bool
		rooms int
		turn  uint32
	}
	var places []place
	for words, h := range w.hosts {
		if h.lost {
			continue
		}
		turn := fnv.New32a()
		turn.Write([]byte(room + "\x00" + words))
		places = append(places, place{words, now.Sub(h.answered) > 2*w.c.Every+aliveFor, rooms[words], turn.Sum32()})
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.stale != b.stale {
			if b.stale {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.rooms, b.rooms), cmp.Compare(a.turn, b.turn), cmp.Compare(a.words, b.words))
	})
	for _, p := range places {
		all = append(all, p.words)
	}
	return all
}

// next returns whom to send for, of the hosts that live: one that was not sent for in vain, and
// any worker every other time. sure says that the server finds one that lives by itself.
func (s *sent) next(now time.Time, living []string, sure bool) sent {
	n := sent{at: now, vain: s.vain}
	if s.to != "" {
		n.vain = append(slices.Clone(s.vain), s.to)
	}
	if sure || s.to != "" {
		return n
	}
	for _, words := range living {
		if !slices.Contains(n.vain, words) {
			n.to = words
			return n
		}
	}
	n.vain = nil // all had their turn
	return n
}

// name is the name that s is dispatched by.
func (s *sent) name(agent string) string {
	if s.to == "" {
		return agent
	}
	return fleet.OwnName(agent, s.to)
}
