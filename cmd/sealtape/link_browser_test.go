//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/testdata/player"
)

// A request is what a server saw of one.
type request struct {
	method, url string
	header      http.Header
}

// A watchedServer notes all requests.
type watchedServer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []request
}

func watchServer(t *testing.T, h http.Handler) *watchedServer {
	w := &watchedServer{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.seen = append(w.seen, request{r.Method, r.URL.String(), r.Header.Clone()})
		w.mu.Unlock()
		h.ServeHTTP(out, r)
	}))
	t.Cleanup(w.Close)
	return w
}

// take returns what was asked since it was called before.
func (w *watchedServer) take() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// linkPage reads a recording by the link in its address, as the player does.
const linkPage = `<!doctype html><meta charset="utf-8"><title>t</title><script type="module">
import { take } from "./page/alone/link.js";
import { FetchStore } from "./page/alone/store.js";
const decrypt = async (file, identity) => {
	const answer = await fetch("./open", { method: "POST", body: JSON.stringify({ file: btoa(String.fromCharCode(...file)), identity }) });
	return new Uint8Array(await answer.arrayBuffer());
};
const read = async () => {
	const i = take(), store = new FetchStore(i, { decrypt }), result = { hash: location.hash, objects: 0, differ: 0 };
	const text = (b) => new TextDecoder().decode(b), hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
	result.head = text((await store.get(i.recording + "/head")).bytes).split("\n")[0];
	for (const [, digest, name] of text((await store.get(i.recording + "/log/0000")).bytes).matchAll(/^([0-9a-f]{64})  (.*)$/gm)) {
		result.objects++;
		if (hex((await store.get(i.recording + "/" + name)).digest) !== digest) result.differ++;
	}
	result.share = await store.get(i.recording + "/shares/" + i.share + ".age").then(() => "there", (err) => err.kind);
	result.missing = await store.get(i.recording + "/segments/000099.age").then(() => "there", (err) => err.kind);
	result.list = await store.list(i.recording + "/").then((all) => String(all.length), (err) => err.kind);
	return result;
};
window.result = await read().catch((err) => ({ failed: String(err) + (err.kind ?? "") }));
</script>`

// TestLinkInBrowser: by each kind of link a page in Chromium reads the recording from
// another origin, by requests that ask the server for nothing first. What stands behind
// the # of the link reaches no server, and what is secret of it leaves the address.
func TestLinkInBrowser(t *testing.T) {
	withBrowsers(t, onePage)
	l := newLinkLab(t)
	to, err := url.Parse(minIO.get(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	store := watchServer(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // which is signed
	}})
	l.vars = append(l.vars, "AWS_ENDPOINT_URL_S3="+store.URL)
	mux := http.NewServeMux()
	mux.Handle("/tapes/page/", http.StripPrefix("/tapes/page/", http.FileServer(http.Dir("../../playback/web/page"))))
	mux.HandleFunc("/tapes/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, linkPage)
	})
	mux.HandleFunc("/tapes/open", openSealed)
	page := watchServer(t, mux)

	for _, by := range []string{"session", "presigned", "public"} {
		if by == "public" {
			_, said, _ := l.run(l.ada, nil, "link", l.id, "--store", l.store, "--by", "public")
			if err := minIO.get(t).Policy(l.ctx, l.bucket, policyIn(t, said)); err != nil {
				t.Fatal(err)
			}
		}
		made, _ := l.link("--by", by, "--to", "Bob", "--page", page.URL+"/tapes/")
		_, invitation, _ := link.Cut(made)
		i, err := link.Parse(invitation)
		if err != nil {
			t.Fatal(err)
		}
		store.take()
		page.take()
		if !strings.HasPrefix(i.Store, store.URL) {
			t.Fatalf("the link is to %s", i.Store)
		}
		tab, err := player.Open(l.ctx, player.PageConfig{In: &pages, URL: made})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Hash, Head, Share, Missing, List, Failed string
			Objects, Differ                          int
		}
		check := func(when string) {
			err := tab.Until(l.ctx, "window.result")
			if err == nil {
				got, err = player.Eval[struct {
					Hash, Head, Share, Missing, List, Failed string
					Objects, Differ                          int
				}](l.ctx, tab, "window.result")
			}
			if err != nil {
				t.Fatal(err)
			}
			list, missing := "notListed", "absent"
			switch by {
			case "session":
				list = got.List
			case "presigned":
				missing = "refused"
			}
			if got.Failed != "" || got.Head != "sealtape.v1/"+l.id || got.Objects != int(i.Size) || got.Differ != 0 || got.Share != "there" || got.Missing != missing || got.List != list || list == "0" {
				t.Errorf("%s, %s: %+v; %q", by, when, got, tab.Errors())
			}
		}
		check("opened")
		// What stands in the address now lets nobody read.
		_, shown, _ := link.Cut(got.Hash)
		if open, err := link.Parse(shown); err != nil || open.Secret() || open.Recording != l.id {
			t.Errorf("%s: the address has %s", by, got.Hash)
		}
		if err := tab.Do(l.ctx, "void (window.result = null, location.reload())"); err != nil {
			t.Fatal(err)
		}
		check("reloaded")
		if err := tab.Close(); err != nil {
			t.Error(err)
		}

		for _, r := range page.take() {
			if strings.Contains(r.url, l.id) || strings.Contains(r.url, "&") || strings.Contains(r.header.Get("Referer"), "&") {
				t.Errorf("%s: the page's server saw %s %s, Referer %q", by, r.method, r.url, r.header.Get("Referer"))
			}
		}
		asked := store.take()
		if len(asked) < 2+int(i.Size) { // a reload finds some in the browser
			t.Errorf("%s: the store saw %d requests only", by, len(asked))
		}
		for _, r := range asked {
			unusual := slices.ContainsFunc([]string{"Authorization", "Range", "Referer", "Cookie", "Access-Control-Request-Method"}, func(h string) bool { return r.header.Get(h) != "" })
			if r.method != http.MethodGet || unusual || strings.Contains(r.url, "h=") || r.header.Get("Origin") != page.URL {
				t.Errorf("%s: the store saw %s %s %v", by, r.method, r.url, r.header)
			}
		}
	}
}

// openSealed opens an age file for the page of the test.
func openSealed(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		File     []byte
		Identity string
	}
	err := json.NewDecoder(io.LimitReader(r.Body, 4<<20)).Decode(&asked)
	if err == nil {
		var id *age.HybridIdentity
		if id, err = age.ParseHybridIdentity(asked.Identity); err == nil {
			var plain io.Reader
			if plain, err = age.Decrypt(strings.NewReader(string(asked.File)), id); err == nil {
				_, err = io.Copy(w, plain)
			}
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}
