package watch

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// A host that hangs stays in the server's pool for ever, and is offered rooms in vain. Its rooms
// are recorded by others soon after the server noticed, which takes it 20 s, by one dispatch for
// each: hosts that live are sent for by their own names. So it is with two watchers, with one
// that began after the host hung; and a room that begins long after is offered to it once at most.
func TestHangs(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	for _, tt := range []struct {
		name            string
		workers         int
		watchers        int
		restarts, older bool
		longest         time.Duration
	}{
		{"of four", 4, 1, false, false, 25 * time.Second},
		{"of two", 2, 1, false, false, 25 * time.Second},
		{"two watchers", 3, 2, false, false, 25 * time.Second},
		{"the watcher died with it", 3, 1, true, false, 25 * time.Second},
		{"others have no own names", 4, 1, false, true, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(10) {
				synctest.Test(t, func(t *testing.T) {
					s := newSim(t, seed, tt.workers, true)
					s.older = tt.older
					for i := range 20 {
						s.open(fmt.Sprint("room-", i), 2)
					}
					watchers, end := watches(t, s, tt.watchers, p)
					time.Sleep(90 * time.Second)
					s.mu.Lock()
					for _, r := range s.rooms {
						r.longest = 0
					}
					before := s.asked
					hit := len(s.workers[0].rooms)
					s.wound(s.workers[0], true)
					s.mu.Unlock()
					if tt.restarts {
						time.Sleep(time.Duration(seed) * 2 * time.Second)
						end()
						watchers, end = watches(t, s, tt.watchers, p)
					}
					time.Sleep(2 * time.Minute)
					s.mu.Lock()
					var longest time.Duration
					for _, r := range s.rooms {
						longest = max(longest, r.longest)
						if len(r.members) != 1 || !r.since.IsZero() {
							t.Errorf("%s has %d recorders", r.name, len(r.members))
						}
						r.longest = 0
					}
					if longest > tt.longest {
						t.Errorf("seed %d: nobody recorded for %v, want %v at most", seed, longest, tt.longest)
					}
					if n := s.asked - before; !tt.older && n > hit*tt.watchers {
						t.Errorf("seed %d: %d dispatches for %d rooms", seed, n, hit)
					}
					late := s.open("late", 1)
					s.mu.Unlock()
					time.Sleep(2 * time.Minute)
					s.mu.Lock()
					// Two watchers look at different times, and each waits for what the other sent,
					// with a jitter of a quarter.
					most := 10*time.Second + missingFor + untakenFor + untakenFor/4 + 4*time.Second + time.Duration(tt.watchers-1)*time.Second
					if !tt.older && (late.longest > most || !late.since.IsZero()) {
						t.Errorf("seed %d: a room that began while it hung was not recorded for %v", seed, late.longest)
					}
					if n := len(watchers[0].hosts); n > tt.workers {
						t.Errorf("%d hosts of %d", n, tt.workers)
					}
					s.mu.Unlock()
					end()
				})
			}
		})
	}
}

// A worker that ends, a while after another host was lost, is not sent for: its rooms are recorded
// by others a few seconds after its recorders left.
func TestDrains(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, seed, 4, true)
			for i := range 20 {
				s.open(fmt.Sprint("room-", i), 2)
			}
			_, end := watches(t, s, 1, p)
			time.Sleep(90 * time.Second)
			s.mu.Lock()
			s.wound(s.workers[0], seed%2 == 0)
			s.mu.Unlock()
			time.Sleep(time.Duration(30+20*seed) * time.Second)
			s.mu.Lock()
			for _, r := range s.rooms {
				r.longest = 0
			}
			ends := s.workers[1]
			ends.full = true
			for name := range ends.rooms {
				r := s.rooms[name]
				for _, m := range slices.Clone(r.members) {
					if m.by == ends {
						s.leaves(r, m)
					}
				}
				for _, d := range r.dispatches {
					for _, j := range d.State.Jobs {
						j.State.Status = lkproto.JobStatus_JS_FAILED
					}
				}
			}
			s.mu.Unlock()
			time.Sleep(2 * time.Minute)
			s.mu.Lock()
			var longest time.Duration
			for _, r := range s.rooms {
				if longest = max(longest, r.longest); len(r.members) != 1 || !r.since.IsZero() {
					t.Errorf("seed %d: %s has %d recorders", seed, r.name, len(r.members))
				}
			}
			if most := 10*time.Second + 2*lostFor + 2*untakenFor; longest > most {
				t.Errorf("seed %d: nobody recorded for %v, want %v at most", seed, longest, most)
			}
			t.Logf("seed %d: %v", seed, longest)
			s.mu.Unlock()
			end()
		})
	}
}

