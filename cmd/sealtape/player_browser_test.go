//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A playerSite is the page as it is built, on one origin, and recordings on another.
type playerSite struct {
	*testing.T
	ctx           context.Context
	dir           string
	config        site.Config
	page, objects *httptest.Server
	store, id     string // a folder, and the recording in it
	signer        *keys.Identity
	reader        *keys.Identity
	invitation    string
	key           string // the reader's key, exported

	mu       sync.Mutex
	requests []string                                          // of the page's host and of the store
	answers  func(w http.ResponseWriter, r *http.Request) bool // the store's, where it is not what it should be
}

const readerPassphrase = "xyzzy plugh"

var browserProgramOnce = sync.OnceValues(func() (browserProgram, error) {
	return buildProgram(context.Background(), &ui.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard})
})

func newPlayerSite(t *testing.T) *playerSite {
	withBrowsers(t, onePage)
	s := &playerSite{T: t, ctx: sample.Context(t), dir: t.TempDir()}
	p, err := browserProgramOnce()
	s.must(err)
	people, err := player.NewPeople(filepath.Join(s.dir, "people"))
	s.must(err)
	s.signer = people.Signer
	s.reader, err = keys.Generate("Ada")
	s.must(err)
	export, err := s.reader.Export([]byte(readerPassphrase), 10)
	s.must(err)
	s.key = string(export)
	readers := people.Readers
	readers.All = append(readers.All, s.reader.Recipients()...)
	meeting, err := player.Flashes(readers, 2, 1, 15*time.Second, false)
	s.must(err)
	s.store = filepath.Join(s.dir, "meetings")
	s.id, err = player.Write(s.store, s.signer.Signer(), meeting)
	s.must(err)

	s.objects = httptest.NewServer(s.noted(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		answers := s.answers
		s.mu.Unlock()
		if answers != nil && answers(w, r) {
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.FileServer(http.Dir(s.store)).ServeHTTP(w, r)
	}))
	t.Cleanup(s.objects.Close)
	s.config = p.config()
	s.config.Stores = []string{s.objects.URL}
	built, err := site.Build(s.config)
	s.must(err)
	folder := filepath.Join(s.dir, "tapes")
	s.must(os.Mkdir(folder, 0o755))
	for _, f := range built.Files {
		s.must(os.WriteFile(filepath.Join(folder, f.Name), f.Data, 0o600))
	}
	s.page = httptest.NewServer(s.noted(http.FileServer(http.Dir(folder)).ServeHTTP))
	t.Cleanup(s.page.Close)
	s.invitation = s.invite()
	return s
}

// noted notes what a server is asked for.
func (s *playerSite) noted(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Host+r.URL.String()+" "+r.Referer())
		s.mu.Unlock()
		h(w, r)
	}
}

// invite returns the link to the recording, without the page.
func (s *playerSite) invite() string {
	s.Helper()
	card, err := s.signer.Card()
	s.must(err)
	v, err := note.NewVerifier(card.Key)
	s.must(err)
	store, err := dir.Open(s.store)
	s.must(err)
	defer store.Close()
	head, _, err := archive.ReadHead(s.ctx, store, s.id, archive.Options{Verifiers: note.VerifierList(v)})
	s.must(err)
	raw, err := base64.StdEncoding.DecodeString(strings.SplitN(card.Key, "+", 3)[2])
	s.must(err)
	i := link.Invitation{Store: s.objects.URL, Recording: s.id, Recorder: ed25519.PublicKey(raw[1:]), Size: head.Size, Root: head.Root}
	s.must(i.Check())
	return i.String()
}

func (s *playerSite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *playerSite) open(address string) *player.Page {
	s.Helper()
	page, err := player.Open(s.ctx, player.PageConfig{In: &pages, URL: address, Log: func(text string) { s.Log(text) }})
	s.must(err)
	s.Cleanup(func() {
		if err := page.Close(); err != nil {
			s.Error(err)
		}
	})
	return page
}

func (s *playerSite) until(p *player.Page, js string) {
	s.Helper()
	if err := p.Until(s.ctx, js); err != nil {
		shown, _ := player.Eval[string](s.ctx, p, "document.body.innerText.slice(0, 600)")
		if shots := os.Getenv("SEALTAPE_SHOTS"); shots != "" {
			if png, err := p.Screenshot(s.ctx); err == nil {
				s.must(os.WriteFile(filepath.Join(shots, "player.png"), png, 0o600))
			}
		}
		s.Fatalf("%s: %v; the page has errors %q and shows %q", js, err, p.Errors(), shown)
	}
}

