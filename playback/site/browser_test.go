package site

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// tries is a worker that tries to reach what it is told, and what it must not do.
const tries = `
onmessage = async ({ data }) => {
	if (data.program) return postMessage({ ready: true });
	const tried = {};
	for (const [name, url] of Object.entries(data)) {
		tried[name] = await fetch(url, { mode: "no-cors" }).then(() => "reached", () => "refused");
	}
	const attempt = (name, act) => {
		try {
			act();
			tried[name] = "ran";
		} catch {
			tried[name] = "refused";
		}
	};
	attempt("eval", () => eval("1"));
	attempt("Function", () => new Function("return 1")());
	attempt("importScripts", () => importScripts(data.third));
	postMessage(tried);
};
`

// A third is an origin that the page has no business with.
type third struct {
	*httptest.Server
	mu   sync.Mutex
	hits []string
}

func newThird(t *testing.T) *third {
	s := &third{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.hits = append(s.hits, r.URL.String())
		w.Header().Set("Access-Control-Allow-Origin", "*")
		fmt.Fprint(w, "1;")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *third) reached() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hits)
}

// tryingConfig makes a site whose worker tries things, and whose program does nothing.
func tryingConfig(stores ...string) Config {
	c := testConfig()
	c.Page = overlaid{web.Page(), fstest.MapFS{workerName: {Data: []byte(tries)}}}
	c.Program, c.Stores = []byte("\x00asm\x01\x00\x00\x00"), stores
	return c
}

// shared is the process in which all pages of the tests are.
var shared player.Chromium

func TestMain(m *testing.M) { os.Exit(player.Run(m, &shared)) }

func open(t *testing.T, url string) *player.Page {
	t.Helper()
	page, err := player.Open(t.Context(), player.PageConfig{In: &shared, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	})
	return page
}

func eval[T any](t *testing.T, p *player.Page, js string) T {
	t.Helper()
	v, err := player.Eval[T](t.Context(), p, js)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func until(t *testing.T, p *player.Page, js string) {
	t.Helper()
	if err := p.Until(sample.Context(t), js); err != nil {
		t.Fatal(err)
	}
}

// TestReaches: page and worker reach their own origin and their store, and nothing else,
// wherever the policy comes from.
func TestReaches(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	store, elsewhere := newThird(t), newThird(t)
	folder := t.TempDir()
	p := open(t, "about:blank")
	for name, kind := range map[string]string{"a plain host": "plain", "a host with headers": "direct", "a disk": "file"} {
		t.Run(name, func(t *testing.T) {
			c := tryingConfig(store.URL)
			c.Direct = kind == "direct"
			s := build(t, c)
			var headers []header
			if c.Direct {
				headers = c.headers(s.policy)
			}
			server := host(t, s, headers, nil)
			address := server.URL + "/tapes/"
			want := map[string]string{"own": "reached", "store": "reached", "third": "refused", "eval": "refused", "Function": "refused", "importScripts": "refused"}
			if kind == "file" {
				f, err := BuildOneFile(c)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, f.Name), f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
				address = (&url.URL{Scheme: "file", Path: filepath.Join(folder, f.Name)}).String()
				want["own"] = "refused" // it is not its own there
			}
			if err := p.Navigate(t.Context(), address+"#a link"); err != nil {
				t.Fatal(err)
			}
			until(t, p, `document.body.classList.contains("starting")`)
			if got := eval[string](t, p, `[...document.querySelectorAll("link[rel=preconnect]")].map((l) => l.href).join()`); got != store.URL+"/" {
				t.Errorf("it connects to %q beforehand", got)
			}
			before := len(store.reached())
			got := eval[map[string]string](t, p, fmt.Sprintf(`sealtapeParts.worker().then((w) => new Promise((done, fail) => {
				w.onmessage = ({ data }) => done(data);
				w.onerror = () => fail(new Error("the worker did not start"));
				w.postMessage({ own: %q, store: %q, third: %q });
			}))`, server.URL+"/tapes/index.html", store.URL+"/o", elsewhere.URL+"/worker"))
			for what, how := range want {
				if got[what] != how {
					t.Errorf("%s: %s, want %s", what, got[what], how)
				}
			}
			if len(store.reached()) == before {
				t.Error("the store was not reached")
			}
			tried := eval[string](t, p, fmt.Sprintf(`(async () => {
				const third = %q, tried = [];
				await fetch(third + "/fetch", { mode: "no-cors" }).then(() => tried.push("fetch"), () => {});
				navigator.sendBeacon(third + "/beacon", "x");
				const loaded = (node, address) => new Promise((done) => {
					node.onload = () => done(tried.push(node.tagName));
					node.onerror = () => done();
					if (address) node[node.tagName === "LINK" ? "href" : "src"] = address;
					document.head.append(node);
				});
				await loaded(new Image(), third + "/image");
				await loaded(document.createElement("script"), third + "/script");
				await loaded(Object.assign(document.createElement("link"), { rel: "stylesheet" }), third + "/style");
				await loaded(document.createElement("iframe"), third + "/frame").catch(() => {});
				const inline = document.createElement("script");
				inline.textContent = "globalThis.ranInline = true";
				document.head.append(inline);
				if (globalThis.ranInline) tried.push("inline script");
				await new Promise((done) => {
					const socket = new WebSocket(third.replace("http", "ws") + "/socket");
					socket.onopen = () => done(tried.push("socket"));
					socket.onerror = done;
				}).catch(() => {});
				return tried.filter((what) => what !== "IFRAME").join();
			})()`, elsewhere.URL))
			if hits := elsewhere.reached(); tried != "" || len(hits) > 0 {
				t.Errorf("the page did %s, and the third origin got %q", tried, hits)
			}
		})
	}
}

