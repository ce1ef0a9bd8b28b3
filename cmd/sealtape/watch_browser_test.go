//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestAttendedIsWatched: a member whose browser proved who it is sees the recording with a
// click after the meeting: its key is there, and the list of what it attended.
func TestAttendedIsWatched(t *testing.T) {
	l := newBusyLab(t)
	home, botCard := l.person("Recorder")
	bot, err := botCard.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	tone := filepath.Join(l.dir, "tone.wav")
	if err := browser.Tone(tone, 440, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	// The store is another origin than the app with its player, and lets that read.
	store := filepath.Join(l.dir, "store")
	files := http.FileServer(http.Dir(store))
	objects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(objects.Close)
	player := filepath.Join(l.dir, "player")
	l.must(home, "player", "-o", player, "--store-origin", objects.URL)

	ada := l.enter(browser.Config{Token: l.token(members.Grant{Room: l.room("weekly"), Identity: "tab-1", Name: "Ada"}), Passphrase: labPassphrase,
		WAV: tone, Camera: true, Card: "Ada", Pins: [][]byte{bot}, Player: http.FileServer(http.Dir(player))})[0]
	s, err := ada.Wait(l.ctx, func(s browser.State) bool { return s.Membership.Card != "" })
	if err != nil {
		t.Fatal(err)
	}
	card, err := keys.ParseCard([]byte(s.Membership.Card))
	if err != nil {
		t.Fatal(err)
	}
	l.must(home, "keys", "add", "--fingerprint", s.Membership.Fingerprint, writeCard(t, card))
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--metrics-addr", "127.0.0.1:0",
		"--link-store", objects.URL, "--link-page", ada.Origin()+"/player/")
	if _, err := ada.Wait(l.ctx, func(s browser.State) bool {
		for _, p := range s.Membership.Peers {
			if p.Recorder && p.Standing == "verified" && p.State.Phase == "recording" && len(p.State.Readers) == 2 {
				return true
			}
		}
		return false
	}); err != nil {
		t.Fatal(err)
	}
	l.segments(home, store, rec.id, 4)
	rec.accounts(rec.stop(syscall.SIGINT), home, store)

	// The page goes away meanwhile, and what is evaluated in it.
	shows := func(what, js string) {
		t.Helper()
		l.until(what, func() bool { return ada.Script(l.ctx, "() => { if (!("+js+")) throw new Error('not yet'); }") == nil })
	}
	shows("the list", `document.querySelector(".watch")`)
	shot(t, l, ada, "attended")
	if err := ada.Script(l.ctx, `async () => document.querySelector(".watch").click()`); err != nil {
		t.Fatal(err)
	}
	shows("the player", `location.pathname === "/player/" && document.querySelector(".start") && !document.body.classList.contains("loading")`)
	if err := ada.Script(l.ctx, `async () => document.querySelector(".start").click()`); err != nil {
		t.Fatal(err)
	}
	shows("a picture", `[...document.querySelectorAll("video")].some((v) => v.videoWidth > 0 && v.currentTime > 0.5)`)
	shot(t, l, ada, "watched")
}

// shot keeps a picture of the page where SEALTAPE_SCREENSHOTS is a folder.
func shot(t *testing.T, l *lab, m *browser.Member, name string) {
	t.Helper()
	dir := os.Getenv("SEALTAPE_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := m.Screenshot(l.ctx)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
