//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/player"
)

// A wiretap is a proxy that notes all that comes by.
type wiretap struct {
	*httptest.Server
	mu    sync.Mutex
	sent  [][]byte // requests as they came
	hosts []string
}

func newWiretap(t *testing.T) *wiretap {
	w := &wiretap{}
	way := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL, r.Out.Host = r.In.URL, r.In.Host },
		Transport: &http.Transport{},
	}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		sent, err := httputil.DumpRequest(r, true)
		if err != nil {
			sent = []byte(err.Error())
		}
		w.mu.Lock()
		w.sent = append(w.sent, append([]byte(r.RequestURI+"\n"), sent...))
		if !slices.Contains(w.hosts, r.Host) {
			w.hosts = append(w.hosts, r.Host)
		}
		w.mu.Unlock()
		if host, _, err := net.SplitHostPort(r.Host); err != nil || host != "127.0.0.1" || r.Method == http.MethodConnect {
			http.Error(out, "nothing leaves this machine", http.StatusForbidden)
			return
		}
		way.ServeHTTP(out, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *wiretap) address() string { return w.Listener.Addr().String() }

func (w *wiretap) all() (sent [][]byte, hosts []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent), slices.Clone(w.hosts)
}

// TestAttendedIsWatched: who was in a room clicks Watch on the page of the meeting once the
// recording has ended, and watches it in the player on that page's origin: by the key that
// is there already, without a question. The store is a real one with the policy that link
// says. And nothing secret is in anything that the browser sends, from the first to the last.
func TestAttendedIsWatched(t *testing.T) {
	l := newBrowserLab(t, onePage)
	home, recorder := l.person("Recorder")
	bot, err := recorder.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	store, pages, proxy := l.minIO(), l.playerPages(), newWiretap(t)
	bucket := strings.TrimSuffix(strings.TrimPrefix(store, "s3://"), "/archive")
	address := minIO.get(t).Endpoint + "/" + bucket + "/archive"
	tone := filepath.Join(l.dir, "tone.wav")
	if err := browser.Tone(tone, 440, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	ada := l.enter(browser.Config{Token: l.token(members.Grant{Room: l.room("weekly"), Identity: "tab-1"}), Passphrase: labPassphrase,
		WAV: tone, Camera: true, CameraWidth: 320, CameraHeight: 180, Card: "Ada", Pins: [][]byte{bot},
		Player: http.FileServer(http.Dir(pages)), Proxy: proxy.address()})[0]
	wait := func(what string, cond func(browser.State) bool) browser.State {
		t.Helper()
		s, err := ada.Wait(l.ctx, cond)
		if err != nil {
			t.Fatalf("%s: %v\n%+v\n%v", what, err, s.Membership, s.Errors)
		}
		return s
	}
	until := func(js string) {
		t.Helper()
		if err := ada.Until(l.ctx, js); err != nil {
			shown, _ := browser.Eval[string](t.Context(), ada, "location.pathname + document.body.innerText.slice(0, 800)")
			shoot(t, ada, "failed")
			t.Fatalf("%v\n%s", err, shown)
		}
	}
	s := wait("an identity", func(s browser.State) bool { return s.Membership.Card != "" })
	card, err := keys.ParseCard([]byte(s.Membership.Card))
	if err != nil {
		t.Fatal(err)
	}
	l.must(home, "keys", "add", "--fingerprint", s.Membership.Fingerprint, writeCard(t, card))
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s",
		"--link-store", address, "--link-page", ada.Origin()+"/player/")
	wait("a recorder that names Ada a reader", func(s browser.State) bool {
		return slices.ContainsFunc(recordersIn(s), func(p browser.Peer) bool {
			return p.Standing == "verified" && p.State.Recording == rec.id && p.State.Phase == "recording" && len(p.State.Readers) == 2
		})
	})
	l.segments(home, store, rec.id, l.listed(home, store, rec.id)+4)
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	_, said, _ := l.run(home, nil, "link", rec.id, "--store", store, "--by", "public")
	if err := minIO.get(t).Policy(l.ctx, bucket, policyIn(t, said)); err != nil {
		t.Fatal(err)
	}
	file, err := ada.ExportIdentity(l.ctx, "xyzzy plugh")
	if err != nil {
		t.Fatal(err)
	}

	until(`document.querySelector("#attended .watch")?.checkVisibility()`)
	shoot(t, ada, "attended")
	if err := ada.Click(l.ctx, "#attended .watch"); err != nil {
		t.Fatal(err)
	}
	until(`location.pathname === "/player/" && document.querySelector(".start")?.checkVisibility()`)
	fragment, err := browser.Eval[string](l.ctx, ada, "location.hash")
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.Click(l.ctx, ".start"); err != nil {
		t.Fatal(err)
	}
	// Pictures are decoded, and the time goes on.
	until(`(window.shown ??= [...document.querySelectorAll("video")].find((v) => v.videoWidth > 0 && v.getVideoPlaybackQuality().totalVideoFrames > 0))`)
	began, err := browser.Eval[float64](l.ctx, ada, "shown.currentTime")
	if err != nil {
		t.Fatal(err)
	}
	until(fmt.Sprintf("shown.currentTime > %f && shown.getVideoPlaybackQuality().totalVideoFrames > 5", began+0.5))
	shoot(t, ada, "watched")
	badges, err := browser.Eval[string](l.ctx, ada, `[...document.querySelectorAll("#badges li")].map((b) => b.innerText).join("; ")`)
	if err != nil || strings.Contains(badges, "claimed") || strings.Contains(badges, "0 sec locked") {
		t.Errorf("the recorder, whom Ada has pinned, and what she opens are shown as %q, %v", badges, err)
	}

	// Nothing secret left the browser.
	invitation, err := link.Parse(strings.TrimPrefix(fragment, "#"))
	if err != nil || invitation.Store != address || invitation.Recording != rec.id {
		t.Fatalf("the address has %s, %v", fragment, err)
	}
	canaries := l.secretsOf([]byte(file), "xyzzy plugh", address+"/"+rec.id)
	canaries["the link"] = player.NewCanary([]byte(fragment), fragment, strings.TrimPrefix(fragment, "#"))
	for _, part := range strings.Split(fragment, "&") {
		if strings.HasPrefix(part, "k=") || strings.HasPrefix(part, "h=") {
			canaries["a part of the link, "+part] = player.NewCanary([]byte(part), part[2:])
		}
	}
	if len(canaries) < 6 {
		t.Errorf("only %d secrets are looked for", len(canaries))
	}
	heard, hosts := proxy.all()
	for _, host := range hosts {
		// Chromium's own are its makers'. A port may begin with 443, too.
		name := strings.TrimSuffix(host, ":443")
		makers := strings.HasSuffix(name, ".googleapis.com") || strings.HasSuffix(name, ".google.com")
		if !makers && "http://"+host != ada.Origin() && "http://"+host != minIO.get(t).Endpoint {
			t.Errorf("the browser asked %s", host)
		}
	}
	for who, sent := range map[string][][]byte{"the proxy": heard, "the browser": ada.Sent(), "LiveKit's log": {[]byte(l.lk.Log())}, "MinIO's log": {[]byte(minIO.get(t).Log())}} {
		whole := string(slices.Concat(sent...))
		if strings.HasPrefix(who, "the ") && (!strings.Contains(whole, rec.id+"/epochs/0") || !strings.Contains(whole, "/player/page-")) {
			t.Errorf("%s did not tell of %d requests what was asked", who, len(sent))
		}
		for what, canary := range canaries {
			for _, one := range sent {
				if form := canary.In(one); form != "" {
					t.Errorf("%s has %s, %s: %.300q", who, what, form, one)
				}
			}
		}
	}
}

