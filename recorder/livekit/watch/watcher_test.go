package watch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// watches runs so many watchers until the function that it returns is called.
func watches(t *testing.T, s *sim, n int, p *fleet.Policies) (all []*Watcher, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var g sync.WaitGroup
	for range n {
		w, err := New(Config{Server: s, Agent: s.agent, Policies: func() *fleet.Policies { return p }})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
		g.Go(func() { _ = w.Run(ctx) })
	}
	return all, func() { cancel(); g.Wait() }
}

// Whatever happens to workers, servers and watchers, in the end each room that people meet in
// is recorded by exactly one, no recorder that was alone was thrown out, and nobody was sent
// for again and again.
func TestComesRight(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['room-*']\n"})
	seeds := uint64(60)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { comesRight(t, seed, p) })
		})
	}
}

func comesRight(t *testing.T, seed uint64, p *fleet.Policies) {
	s := newSim(t, seed, 3, seed%3 != 0)
	rng := rand.New(rand.NewPCG(seed, 2))
	for i := range 1 + rng.IntN(8) {
		s.open(fmt.Sprint("room-", i), 2)
	}
	s.open("other", 3) // which no policy is for
	watchers, end := watches(t, s, 1+int(seed%2), p)
	begun := time.Now()
	for range 40 {
		time.Sleep(time.Duration(rng.IntN(20000)) * time.Millisecond)
		s.mu.Lock()
		alive := slices.DeleteFunc(slices.Clone(s.workers), func(w *simWorker) bool { return w.dead })
		switch rng.IntN(9) {
		case 0:
			if len(alive) > 0 {
				s.wound(alive[rng.IntN(len(alive))], false)
			}
		case 1:
			if len(alive) > 0 {
				s.wound(alive[rng.IntN(len(alive))], true)
			}
		case 2, 3:
			s.begin()
		case 4:
			s.down = !s.down
		case 5: // a room ends
			if names := slices.Sorted(maps.Keys(s.rooms)); len(names) > 0 {
				name := names[0]
				delete(s.rooms, name)
				for _, w := range s.workers {
					delete(w.rooms, name)
				}
			}
		case 6:
			if name := fmt.Sprint("room-", 10+rng.IntN(10)); s.rooms[name] == nil {
				s.open(name, 1+rng.IntN(3))
			}
		case 7: // a watcher dies, and another begins
			s.mu.Unlock()
			end()
			watchers, end = watches(t, s, 1+int(seed%2), p)
			s.mu.Lock()
		case 8:
			for _, w := range alive {
				w.full = rng.IntN(3) == 0
			}
		}
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.down = false
	for _, w := range s.workers { // those that hang are ended, as by a watchdog
		w.full = false
		if w.hung {
			s.wound(w, false)
		}
	}
	s.begin()
	s.mu.Unlock()
	time.Sleep(3 * time.Minute)
	s.mu.Lock()
	for name, r := range s.rooms {
		if want := strings.HasPrefix(name, "room-"); len(r.members) != 1 && want || len(r.members) != 0 && !want {
			t.Errorf("%s has %d recorders", name, len(r.members))
		}
		if len(r.dispatches) > 25 {
			t.Errorf("%s has %d dispatches", name, len(r.dispatches))
		}
	}
	if s.thrown > 0 {
		t.Errorf("%d recorders that were alone and well were thrown out", s.thrown)
	}
	// Each watcher tries a room each 4 s at most, and not more often than that.
	if most := int(time.Since(begun)/lostHostFor) * 20 * len(watchers); s.asked > most {
		t.Errorf("%d dispatches in %v", s.asked, time.Since(begun))
	}
	s.mu.Unlock()
	for _, w := range watchers {
		if st := w.Status(); st.Missing != 0 || st.Doubled != 0 || st.Recorded != st.Wanted || len(st.Problems(time.Now())) != 0 {
			t.Errorf("%+v", st)
		}
	}
	end()
}

// A recorder that dies is followed by another within 5 s of the server's noticing, which takes
// it 20 s; also if the watcher died with it. Nobody is doubled by two. While nothing happens
// the server is asked one question a host at each comparison, and about rooms that show their
// recording once in 45 s.
func TestGaps(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	for _, tt := range []struct {
		name     string
		watchers int
		hooks    bool
		kills    bool // the watcher, too
		longest  time.Duration
	}{
		{"one watcher", 1, false, false, 25 * time.Second}, {"two", 2, false, false, 25 * time.Second},
		{"with webhooks", 1, true, false, 25 * time.Second}, {"the watcher dies, too", 1, false, true, 25 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, 7, 4, true)
				for i := range 20 {
					s.open(fmt.Sprint("room-", i), 2)
				}
				watchers, end := watches(t, s, tt.watchers, p)
				time.Sleep(90 * time.Second)
				first := make(map[string]string)
				s.mu.Lock()
				for _, r := range s.rooms {
					if len(r.members) != 1 {
						t.Fatalf("%s has %d recorders after 90 s", r.name, len(r.members))
					}
					r.longest = 0
					first[r.name] = r.members[0].id
				}
				if most := 4 * 10 * tt.watchers; s.questions < 4 || s.questions > most {
					t.Errorf("%d questions whether recorders of 4 hosts are there, want %d at most", s.questions, most)
				}
				if most := 20 * 8 * tt.watchers; s.looks > most { // one more where a note had to wait
					t.Errorf("%d looks at 20 rooms, want %d at most", s.looks, most)
				}
				before := s.asked
				s.wound(s.workers[0], false)
				s.mu.Unlock()
				if tt.kills {
					end()
					watchers, end = watches(t, s, tt.watchers, p)
				}
				if tt.hooks {
					time.Sleep(20*time.Second + time.Millisecond)
					for i := range 20 {
						watchers[0].Look(fmt.Sprint("room-", i))
					}
				}
				time.Sleep(90 * time.Second)
				s.mu.Lock()
				var longest time.Duration
				died := 0
				for _, r := range s.rooms {
					if len(r.members) != 1 {
						t.Errorf("%s has %d recorders", r.name, len(r.members))
					}
					if longest = max(longest, r.longest); r.longest > 0 {
						died++
						if now := r.members[0]; now.before != "recording of "+first[r.name] {
							t.Errorf("%s was recorded by %s, and its recorder was told %q", r.name, first[r.name], now.before)
						}
					}
				}
				if died == 0 || longest > tt.longest {
					t.Errorf("%d rooms were taken over; the longest gap is %v, want %v at most", died, longest, tt.longest)
				}
				if s.asked-before > died*tt.watchers {
					t.Errorf("%d dispatches for %d rooms", s.asked-before, died)
				}
				if s.told < died || s.told > died*tt.watchers {
					t.Errorf("%d recorders were told what they go on with, and %d went on", s.told, died)
				}
				t.Logf("%d of 20 rooms taken over, the longest gap %v, %d dispatches", died, longest, s.asked-before)
				s.mu.Unlock()
				end()
			})
		})
	}
}

