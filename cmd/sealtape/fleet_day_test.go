//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// kill sends a signal to a worker and all its recorders, as if it were their host's fate.
func (w *workerProcess) kill(sig syscall.Signal) {
	w.l.t.Helper()
	pids := append([]int{w.cmd.Process.Pid}, w.children()...) // the worker first: it minds its children
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil {
			w.l.t.Fatal(err)
		}
	}
	if sig == syscall.SIGSTOP {
		// Its recorders do not see its end while they are stopped, and stay for ever if the
		// test fails before they go on.
		w.l.t.Cleanup(func() {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGCONT) // it may have ended
			}
		})
	}
}

// freeAddrs returns addresses of this machine that nobody listens on, nor gets by chance.
func freeAddrs(t *testing.T, n int) (all []string) {
	t.Helper()
	ports, err := servers.FreePorts(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports {
		all = append(all, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return all
}

// TestFleetBadDay: at once, one host of a fleet dies, one hangs, and one of two watchers dies.
// What they recorded others go on with, and of what was sealed nothing is lost. When the one
// that hung goes on, its recorders end by themselves what they had: they say nothing in the
// rooms, and leave those who took over there.
func TestFleetBadDay(t *testing.T) {
	inRealTime(t)
	l := newDesk(t)
	l.bin = filepath.Join(l.bin, plain)
	hooks := freeAddrs(t, 2)
	server, err := servers.StartLiveKit(l.ctx, servers.LiveKitConfig{Webhooks: []string{"http://" + hooks[0] + "/", "http://" + hooks[1] + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	l.lk = server
	f := fleetLabOf(l)

	each := 1 // rooms of each host that something happens to
	if sample.All() {
		each = 3
	}
	homes := f.homes(4)
	bob := f.audience(homes)
	var hit []*workerProcess
	var rooms []string
	people := make(map[string]*members.Member) // by room
	for _, home := range homes[:2] {
		hit = append(hit, f.worker(home, "--max-rooms", fmt.Sprint(each), "--drain", "0"))
	}
	for i := range 2 * each {
		room := f.room(fmt.Sprintf("weekly %d", i))
		people[room] = f.speaker(room)
		f.dispatch(room, "weekly")
		rooms = append(rooms, room)
	}
	held := f.hosts(bob, rooms, hit)
	dead, hung := hit[0], hit[1]
	well := []*workerProcess{f.worker(homes[2], "--drain", "0"), f.worker(homes[3], "--drain", "0")}
	watchers := []*workerProcess{f.watcher("--every", "10s", "--webhook-listen", hooks[0]), f.watcher("--every", "10s", "--webhook-listen", hooks[1])}
	for _, w := range watchers {
		f.until("a watcher has compared all rooms", func() bool { code, _ := w.get("/readyz"); return code == 200 })
	}
	f.told = func() string { return f.story(rooms, append(append(hit, well...), watchers...)...) }
	before := f.parts(bob)

	dead.kill(syscall.SIGKILL)
	hung.kill(syscall.SIGSTOP)
	for _, id := range hung.ids() {
		f.gone[id] = time.Now()
	}
	watchers[0].stop(syscall.SIGKILL)
	f.slowly("others go on with all rooms", func() bool { return recordings(f.parts(bob), rooms, 2) })
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	if n := len(well[0].children()) + len(well[1].children()); n != len(rooms) {
		t.Errorf("%d recorders are well, and there are %d rooms", n, len(rooms))
	}

	f.follows(bob, rooms)
	f.goesOn(hung, held[1], people)
	f.must(dead.home, "recover", "--store", f.store)
	for _, w := range append(well, hung, watchers[1]) {
		if code := w.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d\n%s", code, w.stderr())
		}
	}
	all := f.parts(bob)
	for room, of := range before {
		for _, p := range of {
			i := slices.IndexFunc(all[room], func(now part) bool { return now.ID == p.ID })
			if i < 0 || all[room][i].Segments < p.Segments {
				t.Errorf("%s of %s had %d segments, and has lost some", p.ID, room, p.Segments)
			}
		}
	}
	for i, what := range []string{"killed", "hung"} {
		t.Logf("%s: %v", what, f.settles(bob, held[i]))
	}
}

// goesOn has a host that hung go on, whose rooms others have by now, and waits until none of its
// recorders is left. Whoever is in the rooms is to notice nothing of that.
func (f *fleetLab) goesOn(hung *workerProcess, rooms []string, people map[string]*members.Member) {
	f.t.Helper()
	begun := len(hung.ids())
	who := make(map[string][]members.Listed)
	said := make(map[string]int)
	for _, room := range rooms {
		who[room] = f.recorded(room, 1)
		f.until("both recorders have told the room", func() bool { return len(people[room].Messages()) >= 2 })
		said[room] = len(people[room].Messages())
	}
	hung.kill(syscall.SIGCONT)
	f.until("the recorders of the host that hung end", func() bool { return len(hung.children()) == 0 })
	for _, room := range rooms {
		if now := f.recorded(room, 1); !slices.Equal(now, who[room]) {
			f.t.Errorf("%s was recorded by %+v, and then by %+v", room, who[room], now)
		}
		for _, m := range people[room].Messages()[said[room]:] {
			f.t.Errorf("%s said in %s: %s", m.From, room, m.Text)
		}
	}
	if n := len(hung.ids()); n != begun {
		f.t.Errorf("the host that hung began %d recordings more", n-begun)
	}
	if n := strings.Count(hung.stderr(), "a recorder ended"); n != begun || strings.Contains(hung.stderr(), "a recorder crashed") {
		f.t.Errorf("%d of %d recorders ended well:\n%s", n, begun, hung.stderr())
	}
}