// secretsOf returns what nobody else may have: the secrets of an exported identity, and those
// of the epochs that it opens of the recording at an address.
func (l *lab) secretsOf(export []byte, passphrase, address string) map[string]player.Canary {
	l.t.Helper()
	found, err := player.CanariesOf(export, passphrase)
	if err != nil {
		l.t.Fatal(err)
	}
	id, err := keys.ParseExport(export, []byte(passphrase))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, name := range []string{"000001", "000002", "000003"} {
		answer, err := http.Get(address + "/epochs/" + name + ".age")
		if err != nil {
			l.t.Fatal(err)
		}
		file, err := io.ReadAll(answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			l.t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			continue
		}
		r, err := age.Decrypt(strings.NewReader(string(file)), id.AgeIdentities()...)
		if err != nil {
			continue // before they came
		}
		secret, err := io.ReadAll(r)
		if err != nil {
			l.t.Fatal(err)
		}
		found["the secret of epoch "+name] = player.AgeCanary(strings.TrimSpace(string(secret)))
	}
	return found
}

// recordersIn returns the recorders whom a member sees.
func recordersIn(s browser.State) (all []browser.Peer) {
	for _, p := range s.Membership.Peers {
		if p.Recorder {
			all = append(all, p)
		}
	}
	return all
}

// shoot keeps a picture of a member's page where SEALTAPE_SCREENSHOTS is a folder.
func shoot(t *testing.T, m *browser.Member, name string) {
	t.Helper()
	folder := os.Getenv("SEALTAPE_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := m.Screenshot(t.Context())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}
