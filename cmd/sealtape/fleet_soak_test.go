//go:build soak && unix

package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

// voiceEvery: of so many rooms one has somebody who speaks. In the others people are
// silent, which costs the machine next to nothing.
const voiceEvery = 5

// soakRooms is how many there are: 50, or what ROOMS says.
func soakRooms(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("ROOMS"))
	if os.Getenv("ROOMS") == "" {
		n, err = 50, nil
	}
	if err != nil || n < 4 {
		t.Fatalf("ROOMS is %q, want a number from 4 on", os.Getenv("ROOMS"))
	}
	return n
}

// TestSoakFleet: 50 rooms on four workers, and whatever can happen to them, one after the
// other: a host dies; one hangs, and with it a watcher dies; the host that hung goes on; a
// worker drains; and the dead host comes back. Whatever happens, each room is recorded by
// exactly one.
func TestSoakFleet(t *testing.T) {
	n := soakRooms(t)
	inRealTime(t)
	l := newDesk(t)
	hooks := freeAddrs(t, 2)
	var err error
	if l.lk, err = servers.StartLiveKit(l.ctx, servers.LiveKitConfig{Webhooks: []string{"http://" + hooks[0] + "/", "http://" + hooks[1] + "/"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.lk.Kill)
	s := &fleetSoak{fleetLab: fleetLabOf(l)}
	homes := s.homes(4)
	s.bob = s.audience(homes)
	for _, home := range homes {
		s.workers = append(s.workers, s.worker(home, "--max-rooms", fmt.Sprint(n), "--drain", "0"))
	}
	for i := range 2 {
		s.watchers = append(s.watchers, s.watcher("--every", "10s", "--webhook-listen", hooks[i]))
	}
	s.told = func() string { return s.story(nil, append(slices.Clone(s.workers), s.watchers...)...) }
	s.fill(n)
	s.settled("all rooms are recorded")
	s.slowly("the store has something of each room", func() bool { return recordings(s.parts(s.bob), s.rooms, 1) })

	dead, hung, drained := s.workers[0], s.workers[1], s.workers[2]
	lost := dead.ids()
	s.phase("a host dies", dead, func() {
		dead.kill(syscall.SIGKILL)
		s.went(dead)
	})
	s.phase("a host hangs, and a watcher dies", hung, func() {
		hung.kill(syscall.SIGSTOP)
		s.went(hung)
		s.hung = hung
		s.watchers[0].stop(syscall.SIGKILL)
		s.watchers[0] = s.watcher("--every", "10s", "--webhook-listen", hooks[0])
	})
	hung.kill(syscall.SIGCONT)
	s.hung = nil
	s.until("the host that hung has none but rooms of its own", func() bool { return s.recorders() == n })
	s.settled("the host that hung went on")
	s.phase("a worker drains", drained, func() {
		if code := drained.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d\n%s", code, drained.stderr())
		}
	})
	s.workers[0] = s.worker(dead.home, "--max-rooms", fmt.Sprint(n), "--drain", "0")
	s.slowly("the dead host, back, ends what it had begun", func() bool {
		ended := 0
		for _, of := range s.parts(s.bob) {
			for _, p := range of {
				if slices.Contains(lost, p.ID) && p.State != "open" {
					ended++
				}
			}
		}
		return ended == len(lost)
	})
	s.settled("the dead host is back")

	for _, w := range append(s.watchers, s.workers...) {
		if w == drained {
			continue
		}
		if code := w.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d\n%s", code, w.stderr())
		}
	}
	t.Log("all: ", s.settles(s.bob, s.rooms))
	for _, p := range s.phases {
		t.Logf("%s: %s", p.name, s.gap(p.ids))
	}
	t.Logf("the watchers that lived on sent for %d recorders", sentFor(s.watchers...))
}

// A fleetSoak is a fleet with many rooms.
type fleetSoak struct {
	*fleetLab
	bob      string
	rooms    []string
	workers  []*workerProcess
	hung     *workerProcess // its recorders do not count
	watchers []*workerProcess
	phases   []soakPhase
}

// A soakPhase is something that ended recordings.
type soakPhase struct {
	name string
	ids  []string
}

