package browser_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/livekit/protocol/auth"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A meetingPage is keys/web/example in a browser, bundled as an app would.
type meetingPage struct {
	*browser.Member
	t   *testing.T
	ctx context.Context
}

func openMeeting(t *testing.T, ctx context.Context, s *servers.LiveKit, in *browser.Chromium, dir, identity, name string) *meetingPage {
	t.Helper()
	token, err := auth.NewAccessToken(s.APIKey, s.APISecret).SetIdentity(identity).SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: t.Name()}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	m, err := browser.Start(ctx, browser.Config{In: in, WAV: in.WAV, Files: http.FileServer(http.Dir(dir)),
		Path: "meeting.html#" + url.Values{"url": {s.URL}, "token": {token}, "name": {name}}.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Leave(); err != nil {
			t.Error(err)
		}
	})
	return &meetingPage{m, t, ctx}
}

// reads waits until the page shows a text.
func (p *meetingPage) reads(text string) {
	p.t.Helper()
	err := p.Script(p.ctx, fmt.Sprintf("() => new Promise((done) => { const look = () => document.body.innerText.includes(%q) ? done() : setTimeout(look, 50); look(); })", text))
	if err != nil {
		p.shoot("failed")
		p.t.Fatalf("the page does not say %q: %v", text, err)
	}
}

// click clicks the button that is called so.
func (p *meetingPage) click(name string) {
	p.t.Helper()
	p.reads(name)
	if err := p.Script(p.ctx, fmt.Sprintf("async () => [...document.querySelectorAll('button')].find((b) => b.textContent === %q).click()", name)); err != nil {
		p.t.Fatalf("no button %q: %v", name, err)
	}
}

// shoot keeps pictures of the page, wide and narrow, where SEALTAPE_SHOTS is a folder.
func (p *meetingPage) shoot(name string) {
	dir := os.Getenv("SEALTAPE_SHOTS")
	if dir == "" {
		return
	}
	for _, width := range []int64{1280, 390} {
		ctx := context.WithoutCancel(p.ctx)
		if err := p.Resize(ctx, width, 844); err != nil {
			p.t.Error(err)
		}
		png, err := p.Screenshot(ctx)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, width)), png, 0o600)
		}
		if err != nil {
			p.t.Error(err)
		}
	}
}

