//go:build unix

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/native"
)

// A toldEgress is what backend.mjs says of one.
type toldEgress struct {
	Event, ID, Room, Details, Location, Ended string
	Status                                    int
}

// TestFleetEgress: an application's backend with LiveKit's own SDK and one URL starts, lists
// and stops a sealed recording, hears of it by webhooks, and does all else as before.
func TestFleetEgress(t *testing.T) {
	f := newFleetLab(t)
	f.policy("button", "rooms: [\"button* "+f.mark+"\"]\nstart: asked\nreader: Fleet\nstore: "+f.store+"\ne2ee-passphrase-file: "+f.file("room.txt", labPassphrase)+"\nsegment: 1s\n")
	w := f.workers(1, "--drain", "0")[0]
	type hook struct{ body, authorization string }
	hooks := make(chan hook, 16)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		hooks <- hook{string(b), r.Header.Get("Authorization")}
	}))
	defer app.Close()
	watcher := f.watcher("--egress-listen", "127.0.0.1:0", "--egress-webhook", app.URL)
	front := regexp.MustCompile(`addr=(\S+)`).FindStringSubmatch(watcher.says("msg=listening for=egress "))
	if front == nil {
		t.Fatalf("the watcher says no address:\n%s", watcher.stderr())
	}
	b, err := native.StartBackend(f.ctx, f.proxy("http://"+front[1]), f.lk.APIKey, f.lk.APISecret)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	room := f.room("button")
	f.publisher(room, "ada", "Ada")

	var names []string
	if err := b.Ask(map[string]any{"do": "rooms"}, &names); err != nil || !slices.Contains(names, room) {
		t.Errorf("the server behind it: %q, %v", names, err)
	}
	var e toldEgress
	if err := b.Ask(map[string]any{"do": "start", "room": room, "s3": true}, &e); err == nil || !strings.Contains(err.Error(), "keys in them are refused") {
		t.Errorf("with keys to a store: %v", err)
	}
	if err := b.Ask(map[string]any{"do": "track", "room": room}, &e); err == nil || !strings.Contains(err.Error(), "whole rooms") {
		t.Errorf("of a track: %v", err)
	}
	if n := len(f.recorders(room)); n != 0 {
		t.Errorf("%d recorders, and nobody started one", n)
	}
	if err := b.Ask(map[string]any{"do": "start", "room": room}, &e); err != nil || e.Room != room || !strings.Contains(e.Details, "sealed") || !strings.Contains(e.Details, "layout") {
		t.Fatalf("%+v, %v", e, err)
	}
	f.recorded(room, 1)
	var all []toldEgress
	f.until("it is listed with its recording", func() bool {
		if err := b.Ask(map[string]any{"do": "list", "room": room}, &all); err != nil {
			t.Fatal(err)
		}
		return len(all) == 1 && all[0].Location != ""
	})
	if all[0].ID != e.ID || all[0].Location != "sealtape:"+w.ids()[0] || all[0].Status != 1 {
		t.Errorf("%+v, want %s of %s", all[0], w.ids(), e.ID)
	}
	f.segments(w.home, f.store, w.ids()[0], 1)
	if err := b.Ask(map[string]any{"do": "stop", "id": e.ID}, &e); err != nil || e.Status < 2 {
		t.Errorf("%+v, %v", e, err)
	}
	w.says("a recorder ended")
	f.verifies(w.home, f.store, w.ids()[0])
	for _, want := range []string{"egress_started", "egress_ended"} {
		select {
		case h := <-hooks:
			var heard toldEgress
			if err := b.Ask(map[string]any{"do": "receive", "body": h.body, "authorization": h.authorization}, &heard); err != nil || heard.Event != want || heard.ID != e.ID || heard.Location != "sealtape:"+w.ids()[0] {
				t.Errorf("%+v, %v, want %s", heard, err, want)
			}
		case <-f.ctx.Done():
			t.Fatalf("no %s", want)
		}
	}
}

// proxy is an operator's reverse proxy, as the help of fleet watch says.
func (f *fleetLab) proxy(front string) string {
	f.t.Helper()
	// Not the default one: each server of another test that ends closes connections of that.
	own := new(http.Transport)
	f.t.Cleanup(own.CloseIdleConnections)
	to := func(address string) http.Handler {
		u, err := url.Parse(address)
		if err != nil {
			f.t.Fatal(err)
		}
		p := httputil.NewSingleHostReverseProxy(u)
		p.Transport = own
		return p
	}
	mux := http.NewServeMux()
	mux.Handle("/twirp/livekit.Egress/", to(front))
	mux.Handle("/", to("http"+strings.TrimPrefix(f.lk.URL, "ws")))
	s := httptest.NewServer(mux)
	f.t.Cleanup(s.Close)
	return s.URL
}
