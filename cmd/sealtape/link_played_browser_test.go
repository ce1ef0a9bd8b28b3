//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/testdata/player"
)

// TestLinkInBrowserPlays: who was sent a link, and was no reader before, opens it in a
// browser that has no key of theirs and has pinned nobody. They give the file with their
// key, and watch by the share in the link: by the policy that link says, and by presigned
// URLs. The store is a real one, and the page the one that player makes.
func TestLinkInBrowserPlays(t *testing.T) {
	withBrowsers(t, onePage)
	l := &linkLab{lab: newDesk(t)}
	people, err := player.NewNamedPeople(l.dir, "Owner", "Bob") // whom its recorder does not name
	if err != nil {
		t.Fatal(err)
	}
	// Ada reads it; she is not its recorder, and Bob's browser knows neither.
	var adaCard keys.Card
	l.ada, adaCard = l.person("Ada")
	recorder, err := people.Signer.Card()
	if err != nil {
		t.Fatal(err)
	}
	readers, err := cardRecipients(writeCard(t, adaCard))
	if err != nil {
		t.Fatal(err)
	}
	meeting, err := player.Flashes(player.Readers{All: readers}, 1, 1, 20*time.Second, false)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(l.dir, "store")
	if l.id, err = player.Write(folder, people.Signer.Signer(), meeting); err != nil {
		t.Fatal(err)
	}
	l.bob, l.store = people.Guest, l.minIO()
	l.bucket, _, _ = strings.Cut(strings.TrimPrefix(l.store, "s3://"), "/")
	l.must(l.ada, "keys", "add", writeCard(t, recorder), "--recorder", "--yes")
	l.must(people.Owner, "copy", l.id, "--to", l.store, "--store", folder)
	page := watchServer(t, http.FileServer(http.Dir(l.playerPages())))
	h, err := keys.OpenHome(l.bob)
	if err != nil {
		t.Fatal(err)
	}
	bob, err := h.Load(func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	bobCard, err := bob.Card()
	if err != nil {
		t.Fatal(err)
	}
	l.must(l.ada, "keys", "add", writeCard(t, bobCard), "--recorder", "--yes")
	export, err := bob.Export([]byte("xyzzy plugh"), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{"presigned", "public"} {
		if by == "public" {
			_, said, _ := l.run(l.ada, nil, "link", l.id, "--store", l.store, "--by", "public")
			if err := minIO.get(t).Policy(l.ctx, l.bucket, policyIn(t, said)); err != nil {
				t.Fatal(err)
			}
		}
		made, _ := l.link("--by", by, "--to", "Bob", "--page", page.URL+"/", "--at", "0:05")
		page.take()
		tab, err := player.Open(l.ctx, player.PageConfig{In: &pages, URL: made})
		if err != nil {
			t.Fatal(err)
		}
		until := func(js string) {
			t.Helper()
			if err := tab.Until(l.ctx, js); err != nil {
				t.Fatalf("%s: %v", by, err)
			}
		}
		until("document.querySelector('#keyfile')?.checkVisibility()")
		if err := tab.Do(l.ctx, fmt.Sprintf(`(() => {
			const files = new DataTransfer();
			files.items.add(new File([%q], "key.age"));
			document.getElementById("keyfile").files = files.files;
			document.getElementById("keypassphrase").value = "xyzzy plugh";
		})()`, export)); err != nil {
			t.Fatal(err)
		}
		if err := tab.Click(l.ctx, "form:has(#keyfile) button[type=submit]"); err != nil {
			t.Fatal(err)
		}
		until("window.sealtape?.player && document.querySelector('.start')?.checkVisibility()")
		if err := tab.Click(l.ctx, ".start"); err != nil {
			t.Fatal(err)
		}
		until("[...document.querySelectorAll('video')].some((v) => v.videoWidth > 0) && sealtape.player.time > 5.5")
		said, err := player.Eval[string](l.ctx, tab, "[location.hash.includes('&p='), !!sealtape.recording.claimant, sealtape.recording.unlisted, sealtape.recording.problems.length, sealtape.recording.sharedBy].join()")
		if err != nil || said != "false,true,true,0,"+strings.Split(adaCard.Key, "+")[0] {
			t.Errorf("%s: %s, %v", by, said, err)
		}
		keep(t, l.ctx, tab, "link-"+by)
		if err := tab.Close(); err != nil {
			t.Error(err)
		}
		for _, r := range page.take() {
			if strings.Contains(r.url, l.id) || strings.Contains(r.url, "&") || strings.Contains(r.header.Get("Referer"), "&") {
				t.Errorf("%s: the page's server saw %s %s, Referer %q", by, r.method, r.url, r.header.Get("Referer"))
			}
		}
	}
}

// playerPages makes a folder with the page that sealtape player makes for stores, or the tests' MinIO,
// without its compressed files, which take half a minute.
func (l *lab) playerPages(stores ...string) string {
	l.t.Helper()
	p, err := browserProgramOnce()
	if err != nil {
		l.t.Fatal(err)
	}
	config := p.config()
	if config.Stores = stores; len(stores) == 0 {
		config.Stores = []string{minIO.get(l.t).Endpoint}
	}
	built, err := site.Build(config)
	if err != nil {
		l.t.Fatal(err)
	}
	dir := filepath.Join(l.dir, "pages")
	for _, f := range built.Files {
		if err := site.WriteFile(filepath.Join(dir, f.Name), f.Data); err != nil {
			l.t.Fatal(err)
		}
	}
	return dir
}

// TestStoreServesPage: a page that the store itself serves takes no key of the reader's, and
// no passkey: it leads to a page of another site, which opens this recording and no other.
func TestStoreServesPage(t *testing.T) {
	withBrowsers(t, onePage)
	l := newLinkLab(t)
	to, err := url.Parse(minIO.get(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
	mux.Handle("/tapes/", http.StripPrefix("/tapes/", http.FileServer(http.Dir(l.playerPages()))))
	store := watchServer(t, mux)
	_, said, _ := l.run(l.ada, nil, "link", l.id, "--store", l.store, "--by", "public")
	if err := minIO.get(t).Policy(l.ctx, l.bucket, policyIn(t, said)); err != nil {
		t.Fatal(err)
	}
	made, said := l.link("--store-url", store.URL+strings.TrimPrefix(l.store, "s3:/"), "--page", store.URL+"/tapes/")
	if !strings.Contains(said, "the page and the store are one origin") {
		t.Errorf("link says nothing of it:\n%s", said)
	}
	tab, err := player.Open(l.ctx, player.PageConfig{In: &pages, URL: made})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tab.Close(); err != nil {
			t.Error(err)
		}
	}()
	// Where it can make passkeys, too.
	if err := tab.AddAuthenticator(l.ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := tab.Until(l.ctx, `!document.getElementById("keyquestion").hidden`); err != nil {
		t.Fatal(err)
	}
	got, err := player.Eval[string](l.ctx, tab, `[...document.querySelectorAll("#keyquestion :is(input, button)")].map((e) => e.id || e.type).join(" ")`)
	if want := "keysite submit button"; err != nil || got != want {
		t.Errorf("the page asks for %q, %v, want %q", got, err, want)
	}
	if text, err := player.Eval[string](l.ctx, tab, `document.getElementById("keyquestion").innerText`); err != nil || !strings.Contains(text, "this page takes none") {
		t.Errorf("it says %q, %v", text, err)
	}
	keep(t, l.ctx, tab, "store-serves-page")
}

// keep keeps a picture of the page where SEALTAPE_SCREENSHOTS is a folder.
func keep(t *testing.T, ctx context.Context, tab *player.Page, name string) {
	t.Helper()
	folder := os.Getenv("SEALTAPE_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := tab.Screenshot(ctx)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}