func (s *playerSite) click(p *player.Page, selector string) {
	s.Helper()
	s.until(p, fmt.Sprintf("document.querySelector(%q)", selector))
	if err := p.Click(s.ctx, selector); err != nil {
		s.Fatalf("%s: %v", selector, err)
	}
}

// giveKey brings the reader's key as a file.
func (s *playerSite) giveKey(p *player.Page, keep bool) {
	s.Helper()
	s.until(p, `document.getElementById("keyfile")`)
	file := filepath.Join(s.dir, "ada.age")
	s.must(os.WriteFile(file, []byte(s.key), 0o600))
	s.must(p.SetFiles(s.ctx, "#keyfile", file))
	s.must(p.Do(s.ctx, fmt.Sprintf(`(() => {
		document.getElementById("keypassphrase").value = %q;
		const keep = document.getElementById("keepkey");
		if (keep) keep.checked = %t;
	})()`, readerPassphrase, keep)))
	s.click(p, "form:has(#keyfile) button[type=submit]")
	if keep {
		// A browser that a test starts promises nothing.
		s.until(p, `[...document.querySelectorAll("#keyquestion button")].some((b) => b.textContent === "Go on" && (b.click(), true))`)
	}
}

// plays waits until pictures are there, from the recording that was made.
const plays = `[...document.querySelectorAll("video")].some((v) => v.videoWidth > 0 && v.readyState >= 2)`

// A browser watches what a link names, keeps a copy, and watches that without the store.
func TestPlayerSite(t *testing.T) {
	s := newPlayerSite(t)
	p := s.open(s.page.URL + "/#" + s.invitation)
	s.giveKey(p, true)
	s.until(p, plays)

	s.click(p, "#keep")
	s.click(p, ".popover .actions button")
	s.until(p, `/^Kept: /.test(document.querySelector(".popover [role=status]")?.textContent)`)
	// Into a folder that is picked, too: one of the browser's own, which is as good a folder.
	const picks = `(window.picked = async () => (await navigator.storage.getDirectory()).getDirectoryHandle("picked", { create: true }),
		window.showDirectoryPicker = picked, true)`
	s.until(p, picks)
	s.until(p, `[...document.querySelectorAll(".popover .actions button")].some((b) => b.textContent === "Copy it to a folder" && (b.click(), true))`)
	s.until(p, fmt.Sprintf(`picked().then((folder) => folder.getDirectoryHandle(%q)).then((folder) => folder.getFileHandle("head")).then(() => true, () => false)`, s.id))
	s.mu.Lock()
	for _, r := range s.requests {
		if strings.Contains(r, "r="+s.id) || strings.Contains(r, "k=") {
			t.Errorf("the link is in a request: %s", r)
		}
	}
	s.mu.Unlock()

	// The mkv that the page makes is the command's, byte by byte.
	downloads := filepath.Join(s.dir, "downloads")
	s.must(os.Mkdir(downloads, 0o700))
	s.must(p.Downloads(s.ctx, downloads))
	for format, export := range map[string]func(*playback.Session, string) error{
		"mkv": func(session *playback.Session, path string) error {
			_, err := playback.ExportFile(s.ctx, session, path, playback.ExportOptions{})
			return err
		},
		"opus": func(session *playback.Session, path string) error {
			f, err := os.Create(path)
			s.must(err)
			defer f.Close()
			_, err = playback.StreamVoice(s.ctx, session, f, playback.ExportOptions{Participants: []string{session.Tracks()[0].Participant}})
			return err
		},
	} {
		s.click(p, "#clip")
		s.must(p.Do(s.ctx, fmt.Sprintf(`(() => {
			const format = document.getElementById("clipformat");
			format.value = %q;
			format.dispatchEvent(new Event("change"));
		})()`, format)))
		s.click(p, ".clip .actions a:nth-of-type(2)")
		want := filepath.Join(s.dir, "want."+format)
		s.must(export(s.session(), want))
		s.same(downloads, format, want)
	}
	s.objects.Close()
	s.must(p.Navigate(s.ctx, "about:blank"))
	s.must(p.Navigate(s.ctx, s.page.URL+"/"))
	// Nothing in the clear stays behind.
	s.until(p, `navigator.storage.getDirectory().then(async (root) => {
		for await (const name of root.keys()) if (name !== "copies" && name !== "picked") return false;
		return true;
	})`)
	s.click(p, ".kept button")
	s.until(p, plays)
	s.must(p.Navigate(s.ctx, "about:blank"))
	s.must(p.Navigate(s.ctx, s.page.URL+"/"))
	s.until(p, picks)
	s.until(p, fmt.Sprintf(`(document.getElementById("startlink").value = %q, true)`, s.page.URL+"/#"+s.invitation))
	s.click(p, "#pickfolder")
	s.until(p, plays)
	if e := p.Errors(); len(e) > 0 {
		t.Errorf("the page says %q", e)
	}

	// A copy that was removed is gone.
	s.must(p.Navigate(s.ctx, "about:blank"))
	s.must(p.Navigate(s.ctx, s.page.URL+"/"))
	s.click(p, ".kept button:last-of-type")
	s.until(p, `!document.querySelector(".kept button")`)
	if left, err := player.Eval[int](s.ctx, p, `(async () => {
		let n = 0;
		for await (const _ of (await (await navigator.storage.getDirectory()).getDirectoryHandle("copies")).keys()) n++;
		return n;
	})()`); err != nil || left != 0 {
		t.Errorf("%d files are left, %v", left, err)
	}
}

