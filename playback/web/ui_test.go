package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	playback "github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// The recordings of the fixture: see pagetest/fixture/README.md.
const (
	meeting = "01JD3Q8ZC5MEETING" // all states, hostile names and chat, no media
	crowd   = "01JD4BIGMEETING"   // 30 people, live
	sealed  = "01JD5LOCKED"       // no key
	broken  = "01JD6BROKEN"       // failed verification
	worded  = "01JD8WORDED"       // the meeting, with what was said in it
	later   = "01JD7LATER"        // the store does not answer
)

// none is a library without recordings: the fixture answers in its place.
type none struct{}

func (none) Recordings(context.Context) ([]*tape.Description, error) { return nil, nil }
func (none) Near(context.Context, string, int) ([]*tape.Description, bool, error) {
	return nil, false, nil
}
func (none) Some(context.Context, []string) ([]*tape.Description, error) { return nil, nil }
func (none) Open(context.Context, string) (playback.Recording, error) {
	return nil, errors.New("not by this way")
}

// A site is the real server with a fixture for an API, and a browser.
type site struct {
	*testing.T
	ctx  context.Context
	url  string // of the page, with a slash
	list func() (int, string)
	// words changes the page's words on their way to the browser, if not nil.
	words func(module string) string
}

// parts are those of the large meeting: the second is what is played.
const parts = `{"parts":[{"id":"a","start":"2026-03-01T09:00:00Z","duration":600,"access":"all"},
	{"id":%q,"start":"2026-03-01T09:30:00Z","duration":60,"access":"all","gap":1200},
	{"id":"b","start":"","duration":0,"access":"none"}]}`

func newSite(t *testing.T) *site {
	sample.Live(t)
	read := func(name string) string {
		b, err := os.ReadFile("pagetest/fixture/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	s := &site{T: t}
	library, one := read("library.json"), read("meeting.json")
	s.list = func() (int, string) { return 200, library }
	answers := map[string]func() (int, string){
		meeting: func() (int, string) { return 200, one },
		crowd:   func() (int, string) { return 200, crowded(t, one) },
		worded:  func() (int, string) { return 200, spoken(t, one) },
		sealed:  func() (int, string) { return 423, `{"error":"locked"}` },
		broken:  func() (int, string) { return 422, `{"error":"failed"}` },
		later:   func() (int, string) { return 503, `{"error":"later"}` },
	}
	p, err := playback.New(playback.Config{Library: none{}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Config{Player: p})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, rest, api := strings.Cut(r.URL.Path, "/api/recordings")
		if !api && s.words != nil && strings.HasSuffix(path.Dir(r.URL.Path), "/languages") {
			w = &changed{w, s.words}
		}
		if !api {
			server.ServeHTTP(w, r)
			return
		}
		status, body := 404, `{"error":"gone"}`
		switch id, rest, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/"); {
		case id == "":
			status, body = s.list()
		case strings.HasPrefix(rest, "segments/"):
			status, body = 200, "" // nobody sent anything
		case rest == "meeting" && id == crowd:
			status, body = 200, fmt.Sprintf(parts, id)
		case r.URL.Query().Has("wait"):
			<-r.Context().Done()
			return
		case answers[id] != nil:
			status, body = answers[id]()
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	s.url = server.URL(strings.TrimPrefix(front.URL, "http://"))
	s.ctx = browse(t)
	s.do(player.Expose(), player.Focused(), keepNames())
	return s
}

// browse opens a window of the Chromium that tests share, as if it were another browser's.
func browse(t *testing.T) context.Context {
	shared, err := web.Chromium.Context(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(shared, chromedp.WithNewBrowserContext())
	ctx, timeout := context.WithTimeout(ctx, 5*time.Minute) // only so that nothing hangs
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		timeout()
		cancel()
	})
	return ctx
}

// keepNames is an action after which the browser keeps what it tells assistive
// technology, instead of finding it out anew for each element that checks.js asks.
func keepNames() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, accessibility.Enable, cdp.Empty{})
		return err
	})
}

