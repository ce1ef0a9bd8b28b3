//go:build linux

package meeting_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

const (
	voices      = 3  // of a room of the fleet, one of them before a camera
	roomsAtOnce = 4  // that come with each step, and that the plain recorders record
	mostRooms   = 32 // bounds the steps
	roomMemory  = 45 // MiB, at most, of a room's recorder
	stepLength  = 10 * time.Second
	fleetTime   = 4 * time.Minute // for all of it, once all is built
)

// BenchmarkFleet runs once, however large b.N is. It adds rooms to a worker until the
// machine, which also has the server and all members, is busy or a recording has a hole. Beside
// it, as many plain recorders as there are rooms in its first step.
func BenchmarkFleet(b *testing.B) {
	if b.N > 1 {
		return
	}
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	f := &fleet{b: b, ctx: ctx, dir: b.TempDir()}
	f.sealtape = filepath.Join(f.dir, "sealtape")
	run(b, ctx, f.dir, nil, "go", "build", "-o", f.sealtape, "github.com/sealtape/sealtape/cmd/sealtape")
	camera := filepath.Join(f.dir, "camera.ivf")
	run(b, ctx, f.dir, nil, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=10",
		"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-lag-in-frames", "0",
		"-b:v", "1M", "-minrate", "1M", "-maxrate", "1M", "-g", "60", camera)
	var err error
	if f.video, err = os.ReadFile(camera); err != nil {
		b.Fatal(err)
	}
	if f.server, err = servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: func(line string) { b.Log(line) }}); err != nil {
		b.Fatal(err)
	}
	defer f.server.Kill()
	f.until = time.Now().Add(fleetTime)
	plain := f.plain()
	ours := f.sealed()
	b.Logf("a room: sealtape %.1f %% of a core and %.1f MiB, plain files %.1f %% and %.1f MiB", 100*ours.cpu, ours.memory, 100*plain.cpu, plain.memory)
	b.ReportMetric(ours.memory, "ours:MiB")
	b.ReportMetric(plain.memory, "bare:MiB")
	b.ReportMetric(100*plain.memory/ours.memory, "%ofbare")
	b.ReportMetric(roomMemory, "max")
}

// A fleet is a worker, and rooms for it.
type fleet struct {
	b        *testing.B
	ctx      context.Context
	dir      string
	sealtape string
	video    []byte
	server   *servers.LiveKit
	until    time.Time
}

// A cost is that of recording one room: cores, and MiB of memory at most.
type cost struct{ cpu, memory float64 }

// meet fills some rooms. The returned function empties them.
func (f *fleet) meet(names []string, passphrase string) (leave func()) {
	f.b.Helper()
	all := make([]*members.Member, len(names)*voices)
	errs := make([]error, len(all))
	var joining sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range all {
		joining.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c := members.Config{URL: f.server.URL, APIKey: f.server.APIKey, APISecret: f.server.APISecret, Room: names[i/voices],
				Identity: fmt.Sprintf("member-%d", i%voices), Passphrase: passphrase, Audio: fixtures.Speech(i)}
			if i%voices == 0 {
				c.Video = f.video
			}
			all[i], errs[i] = members.Join(f.ctx, c)
		})
	}
	joining.Wait()
	if err := errors.Join(errs...); err != nil {
		f.b.Fatal(err)
	}
	return func() {
		var leaving sync.WaitGroup
		for i, m := range all {
			leaving.Go(func() { errs[i] = m.Leave() })
		}
		leaving.Wait()
		if err := errors.Join(errs...); err != nil {
			f.b.Error(err)
		}
	}
}

// plain records the rooms of one step without encryption to files, by a process for each.
func (f *fleet) plain() cost {
	f.b.Helper()
	var names []string
	for i := range roomsAtOnce {
		names = append(names, fmt.Sprintf("plain-%d", i))
	}
	defer f.meet(names, "")()
	self, err := os.Executable()
	if err != nil {
		f.b.Fatal(err)
	}
	costs, errs := make([]cost, len(names)), make([]error, len(names))
	var recording sync.WaitGroup
	for i, room := range names {
		recording.Go(func() { costs[i], errs[i] = f.plainRoom(self, room) })
	}
	recording.Wait()
	if err := errors.Join(errs...); err != nil {
		f.b.Fatal(err)
	}
	return mean(costs)
}

