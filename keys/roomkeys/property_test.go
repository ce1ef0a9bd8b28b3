package roomkeys

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/sample"
)

// rough makes the server lose, delay, reorder and repeat.
func (w *world) rough(r *rand.Rand) {
	w.loss = []float64{0, 0.05, 0.2}[r.IntN(3)]
	w.repeat = []float64{0, 0.1}[r.IntN(2)]
	most := 1 + r.IntN([]int{800, 800, 20_000}[r.IntN(3)])
	w.delay = func() time.Duration { return time.Duration(r.IntN(most)) * time.Millisecond }
}

// act does one thing that people do, or that a server says.
func (w *world) act(r *rand.Rand) string {
	names := w.names()
	one := func() *sim { return w.members[names[r.IntN(len(names))]] }
	switch what := r.IntN(13); {
	case what < 3 && len(names) < 9 || len(names) < 2:
		name := string(rune('a' + r.IntN(12)))
		if w.members[name] != nil {
			return ""
		}
		w.join(name, func(s *sim, c *Config) {
			s.agrees = r.IntN(2) == 0
			s.deaf = r.IntN(2) == 0
			for n := range 12 {
				if r.IntN(5) == 0 {
					s.distrust[string(rune('a'+n))] = true
				}
			}
			switch r.IntN(8) {
			case 0:
				recorder(s, c)
			case 1:
				c.Listen = true
			case 2:
				c.Give = GiveProved
			}
		})
		return "join " + name
	case what < 5:
		s, bye := one(), r.IntN(2) == 0
		w.leave(s, bye)
		return fmt.Sprintf("leave %s %t", s.seat.Identity, bye)
	case what == 5:
		s, o := one(), one()
		if s == o {
			return ""
		}
		s.distrust[o.seat.Identity] = !s.distrust[o.seat.Identity]
		s.see(o)
		return fmt.Sprintf("%s distrusts %s: %t", s.seat.Identity, o.seat.Identity, s.distrust[o.seat.Identity])
	case what < 8:
		s := one()
		s.agrees = !s.agrees
		w.decide(s)
		return fmt.Sprintf("%s agrees: %t", s.seat.Identity, s.agrees)
	case what == 10:
		// Somebody is back at once, in another session.
		s := one()
		name, with := s.seat.Identity, *s
		w.leave(s, r.IntN(2) == 0)
		w.after(time.Duration(r.IntN(5000))*time.Millisecond, func() {
			if w.members[name] == nil {
				w.join(name, func(s *sim, c *Config) {
					s.agrees, s.deaf, s.distrust = with.agrees, with.deaf, with.distrust
					s.recorder, s.phase, s.records, c.Listen, c.Give = with.recorder, with.phase, with.records, with.c.Listen, with.c.Give
				})
			}
		})
		return "again " + name
	case what == 11:
		o := one()
		if !o.recorder {
			return ""
		}
		o.records = fmt.Sprintf("ZYXWVTSRQPNMKJHGFEDCBA98%02d", r.IntN(100))
		for _, name := range names {
			if name != o.seat.Identity {
				w.members[name].see(o)
			}
		}
		return o.seat.Identity + " records " + o.records
	case what == 12:
		// Yes and no, faster than anything settles.
		s := one()
		for range r.IntN(6) {
			s.agrees = !s.agrees
			w.decide(s)
			w.pass(time.Duration(1+r.IntN(3)) * tickEvery)
			if w.members[s.seat.Identity] != s {
				break
			}
		}
		return fmt.Sprintf("%s agrees in the end: %t", s.seat.Identity, s.agrees)
	case what == 8:
		o := one()
		if !o.recorder {
			return ""
		}
		o.phase = map[string]string{"recording": "paused", "paused": "recording"}[o.phase]
		for _, name := range names {
			if name != o.seat.Identity {
				w.members[name].see(o)
			}
		}
		return o.seat.Identity + " is " + o.phase
	default:
		s, o := one(), one()
		if s == o {
			return ""
		}
		s.Left(o.seat.Identity)
		w.after(time.Duration(r.IntN(8000))*time.Millisecond, func() {
			if w.members[o.seat.Identity] == o && w.members[s.seat.Identity] == s {
				s.see(o)
			}
		})
		return fmt.Sprintf("%s loses %s for a while", s.seat.Identity, o.seat.Identity)
	}
}

// Whatever members do in whatever order, and whatever is lost, late, out of order or
// repeated: in the end exactly those have a sender's key who are to have it, and
// nobody ever had a key from before they came.
func TestAnyInterleaving(t *testing.T) {
	for n := range sample.Cases(t, 400, 16) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			seed := uint64(n)
			simulate(t, seed, func(t *testing.T, w *world) {
				r := rand.New(rand.NewPCG(seed, 11))
				var did []string
				defer func() {
					if t.Failed() {
						t.Logf("seed %d: %q", seed, did)
					}
				}()
				w.join("a", nil)
				for range 25 {
					if r.IntN(4) == 0 {
						w.rough(r)
					}
					if what := w.act(r); what != "" {
						did = append(did, what)
					}
					for range r.IntN(30) {
						w.pass(tickEvery)
						if wrong := w.open(); len(wrong) > 0 {
							t.Fatal(wrong)
						}
					}
				}
				w.loss, w.repeat = 0.05, 0
				for _, name := range w.names() { // what was said of people lately is said to all
					for _, other := range w.names() {
						if name != other {
							w.members[name].see(w.members[other])
						}
					}
				}
				w.pass(10 * time.Second)
				w.settle(100 * time.Second)
				w.pass(2 * time.Minute)
				w.settle(time.Minute) // and stays so; who lost three heres of somebody waits for the next
				if wrong := w.early(); len(wrong) > 0 {
					t.Error(wrong)
				}
			})
		})
	}
}

// A large room in which one message of twenty is lost: ten seconds after a leave all
// who stay have the new keys of all. With all cases it has 200 who all speak, which takes
// minutes of calculation.
func TestLargeRoom(t *testing.T) {
	members, speakers := 50, 8
	if sample.All() {
		members, speakers = 200, 200
	}
	simulate(t, 1, func(t *testing.T, w *world) {
		for n := range members {
			w.join(fmt.Sprintf("m%03d", n), func(s *sim, c *Config) {
				c.Listen = n >= speakers
			})
		}
		w.pass(5 * time.Second)
		w.loss = 0.05
		w.settle(30 * time.Second)
		leaves := []bool{false}
		if sample.All() {
			leaves = []bool{true, false}
		}
		for _, bye := range leaves {
			sent := w.sent
			w.leave(w.members["m007"], bye)
			took := w.settle(10 * time.Second)
			t.Logf("bye %t: settled after %v, %d messages", bye, took, w.sent-sent)
			if took == 0 {
				t.Error("who left has no key to be replaced")
			}
			w.join("m007", nil)
			w.pass(5 * time.Second)
			w.settle(10 * time.Second)
		}
		if wrong := w.early(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}