// crowded is the meeting with 30 people, still going on. Two have the same name.
func crowded(t *testing.T, one string) string {
	var r map[string]any
	if err := json.Unmarshal([]byte(one), &r); err != nil {
		t.Fatal(err)
	}
	var events []any
	for i := range 30 {
		events = append(events, map[string]any{"t": 1, "type": "join", "participant": fmt.Sprintf("p%d", i), "name": fmt.Sprintf("Member %d of the crowd", min(i, 28))})
		for from := 10 + 7*i; from < 1400; from += 210 {
			events = append(events, map[string]any{"t": from + 6, "type": "speaking", "participant": fmt.Sprintf("p%d", i), "from": from, "to": from + 6})
		}
	}
	r["id"], r["state"], r["events"], r["events_total"] = crowd, "open", events, len(events)
	r["tracks"], r["holes"] = []any{}, []any{}
	for _, seg := range r["segments"].([]any) {
		seg.([]any)[3], seg.([]any)[4] = "r", []any{}
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// do runs actions in the browser.
func (s *site) do(actions ...chromedp.Action[chromedp.Void]) {
	s.Helper()
	if err := chromedp.Do(s.ctx, actions...); err != nil {
		s.Fatal(err)
	}
}

// open goes to a page, "" for the library, and waits until it shows something.
func (s *site) open(path string) {
	s.Helper()
	checks, err := os.ReadFile("pagetest/checks.js")
	if err != nil {
		s.Fatal(err)
	}
	// From elsewhere: a change of the fragment alone would not load the page. Elsewhere is a
	// page of this server that is not there, since another origin would be in another process,
	// which takes as long to start as the page.
	s.do(chromedp.Navigate(s.url+"none"), chromedp.Navigate(s.url+path))
	s.wait(`document.readyState === "complete" && !document.body.classList.contains("loading") &&
		(window.sealtape || !document.getElementById("message").hidden || document.querySelector("#results")?.getAttribute("aria-busy") === "false")`)
	s.do(chromedp.Evaluate[chromedp.Void](string(checks)))
}

// wait waits until the expression is true.
func (s *site) wait(js string) {
	s.Helper()
	for {
		_, err := chromedp.Run(s.ctx, chromedp.Poll[any](js, chromedp.WithPollingTimeout(time.Minute)))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "Cannot find context") { // it goes to another page meanwhile
			s.Fatalf("waiting for %s: %v", js, err)
		}
	}
}

// get evaluates an expression.
func get[T any](s *site, js string) T {
	s.Helper()
	v, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		s.Fatalf("%s: %v", js, err)
	}
	return v
}

// want fails unless the expression has the value.
func want[T comparable](s *site, js string, value T) {
	s.Helper()
	if got := get[T](s, js); got != value {
		s.Errorf("%s = %v, want %v", js, got, value)
	}
}

// check runs checks of checks.js, which must find nothing.
func (s *site) check(names ...string) {
	s.Helper()
	for _, name := range names {
		for _, fault := range get[[]string](s, "checks."+name+"()") {
			s.Errorf("%s: %s", name, fault)
		}
	}
}

func (s *site) key(keys ...string) {
	s.Helper()
	for _, k := range keys {
		s.do(chromedp.KeyEvent(k))
	}
}

func (s *site) at(seconds float64) {
	s.Helper()
	s.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("sealtape.player.seek(%g)", seconds)))
	s.wait(fmt.Sprintf("Math.abs(sealtape.player.time - %g) < 0.01", seconds))
	// Tiles and lists follow with the next event of the clock.
	s.do(chromedp.Evaluate[chromedp.Void](`new Promise((done) => setTimeout(done, 0)).then(() => new Promise(requestAnimationFrame))`, chromedp.EvalAwaitPromise))
}

// on runs a part of the test against the same browser.
func (s *site) on(name string, f func(s *site)) {
	s.T.Run(name, func(t *testing.T) {
		part := *s
		part.T = t
		f(&part)
	})
}

// tile is the state of a person's or a screen's tile.
func tile(key string) string {
	return fmt.Sprintf(`document.querySelector('.tile[data-key="%s"]')`, key)
}

func has(list []string, s string) bool { return slices.Contains(list, s) }
