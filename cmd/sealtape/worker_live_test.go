//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/members"
)

// TestWorker: a room that is dispatched is recorded by a process of its own, under a policy
// that is for it; deleting the dispatch ends the recording; and nothing that is secret is
// where others can see it.
func TestWorker(t *testing.T) {
	f := newFleetLab(t)
	w := f.workers(1, "--drain", "0")[0]
	room := f.room("weekly")
	f.publisher(room, "ada", "Ada")
	id := f.dispatch(room, "weekly")
	who := f.recorded(room, 1)
	if !who[0].Recorder || who[0].Agent {
		t.Errorf("the room shows no recording sign for %+v", who)
	}
	f.until("a recording", func() bool { return len(w.ids()) == 1 })
	f.segments(w.home, f.store, w.ids()[0], 2)

	for _, pid := range w.children() {
		for _, name := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
			if err != nil {
				continue // of another user, to all but root
			}
			for _, secret := range []string{f.lk.APISecret, labPassphrase, room} {
				if strings.Contains(string(b), secret) {
					t.Errorf("%s of a recorder has a secret or the room's name", name)
				}
			}
		}
	}
	if n := len(w.children()); n != 1 {
		t.Errorf("%d recorders run", n)
	}
	_, text := w.get("/metrics")
	if n, err := metricOf(text, "sealtape_worker_rooms"); n != 1 || !strings.Contains(text, `sealtape_recording_state{room="`) || !strings.Contains(text, `state="recording"} 1`) {
		t.Errorf("%v %v in\n%s", n, err, linesWith(text, "sealtape_worker"))
	}
	if strings.Contains(text, "weekly") || strings.Contains(text, f.mark) || strings.Contains(w.stderr(), room) {
		t.Error("the room's name is in the metrics or the log")
	}
	for _, path := range []string{"/readyz", "/healthz", "/livez"} {
		if code, text := w.get(path); code != 200 {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}

	// Asked for again, here or by another name, there is nothing to do.
	again, err := f.api.Dispatch(f.ctx, room, f.own(w), `{"policy":"weekly"}`)
	if err != nil {
		t.Fatal(err)
	}
	w.says("is recorded here already")
	f.until("the second job is over", func() bool {
		s, err := f.api.Statuses(f.ctx, room, again)
		return err == nil && len(s) == 1 && s[0] == "JS_SUCCESS"
	})
	f.recorded(room, 1)

	if err := f.api.Delete(f.ctx, room, id); err != nil {
		t.Fatal(err)
	}
	w.says("a recorder ended")
	f.verifies(w.home, f.store, w.ids()[0])
	if code := w.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, w.stderr())
	}
}

// TestWorkerRefuses: who can dispatch, by whichever name of the worker, cannot choose a policy
// for another room, add a reader, or have the worker say what it is not to.
func TestWorkerRefuses(t *testing.T) {
	f := newFleetLab(t)
	f.policy("board", "rooms: [\"board-* "+f.mark+"\"]\nreader: Fleet\nstore: "+f.store+"\nno-e2ee: true\n")
	w := f.workers(1, "--drain", "0")[0]
	names := []string{f.agent, f.own(w)}
	for i, tt := range []struct{ room, metadata, why string }{
		{f.room("weekly"), `{"policy":"board"}`, "policy board is not for this room"},
		{f.room("weekly"), `{"policy":"eve-says"}`, "no policy of the name"},
		{f.room("weekly"), `{"policy":"weekly","reader":["eve-says"]}`, "its only field is policy, once"},
		{f.room("weekly"), `{"policy":"../policies/weekly"}`, "the name of a policy has letters"},
		{f.room("weekly"), ``, "it names no policy"},
		{f.room("weekly"), `{"policy":"weekly"` + strings.Repeat(" ", 2000) + `}`, "longer than 1024 bytes"},
	} {
		if _, err := f.api.Dispatch(f.ctx, tt.room, names[i%2], tt.metadata); err != nil {
			t.Fatal(err)
		}
		w.says(tt.why)
	}
	if strings.Contains(w.stderr(), "eve-says") {
		t.Error("the log repeats what a dispatch said")
	}
	if n := len(f.recorders(f.room("weekly"))) + len(w.children()); n != 0 {
		t.Errorf("%d recorders", n)
	}
	if _, text := w.get("/metrics"); !strings.Contains(text, `sealtape_worker_offers_total{answer="declined"} 6`) {
		t.Error(linesWith(text, "sealtape_worker_offers"))
	}

	// A policy that is wrong is not taken, and one that is right is, on SIGHUP.
	f.policy("eve", "rooms: ['*']\nreader: Fleet\nurl: wss://eve.example.org\n")
	w.signal(syscall.SIGHUP)
	w.says("the policies were not taken")
	if err := os.Remove(filepath.Join(f.dir, "eve.yaml")); err != nil {
		t.Fatal(err)
	}
	w.signal(syscall.SIGHUP)
	w.says("the policies were read again")
}

// TestWorkerAsAgent: with an agent's token alone a worker registers and records, and comes
// back under another connection while its recorder goes on.
func TestWorkerAsAgent(t *testing.T) {
	f := newFleetLab(t)
	token, err := members.AgentToken(f.lk.APIKey, f.lk.APISecret)
	if err != nil {
		t.Fatal(err)
	}
	w := f.workers(1, "--agent-token-file", f.file("agent-token", token), "--drain", "0")[0]
	room := f.room("weekly")
	f.publisher(room, "ada", "Ada")
	f.dispatch(room, "weekly")
	if who := f.recorded(room, 1); !who[0].Agent || who[0].Name != "Recorder (Sealtape)" {
		t.Errorf("%+v", who)
	}
	f.until("a recording", func() bool { return len(w.ids()) == 1 })
	f.segments(w.home, f.store, w.ids()[0], 1)
	if code := w.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, w.stderr())
	}
	f.verifies(w.home, f.store, w.ids()[0])
}
