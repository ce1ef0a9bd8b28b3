//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/bot/webhook"
	"github.com/sealtape/sealtape/testdata/receiver"
)

// A toldTarget receives webhooks.
type toldTarget struct {
	t     *testing.T
	key   string
	away  atomic.Bool
	tries atomic.Int64

	mu     sync.Mutex
	events []webhook.Event
}

func (k *toldTarget) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if k.tries.Add(1); k.away.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	id, body, err := receiver.Standard(r, k.key)
	var e webhook.Event
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil || e.ID != id || strings.Contains(string(body), "weekly") || strings.Contains(string(body), "Ada") {
		k.t.Errorf("%q, %v", body, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if e.Type != webhook.Hole { // the room's, as it happens
		k.events = append(k.events, e)
	}
}

// of returns what was told of a recording.
func (k *toldTarget) of(id string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var told []string
	for _, e := range k.events {
		if e.Data.Recording == id {
			told = append(told, strings.TrimPrefix(e.Type, "recording.")+" "+e.Data.State)
		}
	}
	return strings.Join(told, ", ")
}

// TestRestartFollows: where a recorder dies in the middle of a meeting, the one that
// its service manager starts names it, and list and info tell.
func TestRestartFollows(t *testing.T) {
	l := newLab(t)
	store := filepath.Join(l.dir, "store")
	home, _ := l.person("Recorder")
	l.publisher(l.room("weekly"), "ada", "Ada")
	key, stored := filepath.Join(l.dir, "webhook.key"), filepath.Join(l.dir, "stored")
	if err := os.WriteFile(key, []byte("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="), 0o600); err != nil {
		t.Fatal(err)
	}
	told := &toldTarget{t: t, key: "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
	told.away.Store(true)
	web := httptest.NewServer(told)
	defer web.Close()
	args := []string{"--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--webhook", web.URL, "--webhook-key-file", key,
		"--on-stored", "sh", "--on-stored", "-c", "--on-stored", `cat >> "$1"`, "--on-stored", "sh", "--on-stored", stored}
	first := l.record(home, args...)
	l.segments(home, store, first.id, 2)
	l.until("the receiver that is away was asked", func() bool { return told.tries.Load() > 0 })
	if code := first.stop(syscall.SIGKILL); code == 0 {
		t.Fatal("a killed recorder ended well")
	}
	told.away.Store(false)
	second := l.record(home, args...)
	l.segments(home, store, second.id, 2)
	// What the first one had to tell is told, and that its rest is stored.
	l.until("the rest of the first is told", func() bool { return strings.HasSuffix(told.of(first.id), "stored cut") })
	if code := second.stop(syscall.SIGTERM); code != 0 && code != ui.ExitIncomplete {
		t.Fatalf("exit code %d:\n%s", code, second.stderr())
	}
	if got, want := told.of(first.id)+"; "+told.of(second.id), "started recording, stored cut; started recording, ended closed, stored closed"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if b, err := os.ReadFile(stored); err != nil || !strings.Contains(string(b), `"recording":"`+first.id+`","state":"cut"`) || !strings.Contains(string(b), `"recording":"`+second.id+`","state":"closed"`) {
		t.Errorf("the command got %q, %v", b, err)
	}
	for _, cmd := range [][]string{{"info", second.id}, {"info", second.id, "--json"}, {"list"}, {"list", "--json"}} {
		out, errs, _ := l.run(home, nil, append(cmd, "--store", store)...)
		if !strings.Contains(out, first.id) || cmd[0] == "list" && !strings.Contains(strings.ToLower(out), "follows") {
			t.Errorf("%q does not tell what it follows:\n%s%s", cmd, out, errs)
		}
	}
	if out, errs, _ := l.run(home, nil, "info", first.id, "--store", store, "--json"); strings.Contains(out, `"follows"`) {
		t.Errorf("the first follows something:\n%s%s", out, errs)
	}
}
