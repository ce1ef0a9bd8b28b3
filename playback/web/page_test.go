package web

import (
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback/internal/playertest"
)

// forbidden are what the page must not have: what reaches out, what the content
// security policy would refuse, and what makes text of others into markup.
var forbidden = []struct {
	name string
	in   string // extensions
	re   *regexp.Regexp
	ours bool // not so in the page without a server, which has a store, and keys to keep; its policy holds it back
}{
	// Namespaces name, they are not fetched.
	{name: "address elsewhere", ours: true, in: ".html .css .js .svg", re: regexp.MustCompile(`(?i)\b(https?|wss?|ftp):/?/?[^\s"'` + "`" + `)]*`)},
	{name: "address without a scheme", in: ".html .css .js .svg", re: regexp.MustCompile(`(?i)(src|href|url\(|from|import\(?)\s*=?\s*["']?//`)},
	{name: "inline style", in: ".html .svg", re: regexp.MustCompile(`(?i)<[^>]*\sstyle\s*=|<style`)},
	{name: "inline style", in: ".js", re: regexp.MustCompile(`(?i)setAttribute\(\s*["'` + "`" + `]style|\sstyle=["']`)},
	{name: "inline handler", in: ".html .svg", re: regexp.MustCompile(`(?i)<[^>]*\son[a-z]+\s*=`)},
	{name: "inline script", in: ".html .svg", re: regexp.MustCompile(`(?i)<script(\s[^>]*)?>\s*[^<\s]`)},
	{name: "javascript: address", in: ".html .css .js .svg", re: regexp.MustCompile(`(?i)["'=]\s*javascript:`)},
	{name: "eval", in: ".js .html", re: regexp.MustCompile(`\beval\s*\(|new\s+Function\b|\bset(Timeout|Interval)\(\s*["'` + "`" + `]`)},
	{name: "markup from text", in: ".js .html", re: regexp.MustCompile(`\b(innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|setHTMLUnsafe|parseFromString|srcdoc)\b|document\.write`)},
	{name: "kept beyond the page", ours: true, in: ".js .html", re: regexp.MustCompile(`\b(serviceWorker|indexedDB|sendBeacon|WebSocket|EventSource|XMLHttpRequest|document\.cookie)\b`)},
}

// namespaces are addresses that nothing fetches.
var namespaces = regexp.MustCompile(`^http://www\.w3\.org/(2000/svg|1999/xlink|1999/xhtml|XML/1998/namespace)$`)

func faults(name, text string) (found []string) {
	for _, f := range forbidden {
		if !strings.Contains(f.in, path.Ext(name)) || f.ours && strings.HasPrefix(name, "page/alone/") {
			continue
		}
		for _, m := range f.re.FindAllString(text, -1) {
			if !namespaces.MatchString(m) {
				found = append(found, f.name+": "+m)
			}
		}
	}
	return found
}

// TestPage: the page reaches nothing but what serves it, and never makes markup
// of what others wrote.
func TestPage(t *testing.T) {
	for text, bad := range map[string]bool{
		`<script type="module" src="page/a.js"></script>`:                false,
		`<script>alert(1)</script>`:                                      true,
		`<script src="https://cdn.example/x.js"></script>`:               true,
		`<script src="//cdn.example/x.js"></script>`:                     true,
		`<p style="color: red">`:                                         true,
		`<p class="style">`:                                              false,
		`<button onclick="x()">`:                                         true,
		`<svg xmlns="http://www.w3.org/2000/svg">`:                       false,
		`<a href="javascript:x()">`:                                      true,
		`document.createElementNS("http://www.w3.org/2000/svg", "path")`: false,
	} {
		if got := faults("x.html", text); len(got) > 0 != bad {
			t.Errorf("%s: %q", text, got)
		}
	}
	for text, bad := range map[string]bool{
		"el.textContent = name":              false,
		"el.innerHTML = name":                true,
		"document.write(name)":               true,
		"eval(name)":                         true,
		"evaluate(name)":                     false,
		"retrieval()":                        false,
		"new Function('x')":                  true,
		"setTimeout('x()', 1)":               true,
		"setTimeout(() => x(), 1)":           false,
		"el.setAttribute('style', 'x')":      true,
		"el.style.width = '3px'":             false,
		`import { a } from "./b.js"`:         false,
		`import { a } from "https://b/b.js"`: true,
		`import { a } from "//b/b.js"`:       true,
		`fetch("https://b/b.js")`:            true,
		"navigator.serviceWorker.register":   true,
	} {
		if got := faults("x.js", text); len(got) > 0 != bad {
			t.Errorf("%s: %q", text, got)
		}
	}

	files, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 || len(files["page/index.html"].data) == 0 || len(files["page/watch.html"].data) == 0 {
		t.Fatalf("only %d files", len(files))
	}
	for name, f := range files {
		if strings.HasPrefix(f.mime, "image/png") {
			continue
		}
		source, err := page.ReadFile(name) // each module by itself, also of those that are linked
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults(name, string(source)) {
			t.Errorf("%s has an %s", name, fault)
		}
	}
}