// session opens the recording as the command does.
func (s *playerSite) session() *playback.Session {
	s.Helper()
	card, err := s.signer.Card()
	s.must(err)
	v, err := note.NewVerifier(card.Key)
	s.must(err)
	store, err := dir.Open(s.store)
	s.must(err)
	s.Cleanup(func() { store.Close() })
	opened, err := tape.Open(s.ctx, store, s.id, tape.Options{Options: archive.Options{Verifiers: note.VerifierList(v), Identities: s.reader.AgeIdentities()}})
	s.must(err)
	session, err := opened.Session(s.ctx)
	s.must(err)
	return session
}

// same waits for the download of a format, and compares it.
func (s *playerSite) same(downloads, format, want string) {
	s.Helper()
	wanted, err := os.ReadFile(want)
	s.must(err)
	for {
		found, err := filepath.Glob(filepath.Join(downloads, "*."+format))
		s.must(err)
		if len(found) > 0 {
			got, err := os.ReadFile(found[0])
			s.must(err)
			if !bytes.Equal(got, wanted) {
				s.Errorf("%s has %d bytes, want the %d of the command", found[0], len(got), len(wanted))
			}
			return
		}
		select {
		case <-s.ctx.Done():
			s.Fatalf("no download of %s", format)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// One file on a disk plays a folder that was picked, without a server.
func TestPlayerOneFile(t *testing.T) {
	s := newPlayerSite(t)
	s.config.Stores = nil
	f, err := site.BuildOneFile(s.config)
	s.must(err)
	path := filepath.Join(s.dir, f.Name)
	s.must(os.WriteFile(path, f.Data, 0o600))
	address := (&url.URL{Scheme: "file", Path: path}).String()
	p := s.open(address)
	s.until(p, `document.getElementById("startfolder")`)
	s.must(p.SetFiles(s.ctx, "#startfolder", s.store))
	s.until(p, `document.getElementById("starterror").textContent.startsWith("Nothing says who recorded this")`)

	// With the recorder's card in the folder it is known who is claimed to have recorded.
	card, err := s.signer.Card()
	s.must(err)
	text, err := card.Marshal()
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.store, "recorder.card"), text, 0o600))
	// Others' cards are there, too, as where a whole team's are: they change nothing.
	for n := range 12 {
		var other *keys.Identity
		if other, err = keys.Generate("Somebody"); n == 0 {
			other, err = keys.GenerateAs(keys.Description{Name: "Another recorder", Role: keys.Recorder})
		}
		s.must(err)
		card, err := other.Card()
		s.must(err)
		text, err := card.Marshal()
		s.must(err)
		s.must(os.WriteFile(filepath.Join(s.store, fmt.Sprintf("other-%02d.card", n)), text, 0o600))
	}
	s.must(p.SetFiles(s.ctx, "#startfolder", s.store))
	s.giveKey(p, false)
	s.until(p, plays)
	s.click(p, "#badges button")
	s.until(p, fmt.Sprintf(`document.querySelector("#badges").innerText.startsWith("Recorder claimed") && document.querySelector(".popover code")?.textContent === %q`, card.Fingerprint().String()))
	if kept, err := player.Eval[bool](s.ctx, p, `!document.getElementById("keepkey")`); err != nil || !kept {
		t.Errorf("it offers to keep the key, %v", err)
	}

	// A link is pasted in, and the store is asked; the key is asked for again.
	s.must(p.Navigate(s.ctx, "about:blank"))
	s.must(p.Navigate(s.ctx, address))
	s.until(p, `document.getElementById("startlink")`)
	s.must(p.Do(s.ctx, fmt.Sprintf(`document.getElementById("startlink").value = "https://tapes.example.org/#" + %q`, s.invitation)))
	s.click(p, "#start form button")
	s.giveKey(p, false)
	s.until(p, plays)
	if e := p.Errors(); len(e) > 0 {
		t.Errorf("the page says %q", e)
	}
}
