//go:build unix

package worker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/agent"
)

// A recorder gets what it needs, and secrets by pipes only; the worker shows how it goes.
func TestRecords(t *testing.T) {
	b := newBench(t, time.Minute, nil)
	b.job("AJ_1", "board may", "records")
	b.says("msg=recording")
	b.says(`msg="it works"`)
	b.says("for=3500000000")
	b.says("panic: no JSON")
	if n := len(b.said.String()); n > 8<<10 {
		t.Errorf("a long line makes %d bytes of the log", n)
	}
	g := b.recorders()[0]
	for name, want := range map[string]string{"room": "board may", "others": "yield", "api-key": "a-key", "url": "ws://127.0.0.1:1", "title": "records"} {
		if fmt.Sprint(g.Config[name]) != want {
			t.Errorf("%s is %v, want %s", name, g.Config[name], want)
		}
	}
	if fmt.Sprint(g.Config["reader"]) != "[Bob]" || g.Secrets != `{"LIVEKIT_TOKEN":"the-room-token"}` {
		t.Errorf("%+v", g)
	}
	for _, secret := range []string{"the-room-token", "board may", "Bob"} {
		if strings.Contains(strings.Join(append(g.Args, g.Env...), "\n"), secret) {
			t.Errorf("%s is in %q %q", secret, g.Args, g.Env)
		}
	}
	if strings.Contains(b.said.String(), "board may") {
		t.Error("the log names the room")
	}
	if len(g.Env) != 1 {
		t.Errorf("its environment is %q", g.Env)
	}
	h := b.Handler()
	label := b.table.Label("board may")
	b.until("its status", func() bool {
		return strings.Contains(ask(h, "/metrics"), `sealtape_participants{room="`+label+`"} 3`)
	})
	text := ask(h, "/metrics")
	for _, want := range []string{"sealtape_worker_rooms 1\n", "sealtape_worker_rooms_max 4\n", "sealtape_worker_available 1\n", "sealtape_worker_registered 0\n",
		"sealtape_worker_backlog_bytes 1000\n", `sealtape_participants{room="` + label + `"} 3`, `sealtape_frames_total{codec="opus",outcome="kept",room="` + label + `"} 7`,
		`sealtape_worker_offers_total{answer="accepted"} 1`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "board") {
		t.Error("the metrics name the room")
	}
	if code := codeOf(h, "/livez"); code != http.StatusOK {
		t.Errorf("/livez: %d", code)
	}
	if code := codeOf(h, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz without a server: %d", code)
	}

	// The server counts the job as over, and the recording goes on; a second is refused.
	b.Terminated("AJ_1")
	if a := b.Offered(agent.Job{ID: "AJ_2", Room: "board may", Metadata: `{"policy":"records"}`}); a.Accept || !a.Done {
		t.Errorf("%+v", a)
	}
	if l := b.Load(); l.Jobs != 1 || l.Full || l.Load != float32(agent.FullLoad*0.25) {
		t.Errorf("%+v", l)
	}
	b.stop()
	b.until("it drains", func() bool { return b.table.Draining() })
	if l := b.Load(); !l.Full || l.Load != agent.FullLoad {
		t.Errorf("%+v", l)
	}
	select {
	case <-b.over:
		t.Error("the worker did not wait for what is recorded")
	case <-time.After(50 * time.Millisecond):
	}
	for _, p := range b.table.Places() {
		b.Worker.mu.Lock()
		body := b.bodies[p.Room]
		b.Worker.mu.Unlock()
		body.child.end() // as the room's end does
	}
	<-b.over
}

// A job that is over before there is a recording begins none: whoever deleted the dispatch
// cannot throw out a recorder that is not in the room.
func TestCancelled(t *testing.T) {
	for _, tt := range []struct{ policy, waits string }{{"waits", "it waits"}, {"slow", ""}} {
		t.Run(tt.policy, func(t *testing.T) {
			b := newBench(t, 0, func(c *Config) { c.Ask.Time = time.Hour })
			b.job("AJ_1", "board", tt.policy)
			b.says(tt.waits)
			b.until("the job is being done", func() bool { return b.Load().Jobs == 1 })
			b.Terminated("AJ_2")
			b.Terminated("AJ_1")
			b.until("its place is free", func() bool { return b.Load().Jobs == 0 })
			if text := b.said.String(); strings.Contains(text, "msg=recording") || !strings.Contains(text, "not to be recorded any more") {
				t.Error("it does not say why")
			}
		})
	}
}