// imported finds what a module, style sheet or page refers to.
var imported = regexp.MustCompile(`(?m)^\s*(?:\}|import|export)[^;"'\n]*?(?:\bfrom\s|import\s)\s*["']([^"']+)["'];|\bimport\(["']([^"']+)["']\)|\b(?:src|href)="([^"#]+)"`)

// TestReferences: what the page's files refer to is there.
func TestReferences(t *testing.T) {
	files, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, f := range files {
		for _, m := range imported.FindAllStringSubmatch(string(f.data), -1) {
			to := m[1] + m[2] + m[3]
			from := path.Dir(name)
			switch name {
			case "page/index.html": // served above
				from = "."
			case "page/watch.html": // served as watch/ID
				from = "watch"
			}
			if _, ok := files[path.Join(from, to)]; !ok && !strings.HasPrefix(to, "data:") && to != "./" && to != "../" {
				t.Errorf("%s refers to %s, which is not there", name, to)
			}
			n++
		}
	}
	if n < 10 {
		t.Errorf("only %d references", n)
	}
}

// TestLinked: the module of a document has in it what it imports, and nothing besides; what
// is no part of it, it finds where it is.
func TestLinked(t *testing.T) {
	files, err := assets()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ has, lacks string }{
		"page/view/watch.js":   {"page/view/controls/scrubber.js", "page/view/library_card.js"},
		"page/view/library.js": {"page/view/library_card.js", "page/engine/player.js"},
	} {
		script := string(files[name].data)
		has := func(module string) bool { return strings.Contains(script, "\n// "+module+"\n") }
		if !has(c.has) || has(c.lacks) || has("page/view/languages/fr.js") || !strings.Contains(script, `() => import("./languages/fr.js")`) || regexp.MustCompile(`(?m)^import `).MatchString(script) {
			t.Errorf("%s is not linked as it should be:\n%.500s", name, script)
		}
		for _, m := range regexp.MustCompile(`new URL\("([^"]+\.js)", import\.meta\.url\)`).FindAllStringSubmatch(script, -1) {
			if _, ok := files[path.Join(path.Dir(name), m[1])]; !ok {
				t.Errorf("%s refers to %s, which is not there", name, m[1])
			}
		}
	}
	if !strings.Contains(string(files["page/view/watch.js"].data), `new URL("./../engine/ticker_worker.js", import.meta.url)`) {
		t.Error("the watch page does not find its worker")
	}
}

// TestLanguageLink: a document names one language's words, those that the browser
// will choose.
func TestLanguageLink(t *testing.T) {
	s := serve(t, playertest.Meeting(t, 1))
	for accept, want := range map[string]string{
		"": "en", "de": "de", "de-AT,en;q=0.5": "de", "pl, FR-ca;q=0.8, en;q=0.5": "fr", "pl": "en", "*": "en",
		"../engine/player": "en", ", ,;q=1,es": "es",
	} {
		for path, base := range map[string]string{"": "", "watch/" + testID: "../"} {
			r := httptest.NewRequest(http.MethodGet, "http://"+testHost+"/"+s.token+"/"+path, nil)
			r.Header.Set("Accept-Language", accept)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if link := w.Header().Get("Link"); link != "<"+base+"page/view/languages/"+want+".js>; rel=modulepreload" {
				t.Errorf("%q: %q links to %s", accept, path, link)
			}
		}
	}
	if w := get(t, s, "page/view/watch.js"); w.Header().Get("Link") != "" {
		t.Error("a module has links")
	}
}