// fill makes the rooms, each with a member.
func (s *fleetSoak) fill(n int) {
	s.t.Helper()
	begun := time.Now()
	all, errs := make([]*members.Member, n), make([]error, n)
	var joining sync.WaitGroup
	doors := make(chan struct{}, 4)
	for i := range n {
		s.rooms = append(s.rooms, s.room(fmt.Sprintf("weekly %d", i)))
		c := members.Config{URL: s.lk.URL, APIKey: s.lk.APIKey, APISecret: s.lk.APISecret, Room: s.rooms[i],
			Identity: "ada", Name: "Ada", Passphrase: labPassphrase}
		if i%voiceEvery == 0 {
			c.Audio = media.Speech(i)
		}
		joining.Go(func() {
			doors <- struct{}{}
			defer func() { <-doors }()
			all[i], errs[i] = members.Join(s.ctx, c)
		})
	}
	joining.Wait()
	s.t.Cleanup(func() {
		for _, m := range all {
			if m == nil {
				continue
			}
			if err := m.Leave(); err != nil {
				s.t.Error(err)
			}
		}
	})
	for i, err := range errs {
		if err != nil {
			s.t.Fatalf("room %d: %v", i, err)
		}
	}
	s.t.Logf("%d rooms have people after %.1f s", n, time.Since(begun).Seconds())
}

// phase has something happen to a worker, and waits until others have taken its rooms.
func (s *fleetSoak) phase(name string, w *workerProcess, happens func()) {
	s.t.Helper()
	ids := w.ids()
	var hit []string // rooms
	count := make(map[string]int)
	for room, of := range s.parts(s.bob) {
		count[room] = len(of)
		if slices.Contains(ids, of[len(of)-1].ID) {
			hit = append(hit, room)
		}
	}
	if len(hit) == 0 {
		s.t.Errorf("%s: it records nothing", name)
	}
	s.phases = append(s.phases, soakPhase{name, ids})
	begun := time.Now()
	happens()
	s.slowly("others go on with "+strconv.Itoa(len(hit))+" rooms", func() bool {
		now := s.parts(s.bob)
		return !slices.ContainsFunc(hit, func(room string) bool { return len(now[room]) <= count[room] })
	})
	s.t.Logf("%s: %d rooms, seen in the store to go on after %.1f s", name, len(hit), time.Since(begun).Seconds())
	s.settled(name)
	for room, of := range s.parts(s.bob) {
		if !slices.Contains(hit, room) && len(of) != count[room] {
			s.t.Errorf("%s: %s has %d recordings, and had %d", name, room, len(of), count[room])
		}
	}
}

// went notes that the host of a worker is gone.
func (s *fleetSoak) went(w *workerProcess) {
	for _, id := range w.ids() {
		s.gone[id] = time.Now()
	}
}

// settled waits until each room has one recorder by the server's word, and says how many
// recorders each worker has.
func (s *fleetSoak) settled(what string) {
	s.t.Helper()
	for _, room := range s.rooms {
		s.recorded(room, 1)
	}
	var each []string
	for _, w := range s.workers {
		each = append(each, strconv.Itoa(s.of(w)))
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	s.t.Logf("%s: recorders of the workers %s; load of the machine %s", what, strings.Join(each, ", "), strings.TrimSpace(string(load)))
	if sum := s.recorders(); sum != len(s.rooms) {
		s.t.Errorf("%s: %d recorders of %d rooms", what, sum, len(s.rooms))
	}
}

// of returns how many recorders a worker has, if it has not ended and does not hang.
func (s *fleetSoak) of(w *workerProcess) int {
	select {
	case <-w.ended:
		return 0
	default:
	}
	if w == s.hung {
		return 0
	}
	return len(w.children())
}

// recorders returns how many all workers have.
func (s *fleetSoak) recorders() (n int) {
	for _, w := range s.workers {
		n += s.of(w)
	}
	return n
}

// gap says how long nobody recorded after recordings with some IDs.
func (s *fleetSoak) gap(ids []string) string {
	var longest, sum time.Duration
	n, open := 0, 0
	for _, of := range s.parts(s.bob) {
		for i, p := range of {
			if !slices.Contains(ids, p.ID) {
				continue
			}
			if i == len(of)-1 {
				open++
				continue
			}
			d := of[i+1].Start.Sub(s.end(p))
			longest, sum = max(longest, d), sum+d
			n++
		}
	}
	return fmt.Sprintf("%d rooms, nobody recorded for %.1f s at most and %.1f s in the mean; %d without a second recording", n, longest.Seconds(), sum.Seconds()/float64(max(n, 1)), open)
}
