//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// ownNetworkVar is set where a test runs in a network of its own.
const ownNetworkVar = "SEALTAPE_TEST_OWN_NETWORK"

// inOwnNetwork runs the test in a process that has a network of its own, and in that the
// rights of root. It returns true there; where it returns false that has ended.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	inRealTime(t)
	if os.Getenv(ownNetworkVar) != "" {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return true
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--net", "--", os.Args[0],
		"-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=6m")
	cmd.Env = append(os.Environ(), ownNetworkVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "    ") { // what the test logs
			t.Log(strings.TrimSpace(line))
		}
	}
	return false
}

// A cable goes from the network of a test to another, which has processes of its own.
type cable struct {
	t    *testing.T
	Here string // the address of this end
	pid  int    // of a process that keeps the other network
}

// newCable makes another network, and a cable to it.
func newCable(t *testing.T) *cable {
	t.Helper()
	keeps := exec.Command("unshare", "--net", "--", "sleep", "infinity")
	keeps.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := keeps.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = keeps.Process.Kill()
		_ = keeps.Wait() // it was killed
	})
	w := &cable{t, "10.77.0.1", keeps.Process.Pid}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for its := own; its == own; { // until unshare has done so
		if its, err = os.Readlink(fmt.Sprintf("/proc/%d/ns/net", w.pid)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.must("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", fmt.Sprint(w.pid))
	w.must("ip", "addr", "add", w.Here+"/24", "dev", "here")
	w.must("ip", "link", "set", "here", "up")
	w.must(w.there("ip", "link", "set", "lo", "up")...)
	w.must(w.there("ip", "addr", "add", "10.77.0.2/24", "dev", "there")...)
	w.must(w.there("ip", "link", "set", "there", "up")...)
	return w
}

// there returns the command that runs another in the other network, as the same process.
func (w *cable) there(args ...string) []string {
	return append([]string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", w.pid), "--"}, args...)
}

func (w *cable) must(args ...string) {
	w.t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		w.t.Fatalf("%q: %v: %s", args, err, out)
	}
}

// drop loses all packets of the cable, both ways and without a word, or does not any more.
func (w *cable) drop(on bool) {
	w.t.Helper()
	do := "delete table inet cut"
	if on {
		do = `table inet cut { chain in { type filter hook input priority 0; iifname { "here", "there" } drop; }; }`
	}
	w.must("nft", do)
	w.must(w.there("nft", do)...)
}

// TestFleetDropped: the packets of a host are dropped. Others go on with its rooms, though the
// server believes in its worker for long, and offers it every other room. When the packets
// flow again it ends what it recorded, which lacks nothing that it had, leaves the rooms to the
// others, and takes rooms again.
func TestFleetDropped(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	l := newDesk(t)
	w := newCable(t)
	server, err := servers.StartLiveKit(l.ctx, servers.LiveKitConfig{Host: w.Here})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	l.lk = server
	f := fleetLabOf(l)
	n := 2
	if sample.All() {
		n = 4
	}
	homes := f.homes(2)
	bob := f.audience(homes)
	// It has places left, so that it is offered rooms when it cannot hear of them.
	lost := f.workerIn(w, homes[0], "--max-rooms", fmt.Sprint(2*n), "--drain", "0")
	var rooms []string
	for i := range n {
		rooms = append(rooms, f.room(fmt.Sprintf("weekly %d", i)))
		f.speaker(rooms[i])
		f.dispatch(rooms[i], "weekly")
	}
	f.hosts(bob, rooms, []*workerProcess{lost})
	well := f.worker(homes[1], "--drain", "0")
	watcher := f.watcher("--every", "10s")
	f.told = func() string { return f.story(rooms, lost, well, watcher) }
	f.until("a watcher has compared all rooms", func() bool { code, _ := watcher.get("/readyz"); return code == 200 })
	before := f.parts(bob)

	w.drop(true)
	cut := time.Now()
	last := 0
	f.until("the other goes on with all rooms", func() bool {
		if n := len(well.ids()); n > last {
			last = n
			t.Logf("%.1f s after the cut: %d of %d rooms, by %d dispatches", time.Since(cut).Seconds(), n, len(rooms), sentFor(watcher))
		}
		return len(well.ids()) == len(rooms)
	})
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	w.drop(false)
	f.until("the host's recorders end", func() bool { return len(lost.children()) == 0 })
	f.until("its worker has registered again", func() bool { return strings.Count(lost.stderr(), "registered with the server") > 3 }) // by both of its names
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	f.follows(bob, rooms)
	if n := len(well.ids()); n != len(rooms) || len(lost.ids()) != len(rooms) {
		t.Errorf("%d and %d recordings of %d rooms", len(lost.ids()), n, len(rooms))
	}
	for _, p := range []*workerProcess{lost, well, watcher} {
		if code := p.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d\n%s", code, p.stderr())
		}
	}
	all := f.parts(bob)
	for room, of := range before {
		for _, p := range of {
			i := slices.IndexFunc(all[room], func(now part) bool { return now.ID == p.ID })
			if i < 0 || all[room][i].Segments < p.Segments || all[room][i].State != "closed" {
				t.Errorf("%+v of %s is %+v now", p, room, all[room])
			}
		}
	}
	t.Log(f.settles(bob, rooms))
}

// workerIn starts a worker at the other end of a cable.
func (f *fleetLab) workerIn(w *cable, home string, args ...string) *workerProcess {
	f.t.Helper()
	cmd := f.workerCommand(home, args...)
	cmd.Args = w.there(append([]string{cmd.Path}, cmd.Args[1:]...)...)
	var err error
	if cmd.Path, err = exec.LookPath(cmd.Args[0]); err != nil {
		f.t.Fatal(err)
	}
	return f.registered(cmd, home)
}