func ask(h http.Handler, path string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Body.String()
}

func codeOf(h http.Handler, path string) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code
}

// What crashes is started once more, in the place of the dead, and what only ends is not.
func TestCrash(t *testing.T) {
	for _, tt := range []struct {
		policy, how string
		starts      int
	}{{"crashes", "crashed", 2}, {"panics", "crashed", 2}, {"silent", "crashed", 2}, {"fails", "failed", 1}, {"elsewhere", "elsewhere", 1}, {"incomplete", "incomplete", 1}} {
		t.Run(tt.policy, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 0, func(c *Config) {
				if tt.policy == "silent" {
					c.HungAfter = 5
				}
			})
			b.job("AJ_1", "board", tt.policy)
			b.says(`msg="a recorder ended"`)
			b.says("how=" + tt.how)
			all := b.recorders()
			if len(all) != tt.starts || all[0].Config["others"] != "yield" || tt.starts > 1 && (all[1].Config["others"] != "replace" || all[0].Config["identity"] != all[1].Config["identity"]) {
				t.Errorf("%+v", all)
			}
			b.until("its place is free", func() bool { return b.Load().Jobs == 0 })
			if text := ask(b.Handler(), "/metrics"); !strings.Contains(text, `sealtape_worker_recordings_total{how="`+tt.how+`"} 1`) || strings.Contains(text, "sealtape_participants") {
				t.Error(text)
			}
		})
	}
}

// After the time to drain, what goes on is ended properly, and nothing begins.
func TestDrain(t *testing.T) {
	b := newBench(t, 0, nil)
	b.job("AJ_1", "board", "records")
	b.says("msg=recording")
	b.stop()
	<-b.over
	if !strings.Contains(b.said.String(), "how=ended") || len(b.recorders()) != 1 {
		t.Errorf("%s", b.said)
	}
	if a := b.Offered(agent.Job{ID: "AJ_2", Room: "x", Metadata: `{"policy":"records"}`}); a.Accept {
		t.Error("it takes more")
	}
}

// Who is in a hurry waits for no meeting's end. All is ended properly.
func TestHurry(t *testing.T) {
	b := newBench(t, time.Hour, nil)
	b.job("AJ_1", "board", "records")
	b.says("msg=recording")
	b.stop()
	b.says("may end by itself meanwhile")
	close(b.hurry)
	<-b.over
	if !strings.Contains(b.said.String(), "how=ended") {
		t.Errorf("%s", b.said)
	}
}

// A job that was accepted just before the worker was told to end is not begun where nothing is
// recorded any more: nobody would wait for its end.
func TestAssignedLate(t *testing.T) {
	b := newBench(t, time.Hour, nil)
	j := agent.Job{ID: "AJ_1", Room: "board", Metadata: `{"policy":"records"}`}
	if !b.Offered(j).Accept {
		t.Fatal("it was not accepted")
	}
	b.stop()
	<-b.over
	b.Assigned(agent.Assignment{Job: j, Token: "x"})
	b.Worker.mu.Lock()
	defer b.Worker.mu.Unlock()
	if len(b.bodies) != 0 || b.Load().Jobs != 0 || len(b.recorders()) != 0 {
		t.Errorf("it was begun: %s", b.said)
	}
}

// A command that takes its time holds up no answer, and no other room.
func TestSlowCommand(t *testing.T) {
	b := newBench(t, 0, nil)
	b.job("AJ_1", "slow room", "slow")
	begun := time.Now()
	b.job("AJ_2", "another", "records") // both answers, while the first room waits for its keys
	b.says("msg=recording")
	if len(b.recorders()) != 1 || strings.Contains(b.said.String(), "does not say how") && time.Since(begun) < time.Second {
		t.Errorf("%s", b.said)
	}
	b.says("its policy does not say how")
	b.job("AJ_3", "a third", "wrong")
	b.until("both gave up", func() bool { return strings.Count(b.said.String(), "its policy does not say how") == 2 })
	if b.Load().Jobs > 2 || len(b.recorders()) != 1 {
		t.Errorf("%+v", b.Load())
	}
}

