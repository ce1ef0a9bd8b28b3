package main

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// An objectServer gives the objects in a folder to pages of other origins, as a bucket
// does, after some time, and sometimes others.
type objectServer struct {
	*httptest.Server
	folder string
	delay  time.Duration

	mu     sync.Mutex
	asked  map[string]int
	change map[string]func(data []byte) (status int, changed []byte)
}

func newObjectServer(t testing.TB, folder string, delay time.Duration) *objectServer {
	t.Helper()
	s := &objectServer{folder: folder, delay: delay, asked: make(map[string]int), change: make(map[string]func([]byte) (int, []byte))}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *objectServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	s.asked[name]++
	change := s.change[name]
	s.mu.Unlock()
	select {
	case <-time.After(s.delay):
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	data, err := os.ReadFile(filepath.Join(s.folder, filepath.FromSlash(path.Clean("/"+name))))
	status := http.StatusOK
	if err != nil {
		status, data = http.StatusNotFound, nil
	}
	if change != nil {
		status, data = change(data)
	}
	w.WriteHeader(status)
	w.Write(data)
}

// set has an object given in another way from now on.
func (s *objectServer) set(name string, change func(data []byte) (int, []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change[name] = change
}

// times returns how often an object was asked for.
func (s *objectServer) times(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

// A recorded meeting is in a folder, with what a page needs to play it.
type recorded struct {
	folder, id string
	vkey       string
	secrets    map[int]string
	share      *string // what is sealed in a share, if there is one that opens
}

// record seals a meeting into a folder.
func record(t testing.TB, make func(player.Readers) (player.Meeting, error)) recorded {
	t.Helper()
	people, err := player.NewPeople(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m, err := make(people.Readers)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	id, err := player.Write(folder, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	card, err := people.Signer.Card()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, folder, id, card.Key, people.Signer.AgeIdentities())
}

// open returns what a page needs to play a recording of a folder.
func open(t testing.TB, folder, id, vkey string, identities []age.Identity) recorded {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rec, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: note.VerifierList(v), Identities: identities})
	if err != nil {
		t.Fatal(err)
	}
	r := recorded{folder: folder, id: id, vkey: vkey, secrets: make(map[int]string)}
	for _, e := range rec.Epochs() {
		secret, err := rec.EpochSecret(t.Context(), e.Number)
		if err != nil {
			t.Fatal(err)
		}
		r.secrets[e.Number] = secret.(*age.HybridIdentity).String()
	}
	return r
}

// A pageServer serves the page of the tests, for one recording.
type pageServer struct {
	*httptest.Server
	mu       sync.Mutex
	settings map[string]any
}

func servePage(t testing.TB, r recorded, objects *objectServer) *pageServer {
	t.Helper()
	main, err := os.ReadFile("testdata/main.js")
	if err != nil {
		t.Fatal(err)
	}
	page := overlaid{web.Page(), fstest.MapFS{"page/alone/main.js": {Data: main}}}
	built, err := site.Build(site.Config{Page: page, Program: compiled(t), Glue: site.Glue(), Version: "test", Stores: []string{objects.URL}})
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]site.File)
	for _, f := range built.Files {
		files[f.Name] = f
	}
	s := &pageServer{settings: map[string]any{"recorders": []any{map[string]any{"key": r.vkey, "who": "Owner"}}, "recording": r.id}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		name := strings.TrimPrefix(q.URL.Path, "/")
		if name == "config.json" {
			s.mu.Lock()
			defer s.mu.Unlock()
			json.NewEncoder(w).Encode(map[string]any{"settings": s.settings, "secrets": r.secrets,
				"invitation": map[string]any{"store": objects.URL, "recording": r.id, "query": "", "credentials": nil, "presigned": nil}})
			return
		}
		f, ok := files[name]
		if name == "" {
			f, ok = built.Files[0], true
		}
		if !ok {
			http.NotFound(w, q)
			return
		}
		w.Header().Set("Content-Type", f.Type)
		if name != "" {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		w.Write(f.Data)
	}))
	t.Cleanup(s.Close)
	return s
}

// overlaid are files some of which are others.
type overlaid struct{ under, over fs.FS }

func (o overlaid) Open(name string) (fs.File, error) {
	if f, err := o.over.Open(name); err == nil {
		return f, nil
	}
	return o.under.Open(name)
}

// chromium is the process in which all pages of the tests are.
var chromium = player.Chromium{Measure: true}

func TestMain(m *testing.M) { os.Exit(player.Run(m, &chromium)) }

// A watching is a browser with the page.
type watching struct {
	*player.Page
	t   testing.TB
	ctx context.Context
}

func watch(t testing.TB, c player.PageConfig) *watching {
	t.Helper()
	ctx := sample.Context(t)
	c.In, c.Log = &chromium, func(text string) { t.Log(text) }
	p, err := player.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return &watching{p, t, ctx}
}

func (w *watching) until(js string) {
	w.t.Helper()
	if err := w.Until(w.ctx, js); err != nil {
		shown, _ := player.Eval[string](w.ctx, w.Page, "document.body.innerText.slice(0, 500)")
		w.t.Fatalf("%s: %v; errors %q; the page shows %q", js, err, w.Errors(), shown)
	}
}

func (w *watching) do(js string) {
	w.t.Helper()
	if err := w.Do(w.ctx, js); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watching) want(js, value string) {
	w.t.Helper()
	got, err := player.Eval[string](w.ctx, w.Page, "(async () => String(await ("+js+")))()")
	if err != nil {
		w.t.Fatal(err)
	}
	if got != value {
		w.t.Errorf("%s is %s, want %s", js, got, value)
	}
}

// playing waits until pictures of a time and later are shown.
const playing = `sealtape?.player && !sealtape.player.waiting && [...sealtape.player.elements().values()].some((e) => e.videoWidth > 0 && e.currentTime > %v)`
