//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

// apiVars are the variables that admit to the API of the lab's server.
func (f *fleetLab) apiVars() []string {
	return []string{"LIVEKIT_URL=" + f.lk.URL, "LIVEKIT_API_KEY=" + f.lk.APIKey, flags.APISecretVar + "=" + f.lk.APISecret}
}

// watcher starts a watcher, and returns when it watches.
func (f *fleetLab) watcher(args ...string) *workerProcess {
	f.t.Helper()
	if !slices.Contains(args, "--every") {
		args = append(args, "--every", "2s")
	}
	args = append([]string{"fleet", "watch", "--policies", f.dir, "--agent", f.agent, "--metrics-addr", "127.0.0.1:0"}, args...)
	p := f.start(f.command(filepath.Join(f.lab.dir, "watcher"), f.apiVars(), args...))
	if !strings.HasPrefix(p.first, "watching over the rooms of") {
		f.t.Fatalf("the watcher says %q", p.first)
	}
	return &workerProcess{p, ""}
}

// fleet runs a command of fleet.
func (f *fleetLab) fleet(home string, args ...string) (out, errs string, code int) {
	f.t.Helper()
	return f.run(home, f.apiVars(), append(append([]string{"fleet"}, args...), "--agent", f.agent)...)
}

// status is what fleet status says of a room.
func (f *fleetLab) status(home, room string) (r fleetRoomJSON) {
	f.t.Helper()
	out, errs, code := f.fleet(home, "status", room, "--policies", f.dir, "--json")
	var all []fleetRoomJSON
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || code != 0 && code != 3 {
		f.t.Fatalf("fleet status: %d %v\n%s%s", code, err, out, errs)
	}
	return all[0]
}

// TestFleetWatch: with nothing but a policy, people who meet are recorded, also when there was
// no worker at first, until somebody says that they are not to be.
func TestFleetWatch(t *testing.T) {
	f := newFleetLab(t)
	room := f.room("weekly")
	f.publisher(room, "ada", "Ada")
	watchers := []*workerProcess{f.watcher(), f.watcher()}
	f.until("a recorder is sent for", func() bool { return sentFor(watchers...) > 0 })
	home := f.homes(1)[0]
	if s := f.status(home, room); !s.Missing || s.Since == nil || s.Policy != "weekly" || len(s.Recorders) != 0 {
		t.Errorf("without a worker: %+v", s)
	}
	if _, text := watchers[0].get("/metrics"); !strings.Contains(text, "sealtape_fleet_rooms_missing 1") || strings.Contains(text, f.mark) {
		t.Error(linesWith(text, "sealtape_fleet"))
	}
	f.worker(home, "--drain", "0")
	f.recorded(room, 1)

	// Told to stop, nobody goes on, whatever the policy says.
	if out, errs, code := f.fleet(home, "stop", room); code != 0 {
		t.Errorf("stop: %d\n%s%s", code, out, errs)
	}
	f.until("nobody records", func() bool { return len(f.recorders(room)) == 0 })
	sent := sentFor(watchers...)
	for _, w := range watchers {
		f.compares(w)
	}
	if sentFor(watchers...) != sent {
		t.Error("somebody was sent for")
	}
	if s := f.status(home, room); !s.Off || s.Wanted || s.Missing {
		t.Errorf("after stop: %+v", s)
	}
	if out, errs, code := f.fleet(home, "start", room, "--policy", "weekly"); code != 0 || !strings.HasPrefix(out, "AD_") {
		t.Errorf("start: %d\n%s%s", code, out, errs)
	}
	f.recorded(room, 1)
	f.ends(room, watchers...)
}

// ends has watchers end, whose logs have neither the API secret nor the name of a room.
func (f *fleetLab) ends(room string, watchers ...*workerProcess) {
	f.t.Helper()
	for _, w := range watchers {
		if strings.Contains(w.stderr(), f.lk.APISecret) || strings.Contains(w.stderr(), room) {
			f.t.Error("the watcher's log has the API secret, or the room's name")
		}
		if code := w.stop(syscall.SIGTERM); code != 0 {
			f.t.Errorf("exit code %d\n%s", code, w.stderr())
		}
	}
}