// TestAttacks: agents that show what they like, of hosts that there are not and of those that
// there are, cost the fleet some tries, and neither a room nor its memory.
func TestAttacks(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['room-*']\n"})
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, 1, 3, true)
		for i := range 6 {
			s.open(fmt.Sprint("room-", i), 2)
		}
		lies := func(n int, words string, answers bool) {
			r := s.open(fmt.Sprint("room-lie-", n), 1)
			r.members = []*simRecorder{{identity: "eve", id: fmt.Sprint("PA_eve", n), joined: time.Now(), ghost: !answers,
				says: map[string]string{"sealtape.state": "recording", "sealtape.recording": "eve's", "sealtape.key": words}}}
		}
		for i := range maxHosts + 50 {
			lies(i, fmt.Sprint("nobody ", i), i%2 == 0)
		}
		for i := range 3 { // that these do not answer
			lies(-1-i, s.workers[i].words(), false)
		}
		watchers, end := watches(t, s, 1, p)
		time.Sleep(2 * time.Minute)
		s.mu.Lock()
		s.wound(s.workers[0], true)
		s.mu.Unlock()
		time.Sleep(3 * time.Minute)
		s.mu.Lock()
		for i := range 6 {
			if r := s.rooms[fmt.Sprint("room-", i)]; len(r.members) != 1 || !r.since.IsZero() {
				t.Errorf("%s has %d recorders", r.name, len(r.members))
			}
		}
		if s.thrown > 0 {
			t.Errorf("%d recorders that were alone and well were thrown out", s.thrown)
		}
		watchers[0].mu.Lock()
		if n := len(watchers[0].hosts); n > maxHosts {
			t.Errorf("%d hosts are remembered", n)
		}
		watchers[0].mu.Unlock()
		for i := range maxHosts + 50 {
			delete(s.rooms, fmt.Sprint("room-lie-", i))
		}
		s.mu.Unlock()
		time.Sleep(knownFor + time.Minute)
		watchers[0].mu.Lock()
		if n := len(watchers[0].hosts); n > 3 {
			t.Errorf("%d hosts are remembered of 3", n)
		}
		watchers[0].mu.Unlock()
		end()
	})
}

// Whom is sent for: those that answered, with the fewest rooms; each once; and anybody every
// other time.
func TestNext(t *testing.T) {
	w, err := New(Config{Server: &sim{}, Policies: func() *fleet.Policies { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	now := at(1000)
	for words, h := range map[string]*host{"busy": {answered: now}, "idle": {answered: now}, "stale": {answered: at(900)}, "gone": {answered: now, lost: true, silent: now}} {
		w.hosts[words] = h
	}
	for i := range 3 {
		w.known[fmt.Sprint(i)] = &known{by: 1, recorder: Recorder{Words: "busy"}}
	}
	w.known["on the way"] = &known{sent: sent{to: "idle", at: now.Add(-time.Second)}}
	w.known["in vain"] = &known{sent: sent{to: "idle", at: now.Add(-time.Minute)}}
	if got := w.living(now, "room"); !slices.Equal(got, []string{"idle", "busy", "stale"}) {
		t.Errorf("%q", got)
	}
	if !w.lost(now) || w.lost(now.Add(lostOfLate)) {
		t.Error("it was lost of late, or for ever")
	}
	ending := sent{vain: []string{"idle"}}
	if ending = ending.next(now, []string{"idle", "busy"}, false); ending.to != "busy" {
		t.Errorf("%+v: the host of the last recorder may be ending", ending)
	}
	var s sent
	var to []string
	for range 9 {
		s = s.next(now, []string{"idle", "busy", "stale"}, false)
		to = append(to, s.to)
	}
	if want := []string{"idle", "", "busy", "", "stale", "", "", "idle", ""}; !slices.Equal(to, want) {
		t.Errorf("%q, want %q", to, want)
	}
	if s = s.next(now, []string{"idle"}, true); s.to != "" || s.name("sealtape") != "sealtape" {
		t.Errorf("%+v", s)
	}
	if s = (&sent{}).next(now, []string{"idle"}, false); s.name("sealtape") != fleet.OwnName("sealtape", "idle") {
		t.Errorf("%+v", s)
	}
}
