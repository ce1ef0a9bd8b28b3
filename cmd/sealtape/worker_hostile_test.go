//go:build unix

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/webhook"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestWorkerRejoins: when everybody has left, the server closes the room, and counts the job
// as over, mostly: not where the recorder was back before that. The recorder comes back to the
// room, and the meeting goes on in its recording.
func TestWorkerRejoins(t *testing.T) {
	f := newFleetLab(t)
	f.policy("weekly", "rooms: [\"* "+f.mark+"\"]\nreader: Fleet\nstore: "+f.store+"\ne2ee-passphrase-file: "+f.file("room.txt", labPassphrase)+"\nsegment: 1s\ngrace: 2m\n")
	w := f.workers(1, "--drain", "0", "--log-level", "debug")[0]
	room := f.room("weekly")
	f.told = func() string { return f.story([]string{room}, w) }
	ada := f.join(members.Config{Room: room, Identity: "ada", Name: "Ada", Passphrase: labPassphrase})
	f.dispatch(room, "weekly")
	f.recorded(room, 1)
	f.until("a recording", func() bool { return len(w.ids()) == 1 })
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	w.says("the room was joined again")
	f.publisher(room, "ada", "Ada")
	f.recorded(room, 1)
	f.segments(w.home, f.store, w.ids()[0], 1)
	if n := len(w.ids()); n != 1 || strings.Contains(w.stderr(), "a recorder ended") {
		t.Errorf("%d recordings\n%s", n, w.stderr())
	}
	t.Logf("the server counted a job as over: %t", strings.Contains(w.stderr(), "the server counts a job as over"))

	// All of the machine dies at once. A worker that starts there ends what was left, and
	// stores it, without a room.
	pids := w.children()
	for _, pid := range append(pids, w.cmd.Process.Pid) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	<-w.ended
	again := f.worker(w.home, "--drain", "0")
	again.says("what an earlier recorder left is in the store")
	f.slowly("the store has its end", func() bool {
		return slices.ContainsFunc(f.listing(w.home), func(r listedRecording) bool { return r.ID == w.ids()[0] && r.State == "cut" })
	})
	if left, err := filepath.Glob(filepath.Join(w.home, "spool", w.ids()[0])); err != nil || len(left) > 0 {
		t.Errorf("the spool has %q, %v", left, err)
	}
}

// TestWebhookForAnother: what waits for one address goes to no other, whichever recorder of
// the home looks for it.
func TestWebhookForAnother(t *testing.T) {
	dir := t.TempDir()
	home, err := keys.OpenHome(filepath.Join(dir, "home"))
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	serve := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if w.WriteHeader(status); status == http.StatusOK {
				got <- r.URL.Path
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	away, other := serve(http.StatusServiceUnavailable), serve(http.StatusOK)
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("APIkey: 0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{away, other} {
		o := webhookOptions{webhookURL: url, webhookKeyFile: key}
		tell, err := o.teller(home, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if url == away {
			q := tell.webhook
			s, err := webhook.NewSender(q, "F2JE7ZY04P971PR0YHVBFNECP0")
			if err != nil {
				t.Fatal(err)
			}
			s.Tell(eventOf(bot.Milestone{Kind: bot.MilestoneStored, Recording: "F2JE7ZY04P971PR0YHVBFNECP0"}, q.Key))
			s.Close()
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // it keeps what it was told, and delivers nothing
			_ = s.Run(ctx)
		}
		if err := tell.sweepOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case path := <-got:
		t.Errorf("%s was told what is for another", path)
	default:
	}
	waiting, err := filepath.Glob(filepath.Join(home.Dir(), "webhook", "*", "F2JE7ZY04P971PR0YHVBFNECP0", "*.json"))
	if err != nil || len(waiting) != 1 {
		t.Errorf("%q wait, %v", waiting, err)
	}
}
