//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/testdata/members"
)

// A workerProcess is a sealtape worker that runs.
type workerProcess struct {
	*process
	home string
}

// A fleetLab is a lab with workers for it, under a name that no other test dispatches.
type fleetLab struct {
	*lab
	api   members.Dispatcher
	agent string
	store string
	dir   string               // of policies
	gone  map[string]time.Time // by recording: when its host died, or hung
}

func newFleetLab(t *testing.T) *fleetLab {
	t.Helper()
	return fleetLabOf(newLab(t))
}

// fleetLabOf returns one with the server of a lab.
func fleetLabOf(l *lab) *fleetLab {
	t := l.t
	t.Helper()
	f := &fleetLab{lab: l, api: members.Dispatcher{URL: l.lk.URL, APIKey: l.lk.APIKey, APISecret: l.lk.APISecret},
		agent: "sealtape-" + l.mark, store: filepath.Join(l.dir, "store"), dir: filepath.Join(l.dir, "policies"), gone: make(map[string]time.Time)}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f.policy("weekly", fmt.Sprintf("rooms: [\"* %s\"]\nreader: Fleet\nstore: %s\ne2ee-passphrase-file: %s\nsegment: 1s\ngrace: never\n",
		l.mark, f.store, f.file("room.txt", labPassphrase)))
	return f
}