func (f *fleet) plainRoom(self, room string) (cost, error) {
	token, err := members.Token(f.server.APIKey, f.server.APISecret, members.Grant{Room: room, Identity: "recorder"})
	if err != nil {
		return cost{}, err
	}
	folder := filepath.Join(f.dir, room)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return cost{}, err
	}
	in, err := json.Marshal(job{URL: f.server.URL, Token: token, Folder: folder, Tracks: voices + 1, Duration: stepLength})
	if err != nil {
		return cost{}, err
	}
	cmd := exec.CommandContext(f.ctx, self)
	cmd.Env = append(environment(f.dir), childVar+"=1")
	cmd.Stdin = bytes.NewReader(in)
	if out, err := cmd.CombinedOutput(); err != nil {
		return cost{}, fmt.Errorf("%w\n%s", err, out)
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return cost{}, errors.New("the system does not say what a process used")
	}
	// Starting and joining is in it, as it is not in ours: it takes some 0.1 s.
	return cost{cpu(cmd).Seconds() / stepLength.Seconds(), float64(used.Maxrss) / 1024}, nil
}

// sealed adds rooms to a worker until something gives, and returns what one costs when there
// are as many as the plain recorders had.
func (f *fleet) sealed() (c cost) {
	b := f.b
	b.Helper()
	store, policies := filepath.Join(f.dir, "store"), filepath.Join(f.dir, "policies")
	if err := os.Mkdir(policies, 0o700); err != nil {
		b.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(f.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	file("policies/weekly.yaml", "rooms: ['*']\nreader: Ada\nstore: "+store+"\ne2ee-passphrase-file: "+file("room.key", passphrase)+"\n")
	env := append(environment(f.dir), "SEALTAPE_HOME="+filepath.Join(f.dir, "home"))
	run(b, f.ctx, f.dir, env, f.sealtape, "keys", "init", "--recorder", "--name", "Ada", "--no-passphrase")
	log := new(lockedBuffer)
	worker := exec.CommandContext(f.ctx, f.sealtape, "worker", "--policies", policies, "--url", f.server.URL, "--api-key", f.server.APIKey,
		"--api-secret-file", file("api.secret", f.server.APISecret), "--min-space", "0", "--max-rooms", strconv.Itoa(2*mostRooms), "--drain", "0")
	worker.Env, worker.Dir, worker.Stderr = env, f.dir, log
	worker.Cancel = func() error { return worker.Process.Signal(syscall.SIGTERM) }
	if err := worker.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	var werr error // of Wait; read after ended
	go func() { werr = worker.Wait(); close(ended) }()
	api := members.Dispatcher{URL: f.server.URL, APIKey: f.server.APIKey, APISecret: f.server.APISecret}
	f.wait("the worker registered", func() bool { return strings.Contains(log.String(), "registered with the server") }, ended, log)

	var leaves []func()
	var full []time.Time // from when there were (i+1) * roomsAtOnce rooms
	rooms := 0
	busy := 0
	for rooms < mostRooms && time.Now().Before(f.until) && busy < 2 {
		var names []string
		for range roomsAtOnce {
			names = append(names, fmt.Sprintf("sealed-%d", rooms))
			rooms++
		}
		leaves = append(leaves, f.meet(names, passphrase))
		for _, room := range names {
			if _, err := api.Dispatch(f.ctx, room, "sealtape", `{"policy":"weekly"}`); err != nil {
				b.Fatal(err)
			}
		}
		f.wait("all rooms are recorded", func() bool { return strings.Count(log.String(), "msg=recording ") == rooms }, ended, log)
		full = append(full, time.Now())
		pids := children(b, worker.Process.Pid)
		before, idle := ticks(pids), idleTicks(b)
		begun := time.Now()
		select {
		case <-time.After(stepLength):
		case <-f.ctx.Done():
			b.Fatal("it took too long")
		}
		took := time.Since(begun).Seconds()
		perRoom := cost{(ticks(pids) - before) / took / float64(rooms), memory(b, pids)}
		free := (idleTicks(b) - idle) / took
		b.Logf("%d rooms: %.1f %% of a core and %.1f MiB each; %.0f %% of a core were idle", rooms, 100*perRoom.cpu, perRoom.memory, 100*free)
		if c == (cost{}) {
			c = perRoom
		}
		if free < 0.05 {
			busy++
		}
	}
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if <-ended; werr != nil {
		b.Errorf("the worker: %v\n%s", werr, log)
	}
	for _, leave := range leaves {
		leave()
	}
	f.holes(env, store, rooms, full)
	b.Logf("by their CPU time alone, two cores carry the recorders of %.0f such rooms", 2/c.cpu)
	return c
}

// holes says how many rooms there were when the first of them had a hole.
func (f *fleet) holes(env []string, store string, rooms int, full []time.Time) {
	b := f.b
	b.Helper()
	entries, err := os.ReadDir(store)
	if err != nil {
		b.Fatal(err)
	}
	var first time.Time
	var what string
	n := 0
	for _, e := range entries {
		var info struct {
			Start  time.Time
			Tracks []struct{ Source string }
			Holes  []struct {
				Label, Reason string
				From, To      float64
			}
		}
		if err := json.Unmarshal(run(b, f.ctx, f.dir, env, f.sealtape, "info", "--json", "--store", store, e.Name()), &info); err != nil {
			b.Fatal(err)
		}
		n++
		if len(info.Tracks) != voices+1 {
			b.Errorf("%s has %d tracks", e.Name(), len(info.Tracks))
		}
		for _, h := range info.Holes {
			at := info.Start.Add(time.Duration(h.From * float64(time.Second)))
			if h.Reason != "start" && (first.IsZero() || at.Before(first)) {
				first, what = at, fmt.Sprintf("%.2f s of %s: %s", h.To-h.From, h.Label, h.Reason)
			}
		}
	}
	if n != rooms {
		b.Errorf("%d recordings of %d rooms", n, rooms)
	}
	if first.IsZero() {
		b.Logf("%d rooms, and no hole", rooms)
		return
	}
	had := 0
	for i, at := range full {
		if first.After(at) {
			had = (i + 1) * roomsAtOnce
		}
	}
	b.Logf("the first hole with %d rooms or some on the way to %d: %s", had, had+roomsAtOnce, what)
}

// wait waits for something to be so.
func (f *fleet) wait(what string, ok func() bool, ended <-chan struct{}, log fmt.Stringer) {
	f.b.Helper()
	for !ok() {
		select {
		case <-time.After(100 * time.Millisecond):
			continue
		case <-ended:
		case <-f.ctx.Done():
		}
		f.b.Fatalf("waited in vain: %s\n%s", what, log)
	}
}

// lockedBuffer takes what a process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func mean(all []cost) (m cost) {
	for _, c := range all {
		m.cpu += c.cpu / float64(len(all))
		m.memory = max(m.memory, c.memory)
	}
	return m
}

// children returns the processes of a worker's recorders.
func children(b *testing.B, pid int) (pids []int) {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(tasks) == 0 {
		b.Fatalf("no children of %d: %v", pid, err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that ended
		}
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

const hertz = 100 // of the kernel's counts, on all Linux that Go runs on

// ticks returns the CPU seconds of processes so far.
func ticks(pids []int) (s float64) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 12 {
			for _, one := range f[11:13] { // utime, stime
				n, _ := strconv.ParseFloat(one, 64)
				s += n / hertz
			}
		}
	}
	return s
}

// idleTicks returns the seconds that the machine's processors were idle so far.
func idleTicks(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(strings.SplitN(string(text), "\n", 2)[0])
	n, err := strconv.ParseFloat(f[4], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n / hertz
}

// memory returns the MiB that the largest of some processes has in memory now.
func memory(b *testing.B, pids []int) (most float64) {
	b.Helper()
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			b.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "VmRSS:")
		n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		most = max(most, n/1024)
	}
	return most
}