// TestFleetWatchDies: a worker dies, and all watchers with it. Those that come then, when
// nobody records any more, know what was recorded, and another records the room once, though
// two look after it. With all cases, the whole host dies: its members are in the room for
// 20 s more, by the server's word.
func TestFleetWatchDies(t *testing.T) {
	f := newFleetLab(t)
	room := f.room("weekly")
	f.publisher(room, "ada", "Ada")
	homes := f.homes(2)
	first := f.worker(homes[0], "--drain", "0")
	f.dispatch(room, "weekly")
	watchers := []*workerProcess{f.watcher(), f.watcher()}
	f.recorded(room, 1)
	f.until("a recording", func() bool { return len(first.ids()) == 1 })
	f.segments(first.home, f.store, first.ids()[0], 1)
	for _, w := range watchers {
		f.until("a watcher has compared all rooms", func() bool { code, _ := w.get("/readyz"); return code == 200 })
	}

	// The worker dies, and the watchers with it. Others begin to watch when nothing is left of it.
	f.until("it is noted what is recorded", func() bool {
		notes, err := f.api.Dispatched(f.ctx, room, f.agent+"-recording")
		return err == nil && slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, first.ids()[0]) })
	})
	second := f.worker(homes[1], "--drain", "0")
	for _, w := range watchers {
		w.stop(syscall.SIGKILL)
	}
	dies := []int{first.cmd.Process.Pid}
	if sample.All() {
		dies = append(first.children(), dies...)
	}
	for _, pid := range dies {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	f.until("nobody records", func() bool { return len(f.recorders(room)) == 0 })
	watchers = []*workerProcess{f.watcher(), f.watcher()}
	f.until("another records", func() bool { return len(second.ids()) > 0 })
	f.recorded(room, 1)
	f.segments(second.home, f.store, second.ids()[0], 1)
	f.slowly("the second recording names the first", func() bool {
		return slices.ContainsFunc(f.listing(homes[1]), func(r listedRecording) bool {
			return r.ID == second.ids()[0] && r.Follows == first.ids()[0]
		})
	})
	f.ends(room, watchers...)
}

// sentFor returns how often watchers sent for a recorder.
func sentFor(all ...*workerProcess) (n int) {
	for _, w := range all {
		n += strings.Count(w.stderr(), "a recorder was sent for")
	}
	return n
}

// TestFleetHangs: a worker that hangs is offered rooms, and drops them: each of them is
// recorded by another all the same, once, and also when the worker goes on.
func TestFleetHangs(t *testing.T) {
	f := newFleetLab(t)
	homes := f.homes(2)
	hangs, well := f.worker(homes[0], "--drain", "0"), f.worker(homes[1], "--drain", "1h")
	rooms := []string{f.room("weekly")}
	if sample.All() {
		rooms = append(rooms, f.room("monthly"), f.room("yearly"))
	}
	hangs.signal(syscall.SIGSTOP)
	for _, room := range rooms {
		f.publisher(room, "ada", "Ada")
	}
	begun := time.Now()
	watcher := f.watcher()
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	t.Logf("all were recorded after %.1f s, by %d dispatches for %d rooms", time.Since(begun).Seconds(), sentFor(watcher), len(rooms))
	hangs.signal(syscall.SIGCONT)
	f.compares(watcher)
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	if n := len(well.ids()); n != len(rooms) {
		t.Errorf("the one that is well made %d recordings of %d rooms", n, len(rooms))
	}
	well.signal(syscall.SIGTERM)
	well.says("may end by itself meanwhile")                   // and at a second signal it is ended
	for _, p := range []*workerProcess{hangs, well, watcher} { // whose recorders write to what is removed
		if code := p.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d\n%s", code, p.stderr())
		}
	}
}