// The two registrations call beside one another, and both are seen to fail.
func TestTwoNames(t *testing.T) {
	b := newBench(t, 0, func(c *Config) { c.Own = "sealtape-host-one" })
	var calls sync.WaitGroup
	for i, h := range []agent.Handler{b.Worker, ownName{b.Worker}} {
		calls.Go(func() {
			for n := range 20 {
				j := agent.Job{ID: fmt.Sprint("AJ_", i, "_", n), Room: fmt.Sprint("room ", n%4), Metadata: `{"policy":"fails"}`}
				if h.Offered(j).Accept {
					h.Assigned(agent.Assignment{Job: j, Token: "x"})
				}
				h.Load()
				h.Terminated(j.ID)
			}
		})
	}
	calls.Wait()
	b.until("all places are free", func() bool { return b.Load().Jobs == 0 })
	for _, name := range []string{"sealtape", "sealtape-host-one"} {
		b.says("trying again\" agent=" + name + " ")
		if !slices.ContainsFunc(b.Problems(time.Now().Add(2*unregisteredFor)), func(p string) bool { return strings.Contains(p, "as "+name+" since") }) {
			t.Errorf("%s is no problem", name)
		}
	}
	if text := ask(b.Handler(), "/metrics"); !strings.Contains(text, "sealtape_worker_registered_own 0\n") {
		t.Error("the metrics do not tell of its own name")
	}
}

// A worker without room for more says so, and takes what comes when it has.
func TestFull(t *testing.T) {
	full := newBench(t, 0, func(c *Config) { c.MinSpace = 1 << 60 })
	full.until("it is full", func() bool { return full.Load().Full })
	if a := full.Offered(agent.Job{ID: "AJ_1", Room: "x", Metadata: `{"policy":"records"}`}); a.Accept || a.Done {
		t.Errorf("%+v", a)
	}
	full.says("the spool's disk has")
	behind := newBench(t, 0, func(c *Config) { c.MaxBacklog = 999 })
	behind.job("AJ_1", "board", "records")
	behind.until("it is full", func() bool { return behind.Load().Full })
	if a := behind.Offered(agent.Job{ID: "AJ_2", Room: "x", Metadata: `{"policy":"records"}`}); a.Accept {
		t.Errorf("%+v", a)
	}
	behind.says("wait for the store")
}

// What the server assigns and was not accepted is not recorded.
func TestAssignedUnasked(t *testing.T) {
	b := newBench(t, 0, nil)
	b.Assigned(agent.Assignment{Job: agent.Job{ID: "AJ_9", Room: "x", Metadata: `{"policy":"records"}`}, Token: "x"})
	b.says("assigned that was not accepted")
	if b.Load().Jobs != 0 || len(b.recorders()) != 0 {
		t.Error("it was recorded")
	}
}

// A recorder whose worker is gone learns it, and ends by itself.
func TestOrphan(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("FAKE_RECORDER", dir)
	p, err := fleet.ParsePolicy("p", []byte("rooms: x\nreader: Bob\n"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := p.Config()
	if err != nil {
		t.Fatal(err)
	}
	c, err := startOrphan(orders{config: config}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "orphan")); err != nil {
		t.Error("it ended for another reason")
	}
	if c.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		t.Error("a signal ended it")
	}
}

// What a child writes that is no status ends the reading of it, and nothing else.
func TestNoReport(t *testing.T) {
	for _, text := range []string{"", "garbage that is no gob at all", strings.Repeat("\xff", 100)} {
		n := 0
		err := reports(strings.NewReader(text), func(bot.Status) { n++ })
		if (err == nil) != (text == "") || n != 0 {
			t.Errorf("%q: %v, %d", text, err, n)
		}
	}
}