// A look that fails does not end those at the rooms of a host that does not answer.
func TestLooksOn(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	for phase := range 10 {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, 1, 2, true)
			for i := range 4 {
				s.open(fmt.Sprint("room-", i), 2)
			}
			_, end := watches(t, s, 1, p)
			time.Sleep(time.Minute + time.Duration(phase)*time.Second)
			s.mu.Lock()
			for _, r := range s.rooms {
				r.longest = 0
			}
			s.shaky = true
			s.wound(s.workers[0], false)
			s.mu.Unlock()
			time.Sleep(time.Minute)
			s.mu.Lock()
			for _, r := range s.rooms {
				if r.longest > 26*time.Second || len(r.members) != 1 {
					t.Errorf("phase %d: %s has %d recorders, and was not recorded for %v", phase, r.name, len(r.members), r.longest)
				}
			}
			s.mu.Unlock()
			end()
		})
	}
}

// A server that is away, or that fails for one room, is asked once a second at most.
func TestAsksSlowly(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	for _, away := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, 1, 1, true)
			for i := range 3 {
				s.open(fmt.Sprint("room-", i), 2)
			}
			_, end := watches(t, s, 1, p)
			time.Sleep(time.Minute)
			s.mu.Lock()
			s.wound(s.workers[0], false)
			s.mu.Unlock()
			time.Sleep(15 * time.Second) // its rooms are looked at each second now
			s.mu.Lock()
			s.down, s.mum = away, !away
			lists, looks := s.lists, s.looks
			s.mu.Unlock()
			time.Sleep(time.Minute)
			s.mu.Lock()
			if lists, looks = s.lists-lists, s.looks-looks; lists > 70 || looks > 2*3*70 {
				t.Errorf("away %v: %d lists of rooms in a minute, and %d looks at 3 rooms", away, lists, looks)
			}
			s.mu.Unlock()
			end()
		})
	}
}

// A room that its server closed, and that people are in anew, is sent for as soon as it is seen.
func TestMadeAnew(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	var sum time.Duration
	for phase := range 10 {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, 1, 2, true)
			for i := range 10 {
				s.open(fmt.Sprint("room-", i), 2)
			}
			_, end := watches(t, s, 1, p)
			time.Sleep(time.Minute + time.Duration(phase)*time.Second)
			s.mu.Lock()
			for name := range s.rooms {
				for _, w := range s.workers {
					delete(w.rooms, name)
				}
				s.open(name, 2)
			}
			s.mu.Unlock()
			time.Sleep(time.Minute)
			s.mu.Lock()
			for _, r := range s.rooms {
				if sum += r.longest; len(r.members) != 1 {
					t.Errorf("phase %d: %s has %d recorders", phase, r.name, len(r.members))
				}
			}
			s.mu.Unlock()
			end()
		})
	}
	// Half the time between comparisons, lostFor, and what an offer, a join and jitter take: 9 s.
	if mean := sum / 100; mean > 5*time.Second+lostFor+3500*time.Millisecond {
		t.Errorf("they were not recorded for %v in the mean", mean)
	} else {
		t.Logf("they were not recorded for %v in the mean", mean)
	}
}