// compares waits until a watcher has begun to compare all rooms again, and has ended that.
func (f *fleetLab) compares(w *workerProcess) {
	f.t.Helper()
	last, turns := -1.0, 0
	f.until("a watcher has compared all rooms twice", func() bool {
		_, text := w.get("/metrics")
		at, err := metricOf(text, "sealtape_fleet_compared_time_seconds")
		if err != nil {
			f.t.Fatal(err)
		}
		if at != last {
			last = at
			turns++
		}
		return turns > 3
	})
}

// TestFleetOrders: an operator pauses and ends a recording from outside of a room with
// end-to-end encryption; who is none cannot; and what it does then is said, signed.
func TestFleetOrders(t *testing.T) {
	f := newFleetLab(t)
	homes := f.homes(1)
	ops := f.operator("Ops", homes[0], true)
	eve := f.operator("Eve", homes[0], false)
	f.policy("weekly", fmt.Sprintf("rooms: [\"* %s\"]\nreader: Fleet\noperator: Ops\nstore: %s\ne2ee-passphrase-file: %s\nsegment: 1s\ngrace: never\nstart: asked\n",
		f.mark, f.store, f.file("room.txt", labPassphrase)))
	w := f.worker(homes[0], "--drain", "0")
	room := f.room("weekly")
	f.publisher(room, "ada", "Ada")
	if _, errs, code := f.fleet(ops, "pause", room); code == 0 || !strings.Contains(errs, "nobody records") {
		t.Errorf("with no recorder: %d %s", code, errs)
	}
	if out, errs, code := f.fleet(ops, "start", room, "--policy", "weekly"); code != 0 {
		t.Fatalf("start: %d\n%s%s", code, out, errs)
	}
	f.recorded(room, 1)
	f.until("a recording", func() bool { return len(w.ids()) == 1 })

	s := f.status(ops, room)
	if len(s.Recorders) != 1 || !s.Recorders[0].Answered || !s.Recorders[0].Verified || s.Recorders[0].Name != "Fleet" || s.Recorders[0].Recording != w.ids()[0] || s.Recorders[0].Backlog == nil {
		t.Errorf("%+v", s)
	}
	for _, o := range []string{"pause", "resume"} {
		if out, errs, code := f.fleet(eve, o, room); code == 0 || !strings.Contains(errs, "takes no orders from you") {
			t.Errorf("%s by Eve: %d\n%s%s", o, code, out, errs)
		}
	}
	if out, errs, code := f.fleet(ops, "pause", room); code != 0 || out != "Fleet: paused\n" {
		t.Errorf("pause: %d\n%s%s", code, out, errs)
	}
	f.until("it shows the pause", func() bool { r := f.recorders(room); return len(r) == 1 && r[0].State == "paused" })
	if out, errs, code := f.fleet(ops, "resume", room); code != 0 || out != "Fleet: recording\n" {
		t.Errorf("resume: %d\n%s%s", code, out, errs)
	}
	if line := linesWith(w.stderr(), "the recording is paused"); !strings.Contains(line, "why=order") {
		t.Errorf("the log says %q", line)
	}
	if out, errs, code := f.fleet(ops, "stop", room); code != 0 {
		t.Errorf("stop: %d\n%s%s", code, out, errs)
	}
	w.says("a recorder ended")
	f.verifies(w.home, f.store, w.ids()[0])
}

// operator makes the home of somebody who has pinned the fleet of a recorder's home, and,
// where known, has the recorder pin their card.
func (f *fleetLab) operator(name, recorder string, known bool) string {
	f.t.Helper()
	r, err := keys.OpenHome(recorder)
	if err != nil {
		f.t.Fatal(err)
	}
	fleet, err := r.Person("Fleet")
	if err != nil {
		f.t.Fatal(err)
	}
	fleet = slices.DeleteFunc(fleet, func(c keys.Card) bool { return c.Device != "" })
	home, card := f.personAs(keys.Description{Name: name}, fleet...)
	if known {
		if err := r.Add(card); err != nil {
			f.t.Fatal(err)
		}
	}
	return home
}