// TestChangedParts: a part that is not the one that was built does not run.
func TestChangedParts(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s := build(t, tryingConfig())
	var mu sync.Mutex
	change := ""
	server := host(t, s, nil, func(name string, data []byte) (int, []byte) {
		mu.Lock()
		defer mu.Unlock()
		if change != "" && strings.HasPrefix(name, change) {
			data = bytes.Join([][]byte{data, []byte("\n")}, nil)
			if strings.HasSuffix(name, ".js") {
				data = append(data, "globalThis.evil = true;\n"...)
			}
		}
		return 200, data
	})
	p := open(t, server.URL+"/tapes/")
	until(t, p, `document.body.classList.contains("starting")`)
	state := `(async () => ({
		page: document.body.classList.contains("starting"), evil: globalThis.evil === true,
		style: getComputedStyle(document.body).display === "grid",
		worker: await sealtapeParts.worker().then(() => true, () => false),
	}))()`
	type states struct{ Page, Evil, Style, Worker bool }
	if got, want := eval[states](t, p, state), (states{true, false, true, true}); got != want {
		t.Fatalf("as built: %+v", got)
	}
	for part, want := range map[string]states{
		"page-":     {Worker: true}, // neither script nor styles
		"worker-":   {Page: true, Style: true},
		"sealtape-": {Page: true, Style: true}, // no worker runs without it
	} {
		mu.Lock()
		change = part
		mu.Unlock()
		if err := p.Navigate(t.Context(), "about:blank"); err != nil {
			t.Fatal(err)
		}
		if err := p.Navigate(t.Context(), server.URL+"/tapes/"); err != nil {
			t.Fatal(err)
		}
		if want.Page {
			until(t, p, `document.body.classList.contains("starting")`)
		}
		if got := eval[states](t, p, state); got != want {
			t.Errorf("with another %s: %+v, want %+v", part, got, want)
		}
	}
}

// TestFramed: in a frame the page starts nothing, and says why.
func TestFramed(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	c := tryingConfig()
	s := build(t, c)
	s.Files = append(s.Files, File{"around.html", typePage, []byte(`<!doctype html><iframe src="index.html"></iframe>`)})
	p := open(t, host(t, s, nil, nil).URL+"/tapes/around.html")
	until(t, p, `frames[0].document.getElementById("message")?.textContent.includes("Open this page by itself")`)
	if got := eval[string](t, p, `frames[0].document.documentElement.dataset.framed + typeof frames[0].sealtapeParts + frames[0].document.getElementById("start").childElementCount`); got != "undefined0" {
		t.Errorf("in the frame: %s", got)
	}
	// Where the host sends the headers, browsers do not even show it.
	if err := p.Navigate(t.Context(), host(t, s, c.headers(s.policy), nil).URL+"/tapes/around.html"); err != nil {
		t.Fatal(err)
	}
	if got := eval[string](t, p, `(() => {
		try {
			return frames[0].document.body.textContent;
		} catch (err) {
			return err.name;
		}
	})()`); got != "SecurityError" {
		t.Errorf("with headers: %s", got)
	}
}