// file writes a file that nobody else can read, and returns its path.
func (f *fleetLab) file(name, text string) string {
	f.t.Helper()
	path := filepath.Join(f.lab.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

func (f *fleetLab) policy(name, text string) {
	f.t.Helper()
	f.file(filepath.Join("policies", name+".yaml"), text)
}

// homes makes homes of n recorders of one fleet, whose key approved their cards.
func (f *fleetLab) homes(n int) (homes []string) {
	f.t.Helper()
	key, err := keys.GenerateAs(keys.Description{Name: "Fleet", Role: keys.Recorder})
	if err != nil {
		f.t.Fatal(err)
	}
	fleet, err := key.Card()
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range n {
		home := filepath.Join(f.lab.dir, fmt.Sprintf("host-%d", i))
		h, err := keys.OpenHome(home)
		if err != nil {
			f.t.Fatal(err)
		}
		id, err := h.InitAs(keys.Description{Name: "Fleet", Device: fmt.Sprintf("w%d", i), Role: keys.Recorder}, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		card, err := id.Card()
		if err == nil {
			card, err = key.Approve(card)
		}
		if err == nil {
			err = h.Add(card)
		}
		if err == nil {
			err = h.Add(fleet)
		}
		if err != nil {
			f.t.Fatal(err)
		}
		homes = append(homes, home)
	}
	return homes
}

// workers starts n workers of one fleet.
func (f *fleetLab) workers(n int, args ...string) (all []*workerProcess) {
	f.t.Helper()
	for _, home := range f.homes(n) {
		all = append(all, f.worker(home, args...))
	}
	return all
}

// worker starts one, and returns when it has registered.
func (f *fleetLab) worker(home string, args ...string) *workerProcess {
	f.t.Helper()
	return f.registered(f.workerCommand(home, args...), home)
}

func (f *fleetLab) workerCommand(home string, args ...string) *exec.Cmd {
	f.t.Helper()
	vars := []string{"LIVEKIT_URL=" + f.lk.URL}
	if !slices.Contains(args, "--agent-token-file") {
		vars = append(vars, "LIVEKIT_API_KEY="+f.lk.APIKey, flags.APISecretVar+"="+f.lk.APISecret)
	}
	args = append([]string{"worker", "--policies", f.dir, "--agent", f.agent, "--metrics-addr", "127.0.0.1:0", "--min-space", "0"}, args...)
	return f.command(home, vars, args...)
}

// registered starts a worker, and returns when it has registered.
func (f *fleetLab) registered(cmd *exec.Cmd, home string) *workerProcess {
	f.t.Helper()
	p := f.start(cmd)
	if p.first != "registered as "+f.agent {
		f.t.Fatalf("the worker says %q", p.first)
	}
	w := &workerProcess{p, home}
	f.t.Cleanup(w.kills)
	return w
}

// kills ends a worker and its recorders, if any still run, and returns when they write no
// more to folders that are to be removed. The end of the test may have ended the worker
// already: so its recorders are found by their home.
func (w *workerProcess) kills() {
	_ = w.cmd.Process.Kill()
	<-w.ended
	own := []byte("SEALTAPE_HOME=" + w.home + "\x00")
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		dir := filepath.Dir(path)
		for env, err := os.ReadFile(path); err == nil && bytes.Contains(env, own); _, err = os.Readlink(filepath.Join(dir, "exe")) {
			if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// own returns the name by which a worker alone is dispatched, once it has registered under it.
func (f *fleetLab) own(w *workerProcess) string {
	f.t.Helper()
	h, err := keys.OpenHome(w.home)
	if err != nil {
		f.t.Fatal(err)
	}
	id, err := h.Load(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	card, err := id.Card()
	if err != nil {
		f.t.Fatal(err)
	}
	f.until("a worker has registered under a name of its own", func() bool {
		_, text := w.get("/metrics")
		n, err := metricOf(text, "sealtape_worker_registered_own")
		return err == nil && n == 1
	})
	return fleet.OwnName(f.agent, card.Fingerprint().String())
}

// dispatch asks for a recorder under a policy.
func (f *fleetLab) dispatch(room, policy string) (id string) {
	f.t.Helper()
	id, err := f.api.Dispatch(f.ctx, room, f.agent, `{"policy":"`+policy+`"}`)
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

// recorders returns those whom the server lists in a room.
func (f *fleetLab) recorders(room string) (all []members.Listed) {
	for _, m := range f.api.Members(f.ctx, room) {
		if m.State != "" {
			all = append(all, m)
		}
	}
	return all
}

// recorded waits until so many recorders are in the room and record it.
func (f *fleetLab) recorded(room string, n int) (all []members.Listed) {
	f.t.Helper()
	f.until(fmt.Sprintf("%d record %s", n, room), func() bool {
		all = f.recorders(room)
		return len(all) == n && !slices.ContainsFunc(all, func(m members.Listed) bool { return m.State != "recording" })
	})
	return all
}

// says waits until the worker's log has a text, and returns the line.
func (w *workerProcess) says(text string) (line string) {
	w.l.t.Helper()
	w.l.until("a worker says "+text, func() bool {
		line = linesWith(w.stderr(), text)
		return line != ""
	})
	return line
}

// ids are those of the recordings that the worker began.
func (w *workerProcess) ids() (ids []string) {
	for line := range strings.Lines(w.stderr()) {
		if _, id, ok := strings.Cut(line, "msg=recording "); ok {
			if _, id, ok = strings.Cut(id, " id="); ok {
				ids = append(ids, strings.TrimSpace(id))
			}
		}
	}
	return ids
}

// get asks the worker's metrics address.
func (w *workerProcess) get(path string) (int, string) {
	return (&recorderProcess{process: w.process}).get(path)
}

// children returns the processes of a worker's recorders.
func (w *workerProcess) children() (pids []int) {
	w.l.t.Helper()
	// Every thread has its own.
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", w.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		w.l.t.Fatalf("no children of %d: %v", w.cmd.Process.Pid, err)
	}
	var out []byte
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if err == nil {
			out = append(append(out, b...), ' ')
		}
	}
	for _, word := range strings.Fields(string(out)) {
		var pid int
		if _, err := fmt.Sscan(word, &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A listedRecording is one of the store, as list says.
type listedRecording struct {
	ID, State, Follows string
	Segments           int
}

// listing is what list says of the store.
func (f *fleetLab) listing(home string) (all []listedRecording) {
	f.t.Helper()
	out, errs, code := f.run(home, nil, "list", "--store", f.store, "--json")
	if code != 0 {
		f.t.Fatalf("list: %d\n%s%s", code, out, errs)
	}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		f.t.Fatal(err)
	}
	return all
}