// The page that an app would copy: two people compare words, see each other, and are asked
// by a recorder.
func TestMeetingPage(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	dir := t.TempDir()
	bundle := exec.CommandContext(ctx, "../typescript/node_modules/esbuild/bin/esbuild", "../../keys/web/example/meeting.js", "--bundle", "--format=esm",
		"--log-level=warning", "--outdir="+dir, "--alias:sealtape-keys=../../keys/web/index.js", "--alias:livekit-client=./node_modules/livekit-client")
	if out, err := bundle.CombinedOutput(); err != nil {
		t.Fatalf("run npm ci in testdata/typescript: %v\n%s", err, out)
	}
	for name, from := range map[string]string{"meeting.html": "../../keys/web/example/meeting.html",
		"livekit-client.e2ee.worker.mjs": "node_modules/livekit-client/dist/livekit-client.e2ee.worker.mjs"} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rec := listen(t, ctx, s, "rec", keys.Recorder)
	both := chromium(t, ctx, true)
	ada, ben := openMeeting(t, ctx, s, both, dir, "ada", "Ada"), openMeeting(t, ctx, s, both, dir, "ben", "Ben")
	for _, p := range []*meetingPage{ada, ben} {
		p.reads("calls themselves so")
	}
	ada.shoot("strangers")
	ada.click("They read me these words")
	ada.reads("Ben has not verified you yet")
	ben.click("They read me these words")
	for _, p := range []*meetingPage{ada, ben} {
		p.reads("You hear each other.")
		if err := p.Script(ctx, "() => new Promise((done) => { const look = () => [...document.querySelectorAll('video')].some((v) => v.videoWidth > 0 && v.currentTime > 0.5) ? done() : setTimeout(look, 50); look(); })"); err != nil {
			t.Fatalf("no picture: %v", err)
		}
	}
	ada.shoot("verified")
	// The recorder's card came with the page, say; here it is compared as a person's is.
	state := member.State{Phase: "recording", Recording: recordingID, Access: "whole", Policy: "named", Keeps: "everyone", Consent: "announce", Store: "folder",
		StoreURL: serveHead(t, rec.id), PageURL: servePlayer(t), Readers: []member.Reader{{Name: "Ada"}}}
	if err := rec.session.Announce(state); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*meetingPage{ada, ben} {
		p.click("This is our recorder")
		p.reads("REC is recording")
		p.reads("It cannot see or hear you unless you agree.")
	}
	ada.shoot("asked")
	ada.click("Agree")
	rec.hears(t, ctx, "ada", 10)
	ada.reads("You agreed: you are recorded.")
	ben.reads("Is recorded.")
	ben.click("Refuse")
	ben.reads("You refused: it cannot see or hear you.")
	ada.reads("Is not recorded.")
	ada.shoot("agreed")
	ada.click("Pause me")
	ada.reads("You paused: it cannot see or hear you.")
	rec.deaf(t, ctx, "ada", "a pause")
	state.Readers = append(state.Readers, member.Reader{Name: "Eve"})
	if err := rec.session.Announce(state); err != nil {
		t.Fatal(err)
	}
	ada.reads("Ada, Eve")
	ada.click("Go on recording me")
	ada.reads("New among them, and not verified by you: Eve.")
	ada.click("Agree")
	rec.hears(t, ctx, "ada", 10)
	state.Readers = append(state.Readers, member.Reader{Name: "Fay"})
	if err := rec.session.Announce(state); err != nil {
		t.Fatal(err)
	}
	ada.reads("New among them, and not verified by you: Fay.")
	ada.shoot("another reader")
	rec.deaf(t, ctx, "ada", "another reader")
	if got := rec.sound("ben").opened; got > 0 {
		t.Errorf("%d frames of ben, who refused, opened", got)
	}

	// Who attended watches it afterwards with a click.
	state.Phase = "stopped"
	if err := rec.session.Announce(state); err != nil {
		t.Fatal(err)
	}
	ada.reads("The recording has ended")
	ada.shoot("ended")
	ada.click("Watch")
	card, err := rec.id.Card()
	if err != nil {
		t.Fatal(err)
	}
	want := link.Invitation{Store: state.StoreURL, Recording: recordingID, Recorder: publicKey(t, card), Size: 7}
	// The page goes away meanwhile, and what looks at it.
	look := fmt.Sprintf("() => { if (!document.body.innerText.includes(%q)) throw new Error('not yet'); }", "The player plays #"+want.String())
	for err := ada.Script(ctx, look); err != nil; err = ada.Script(ctx, look) {
		if ctx.Err() != nil {
			t.Fatalf("the player does not play %s: %v", &want, err)
		}
	}
}

// serveHead serves a store that has a recording's head, to pages of all sites, and returns
// its address.
func serveHead(t *testing.T, recorder *keys.Identity) string {
	t.Helper()
	head, err := note.Sign(&note.Note{Text: archive.Head{ID: recordingID, Size: 7, State: archive.StateClosed}.String()}, recorder.Signer())
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /meetings/"+recordingID+"/head", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Write(head)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + "/meetings"
}

// servePlayer serves a page that says what it was given to play.
func servePlayer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><body><script>document.body.append('The player plays ' + location.hash)</script>")
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

// publicKey returns the raw key on a card.
func publicKey(t *testing.T, c keys.Card) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(c.Key, "+", 3)[2])
	if err != nil || len(raw) != 33 {
		t.Fatalf("the key on the card, %d bytes: %v", len(raw), err)
	}
	return raw[1:]
}
