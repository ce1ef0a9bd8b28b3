//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/keys"
)

// A webServer gives the files of a folder, and notes what it was asked.
type webServer struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	token  string // a request has to have it, if it is not ""
	cors   string // Access-Control-Allow-Origin, also where it refuses
	expose bool   // lists folders
}

func serveFolder(t *testing.T, folder string) *webServer {
	w := &webServer{}
	files := http.FileServer(http.Dir(folder))
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked = append(w.asked, r.Method+" "+r.URL.String())
		if w.cors != "" {
			out.Header().Set("Access-Control-Allow-Origin", w.cors)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/") && w.expose:
			_, _ = out.Write([]byte("<h1>Index of /store</h1>"))
		case strings.HasSuffix(r.URL.Path, "/"), w.token != "" && r.URL.RawQuery != w.token:
			http.Error(out, "no", http.StatusForbidden)
		default:
			files.ServeHTTP(out, r)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *webServer) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// TestWebFolder: a folder on a web server is watched by a link, open to anybody or by a
// token, and doctor says what pages may read of it.
func TestWebFolder(t *testing.T) {
	inRealTime(t)
	l := &linkLab{lab: newDesk(t)}
	var adaCard, bobCard keys.Card
	l.ada, adaCard = l.recorder("Ada")
	l.bob, bobCard = l.person("Bob", adaCard)
	l.must(l.ada, "keys", "add", writeCard(t, bobCard), "--yes")
	l.store = filepath.Join(l.dir, "web", "some folder")
	out, err := l.program("make-recording", l.ada, nil, l.store).Output()
	if err != nil {
		t.Fatal(err)
	}
	l.id = strings.TrimSpace(string(out))
	w := serveFolder(t, filepath.Dir(l.store))
	address := w.URL + "/some%20folder"

	made, said := l.link("--to", "Bob", "--store-url", address)
	if !strings.HasPrefix(made, "#1&s="+strings.ReplaceAll(address, "%", "%25")+"&r="+l.id+"&k=") || !strings.Contains(said, "sealtape play 'LINK'") {
		t.Errorf("%s\n%s", made, said)
	}
	if f := l.fetch(made); f.Failed != "" || f.Objects == 0 || f.Tried["share"] != "" || f.Listing != "notListed" {
		t.Errorf("the page reads %+v", f)
	}
	if out, errs, code := l.asStranger(l.bob, "", "verify", made); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	// The program's page begins where the link says.
	at, _ := l.link("--to", "Bob", "--store-url", address, "--at", "0:01")
	p := l.start(l.command(l.bob, []string{"AWS_ACCESS_KEY_ID="}, "play", at, "--no-browser"))
	if !strings.HasPrefix(p.first, "http://127.0.0.1:") || !strings.HasSuffix(p.first, "#t=1") {
		t.Errorf("sealtape play says %s", p.first)
	}
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("sealtape play: exit code %d\n%s", code, p.stderr())
	}
	// The share is found again, and made once.
	if again, _ := l.link("--to", "Bob", "--store-url", address); again != made {
		t.Errorf("made again it is\n%s, before\n%s", again, made)
	}
	// sealtape share prints it, too.
	if _, errs, code := l.run(l.ada, nil, "share", l.id, "--to", "Bob", "--store", l.store, "--link"); code != 2 || !strings.Contains(errs, "a folder has no address") {
		t.Errorf("exit code %d\n%s", code, errs)
	}

	// By a token, which is in a file, and which every request has.
	token := "sv=2026&sig=a%2Bb%3D"
	w.set(func() { w.token, w.asked = token, nil })
	file := filepath.Join(l.dir, "token")
	if err := os.WriteFile(file, []byte("?"+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := l.run(l.ada, nil, "link", l.id, "--store", l.store, "--store-url", address); code != 1 || !strings.Contains(errs, "nobody gets the recording at") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	made, said = l.link("--store-url", address, "--query-file", file, "--expires", "2h")
	_, invitation, _ := link.Cut(made)
	i, err := link.Parse(invitation)
	if err != nil || i.Query != token || i.Expires.IsZero() || !strings.Contains(said, "KEEP IT SECRET") {
		t.Fatalf("%+v, %v\n%s", i, err, said)
	}
	w.set(func() { w.asked = nil })
	if f := l.fetch(made); f.Failed != "" || f.Objects == 0 {
		t.Errorf("the page reads %+v", f)
	}
	if out, errs, code := l.asStranger(l.ada, made, "verify", "-"); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	w.set(func() {
		if len(w.asked) < 8 || slices.ContainsFunc(w.asked, func(s string) bool {
			return !strings.HasPrefix(s, "GET /some%20folder/"+l.id+"/") || !strings.HasSuffix(s, "?"+token)
		}) {
			t.Errorf("asked for %q", w.asked)
		}
	})

	// Once it has ended, it is said so, and nothing is called damaged.
	w.set(func() { w.token = "another" })
	i.Expires = i.Expires.AddDate(-1, 0, 0)
	if f := l.fetch("#" + i.String()); f.Failed != "expired" {
		t.Errorf("the page reads %+v", f)
	}
	_, errs, code := l.asStranger(l.ada, "", "info", "#"+i.String())
	if code != 1 || !strings.Contains(errs, "the link has expired, on ") || strings.Contains(errs, "damaged") || strings.Contains(errs, "sig=") {
		t.Errorf("exit code %d\n%s", code, errs)
	}

	// What pages may read.
	w.set(func() { w.token = "" })
	for _, tt := range []struct {
		what, cors, origin string
		expose             bool
		want               []string
	}{
		{"nothing", "", "https://meet.example.org", false, []string{"warning  gives pages", "warning  tells pages", `add_header Access-Control-Allow-Origin "https://meet.example.org" always;`, "ok       lists"}},
		{"another origin", "https://other.example", "https://meet.example.org", false, []string{"warning  gives pages", `allows "https://other.example"`}},
		{"this origin", "https://meet.example.org", "https://meet.example.org/tapes/", false, []string{"ok       gives pages", "ok       tells pages"}},
		{"all", "*", "https://meet.example.org", true, []string{"ok       gives pages", "ok       tells pages", "warning  lists", "strangers can list it"}},
		{"a page in a file", "https://meet.example.org", "null", false, []string{"warning  gives pages", `add_header Access-Control-Allow-Origin "*" always;`}},
		{"a page in a file, and all", "*", "file:///x.html", false, []string{"ok       gives pages"}},
	} {
		w.set(func() { w.cors, w.expose = tt.cors, tt.expose })
		out, errs, code := l.run(l.ada, nil, "doctor", "--store", l.store, "--web", tt.origin, "--store-url", address)
		for _, want := range tt.want {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%s: exit code %d, want %q\n%s%s", tt.what, code, want, out, errs)
			}
		}
	}
}
