//go:build linux

package meeting_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

const (
	voices      = 3  // of a room of the fleet, one of them before a camera
	roomsAtOnce = 4  // that come with each step, and that the plain recorders record
	mostRooms   = 64 // bounds the steps
	roomMemory  = 45 // MiB, at most, that a host pays for a room's recorder
	stepLength  = 10 * time.Second
	fleetTime   = 8 * time.Minute // for the steps
	mostBehind  = time.Second     // that members may be with what they send: else they are what does not fit

	// What records gives way to the server and to the members: so what does not fit any more
	// is a recorder, and shows as a hole in what it records.
	givesWay = "10"
)

// BenchmarkFleet runs once, however large b.N is. It adds rooms to a worker until a
// recording has a hole, or the machine, which also has the server and all members, can take no
// more. Beside it, as many plain recorders as there are rooms in its first step.
func BenchmarkFleet(b *testing.B) {
	if b.N > 1 {
		return
	}
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Minute)
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
	plain := f.plain()
	ours := f.sealed()
	b.Logf("a room, with %d of them: sealtape %.1f %% of a core and %v, plain files %.1f %% and %v", roomsAtOnce, 100*ours.cpu, ours.memory, 100*plain.cpu, plain.memory)
	b.ReportMetric(ours.share, "ours:MiB")
	b.ReportMetric(plain.share, "bare:MiB")
	b.ReportMetric(100*plain.share/ours.share, "%ofbare")
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
	present  []*members.Member
}

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
	f.present = append(f.present, all...)
	return func() {
		f.present = slices.DeleteFunc(f.present, func(m *members.Member) bool { return slices.Contains(all, m) })
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

// behind returns how much later than in real time members send, at worst.
func (f *fleet) behind() (most time.Duration) {
	now := time.Now()
	for _, m := range f.present {
		for _, p := range m.Published() {
			frame := 20 * time.Millisecond
			if p.Source == media.Camera {
				frame = time.Second / 30
			}
			most = max(most, now.Sub(p.From)-time.Duration(p.Frames)*frame)
		}
	}
	return most
}

// plain records the rooms of one step without encryption to files, by a process for each.
func (f *fleet) plain() (c cost) {
	b := f.b
	b.Helper()
	var names []string
	for i := range roomsAtOnce {
		names = append(names, fmt.Sprintf("plain-%d", i))
	}
	defer f.meet(names, "")()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	var pids []int
	var all []*exec.Cmd
	said := make([]bytes.Buffer, len(names))
	for i, room := range names {
		cmd := f.plainRoom(self, room, &said[i])
		all = append(all, cmd)
		pids = append(pids, cmd.Process.Pid)
	}
	ended := make(chan error, 1)
	go func() {
		var errs []error
		for i, cmd := range all {
			if err := cmd.Wait(); err != nil {
				errs = append(errs, fmt.Errorf("%w\n%s", err, &said[i]))
			}
		}
		ended <- errors.Join(errs...)
	}()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for waiting := true; waiting; {
		select {
		case <-look.C:
			if m := measured(b, pids); m.share > c.share { // so none has ended
				c.memory = m
			}
		case err = <-ended:
			waiting = false
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	for _, cmd := range all {
		// Starting and joining is in it, as it is not in ours: it takes some 0.1 s.
		c.cpu += cpu(cmd).Seconds() / stepLength.Seconds() / float64(len(all))
	}
	return c
}

// plainRoom starts the plain recorder of a room.
func (f *fleet) plainRoom(self, room string, said *bytes.Buffer) *exec.Cmd {
	b := f.b
	b.Helper()
	token, err := members.Token(f.server.APIKey, f.server.APISecret, members.Grant{Room: room, Identity: "recorder"})
	if err != nil {
		b.Fatal(err)
	}
	folder := filepath.Join(f.dir, room)
	if err := os.Mkdir(folder, 0o700); err != nil {
		b.Fatal(err)
	}
	in, err := json.Marshal(job{URL: f.server.URL, Token: token, Folder: folder, Tracks: voices + 1, Duration: stepLength})
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(f.ctx, "nice", "-n", givesWay, self)
	cmd.Env = append(environment(f.dir), childVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), said, said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return cmd
}

// A worker is a sealtape worker that runs, with a store.
type worker struct {
	*fleet
	env   []string // of sealtape commands
	store string
	cmd   *exec.Cmd
	log   lockedBuffer
	ended chan struct{}
	err   error // of Wait; read after ended
}

// worker starts one, and returns once the server knows it.
func (f *fleet) worker() *worker {
	b := f.b
	b.Helper()
	policies := filepath.Join(f.dir, "policies")
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
	w := &worker{fleet: f, store: filepath.Join(f.dir, "store"), ended: make(chan struct{}),
		env: append(environment(f.dir), "SEALTAPE_HOME="+filepath.Join(f.dir, "home"))}
	file("policies/weekly.yaml", "rooms: ['*']\nreader: Ada\nstore: "+w.store+"\ne2ee-passphrase-file: "+file("room.key", passphrase)+"\n")
	run(b, f.ctx, f.dir, w.env, f.sealtape, "keys", "init", "--recorder", "--name", "Ada", "--no-passphrase")
	w.cmd = exec.CommandContext(f.ctx, "nice", "-n", givesWay, f.sealtape, "worker", "--policies", policies, "--url", f.server.URL,
		"--api-key", f.server.APIKey, "--api-secret-file", file("api.secret", f.server.APISecret), "--min-space", "0",
		"--max-rooms", strconv.Itoa(2*mostRooms), "--drain", "0", "--metrics-addr", "127.0.0.1:0")
	w.cmd.Env, w.cmd.Dir, w.cmd.Stderr = w.env, f.dir, &w.log
	w.cmd.Cancel = func() error { return w.cmd.Process.Signal(syscall.SIGTERM) }
	if err := w.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() { w.err = w.cmd.Wait(); close(w.ended) }()
	w.says("registered with the server", 1)
	return w
}

// says waits until the worker has said something so many times.
func (w *worker) says(what string, times int) {
	w.b.Helper()
	for strings.Count(w.log.String(), what) < times {
		select {
		case <-time.After(100 * time.Millisecond):
			continue
		case <-w.ended:
		case <-w.ctx.Done():
		}
		w.b.Fatalf("waited in vain for %d times %q\n%s", times, what, &w.log)
	}
}

// sealed adds rooms to a worker until something gives, and returns what one costs when there
// are as many as the plain recorders had.
func (f *fleet) sealed() (c cost) {
	b := f.b
	b.Helper()
	w := f.worker()
	api := members.Dispatcher{URL: f.server.URL, APIKey: f.server.APIKey, APISecret: f.server.APISecret}
	var leaves []func()
	var full []time.Time // from when there were (i+1) * roomsAtOnce rooms
	var steps []string   // a benchmark's log is cut after ten lines
	var last string
	rooms, fit := 0, 0
	end, why := time.Now().Add(fleetTime), ""
	for why == "" {
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
		w.says("what the room sends is kept from now on", rooms)
		full = append(full, time.Now())
		pids := children(b, w.cmd.Process.Pid)
		begun := now(b, pids, w.cmd.Process.Pid, f.server.PID())
		select {
		case <-time.After(stepLength):
		case <-f.ctx.Done():
			b.Fatal("it took too long")
		}
		used := now(b, pids, w.cmd.Process.Pid, f.server.PID()).since(begun)
		room := cost{used.recorders / float64(rooms), measured(b, pids)}
		missing, behind := w.missing(), f.behind()
		last = fmt.Sprintf("%d rooms: each %.1f %% of a core and %v; %v; %.2f s are missing, and members are %.2f s behind", rooms, 100*room.cpu, room.memory, used, missing, behind.Seconds())
		if testing.Verbose() {
			b.Log(last)
		}
		steps = append(steps, fmt.Sprintf("%d: %.1f %%, %.1f MiB", rooms, 100*room.cpu, room.share))
		if c == (cost{}) {
			c = room
		}
		switch {
		case missing > 0:
			why = "a recording has a hole"
		case behind > mostBehind:
			why = "members do not send in real time any more, so it is they and the server that do not fit"
		default:
			fit = rooms
			if rooms >= mostRooms {
				why = "there are enough"
			} else if time.Now().After(end) {
				why = "it took long enough"
			}
		}
	}
	b.Logf("%d rooms fit; with %d, %s", fit, rooms, why)
	b.Logf("each took, with so many rooms: %s", strings.Join(steps, "; "))
	b.Log(last)
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if <-w.ended; w.err != nil {
		b.Errorf("the worker: %v\n%s", w.err, &w.log)
	}
	for _, leave := range leaves {
		leave()
	}
	f.holes(w.env, w.store, rooms, full)
	b.Logf("by their CPU time alone, two cores carry the recorders of %.0f such rooms", 2/c.cpu)
	return c
}

// missing returns the seconds that the worker's recorders have declared missing, since they
// began.
func (w *worker) missing() (sum float64) {
	b, log := w.b, w.log.String()
	b.Helper()
	_, addr, ok := strings.Cut(log, "msg=metrics addr=")
	if !ok {
		b.Fatalf("the worker has no metrics:\n%s", log)
	}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodGet, "http://"+strings.Fields(addr)[0]+"/metrics", nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("metrics: %s %v\n%s", resp.Status, err, text)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "} "); ok && strings.HasPrefix(name, "sealtape_hole_seconds_total{") && !strings.Contains(name, `reason="`+media.HoleStart+`"`) {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += n
		}
	}
	return sum
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
			if h.Reason != media.HoleStart && (first.IsZero() || at.Before(first)) {
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