// Recorders that are well and do not answer cost some looks, and nothing else.
func TestFalseAlarm(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1, 2, true)
		for i := range 5 {
			s.open(fmt.Sprint("room-", i), 2)
		}
		_, end := watches(t, s, 1, p)
		time.Sleep(time.Minute)
		s.mu.Lock()
		asked, looks := s.asked, s.looks
		s.mute = true
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		s.mu.Lock()
		if s.asked != asked || s.thrown > 0 || s.looks-looks < 100 || s.looks-looks > 5*130 {
			t.Errorf("%d dispatches, %d recorders thrown out, %d looks at 5 rooms", s.asked-asked, s.thrown, s.looks-looks)
		}
		s.mute, looks = false, s.looks
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		s.mu.Lock()
		if s.looks-looks > 5*13 {
			t.Errorf("%d looks at 5 rooms since they answer", s.looks-looks)
		}
		s.mu.Unlock()
		end()
	})
}

// A host whose network is gone stays in the server's pool for minutes, and of two workers it is
// offered every other room, in vain. All rooms are recorded by the other soon all the same.
func TestLostInPool(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	var waits []time.Duration
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, seed, 1, true)
			for i := range 3 {
				s.open(fmt.Sprint("room-", i), 2)
			}
			_, end := watches(t, s, 1, p)
			time.Sleep(time.Minute)
			s.mu.Lock()
			for _, r := range s.rooms {
				r.longest = 0
			}
			s.begin()
			s.wound(s.workers[0], true)
			s.mu.Unlock()
			time.Sleep(10 * time.Minute)
			s.mu.Lock()
			for _, r := range s.rooms {
				waits = append(waits, r.longest)
				if len(r.members) != 1 {
					t.Errorf("seed %d: %s has %d recorders", seed, r.name, len(r.members))
				}
			}
			s.mu.Unlock()
			end()
		})
	}
	slices.Sort(waits)
	t.Logf("%d rooms: half were recorded again after %v, nine of ten after %v, 99 of 100 after %v, the last after %v",
		len(waits), waits[len(waits)/2], waits[len(waits)*9/10], waits[len(waits)*99/100], waits[len(waits)-1])
	if waits[len(waits)*9/10] > 28*time.Second {
		t.Error("that is too long")
	}
}

// Where there is no worker, many rooms cost few dispatches, and once one comes all are
// recorded.
func TestStorm(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1, 0, true)
		const rooms = 500
		for i := range rooms {
			s.open(fmt.Sprint("room-", i), 1)
		}
		_, end := watches(t, s, 1, p)
		last, most := 0, 0
		for range 120 {
			time.Sleep(time.Second)
			s.mu.Lock()
			most, last = max(most, s.asked-last), s.asked
			s.mu.Unlock()
		}
		if most > burst+2*perSecond {
			t.Errorf("%d dispatches in a second", most)
		}
		if last > 120*perSecond+burst {
			t.Errorf("%d dispatches in 2 minutes", last)
		}
		s.mu.Lock()
		s.begin()
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		s.mu.Lock()
		recorded := 0
		for _, r := range s.rooms {
			recorded += len(r.members)
		}
		s.mu.Unlock()
		if recorded != rooms {
			t.Errorf("%d of %d rooms are recorded", recorded, rooms)
		}
		end()
	})
}

// A room that is off is left alone while it is open, and only where it is off.
func TestOff(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1, 1, true)
		s.open("on", 1)
		off := s.open("off", 1)
		if _, err := s.Dispatch(t.Context(), "off", Off(s.agent), "{}"); err != nil {
			t.Fatal(err)
		}
		_, end := watches(t, s, 1, p)
		time.Sleep(time.Minute)
		s.mu.Lock()
		if len(off.members) != 0 || len(s.rooms["on"].members) != 1 {
			t.Errorf("off has %d recorders, on %d", len(off.members), len(s.rooms["on"].members))
		}
		delete(s.rooms, "off")
		off = s.open("off", 1)
		s.mu.Unlock()
		time.Sleep(time.Minute)
		s.mu.Lock()
		if len(off.members) != 1 {
			t.Error("a new room of the same name is not recorded")
		}
		s.mu.Unlock()
		end()
	})
}

// What the log says names no room.
func TestLogNamesNobody(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		s := newSim(t, 1, 1, true)
		s.open("secret-room", 1)
		w, err := New(Config{Server: s, Policies: func() *fleet.Policies { return p }, Log: slog.New(slog.NewTextHandler(&b, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.AfterFunc(30*time.Second, func() { s.mu.Lock(); s.down = true; s.mu.Unlock() })
		_ = w.Run(ctx)
		for _, says := range []string{"a recorder was sent for", "policy=all", "did not say which rooms"} {
			if !strings.Contains(b.String(), says) {
				t.Errorf("the log does not say %q:\n%s", says, &b)
			}
		}
		if strings.Contains(b.String(), "secret") {
			t.Errorf("the log names a room:\n%s", &b)
		}
	})
}
