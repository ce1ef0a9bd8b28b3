package web_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/sealtape/sealtape/testdata/sample"
)

// A changed answer has another body.
type changed struct {
	http.ResponseWriter
	change func(string) string
}

func (w *changed) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
}

func (w *changed) Write(b []byte) (int, error) {
	w.Header().Del("Content-Length")
	if _, err := w.ResponseWriter.Write([]byte(w.change(string(b)))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// message is a text of a module of words, behind its key or its form.
var message = regexp.MustCompile(`(?m)(: )"((?:[^"\\]|\\.)*)"(,$|,? )`)

// TestPageLanguage: all that the page says comes from its words, and these are in
// the browser's language.
func TestPageLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	allWords(s)
	languages(s)
}

// allWords gives each text brackets, and looks for text without.
func allWords(s *site) {
	s.words = func(module string) string { return message.ReplaceAllString(module, `$1"⟦$2⟧"$3`) }
	defer func() { s.words = nil }()
	s.open("watch/" + meeting + "#t=330")
	want(s, `document.getElementById("tab-feed").textContent`, "⟦Chat and events⟧")
	s.check("words")
	for _, t := range []float64{200, 540, 930, 1140} {
		s.at(t)
		s.check("words")
	}
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[data-filter="detail"]').click()`))
	s.check("words")
	for _, open := range []string{`document.querySelector("#badges button").click()`, tile("p:ben-7f") + `.querySelector(".tools button:last-child").click()`,
		`document.getElementById("tab-people").click()`, `document.getElementById("helpbutton").click()`} {
		s.do(chromedp.Evaluate[chromedp.Void](open))
		s.check("words")
	}
	for _, path := range []string{"watch/" + crowd, "watch/" + sealed, "watch/" + later, ""} {
		s.open(path)
		s.check("words")
	}
	s.do(chromedp.SendKeys("#search", "zzz"))
	s.check("words")
	s.list = func() (int, string) { return 200, `{"recordings": []}` }
	s.open("")
	s.check("words")
}

// languages: the document, its numbers and its dates are in the first language that
// the browser's user reads and the page has. No other is loaded.
func languages(s *site) {
	cases := []struct{ languages, lang, tab, played, loaded string }{
		{"de-AT,en", "de-AT", "Chat und Ereignisse", "12 Minuten, 34 Sekunden von 25 Minuten", "de.js"},
		{"pl,fr", "fr", "Discussion et événements", "12 minutes 34 secondes sur 25 minutes", "fr.js"},
		{"es-MX", "es-MX", "Chat y eventos", "12 minutos 34 segundos de 25 minutos", "es.js"},
		{"pl", "en", "Chat and events", "12 minutes 34 seconds of 25 minutes", "en.js"},
	}
	for i := range sample.Cases(s.T, len(cases), 2) {
		c := cases[i]
		s.do(speak(get[string](s, "navigator.userAgent"), c.languages))
		s.open("watch/" + meeting + "#t=754")
		want(s, "document.documentElement.lang", c.lang)
		want(s, "document.documentElement.dir", "ltr")
		want(s, `document.getElementById("tab-feed").textContent`, c.tab)
		want(s, `document.getElementById("seek").getAttribute("aria-valuetext").replaceAll("\u202f", " ").replaceAll("\u00a0", " ")`, c.played)
		loaded := get[string](s, `performance.getEntriesByType("resource").filter((e) => e.name.includes("/languages/")).map((e) => e.name.split("/").pop()).join()`)
		if loaded != c.loaded {
			s.Errorf("with %s: %s was loaded", c.languages, loaded)
		}
		s.check("hostile", "names", "tiles")
		s.window(390, 844, false)
		s.check("hostile", "tiles")
		s.window(1400, 900, false)
		s.open("")
		if title := get[string](s, "document.title"); !strings.HasSuffix(title, " – Sealtape") {
			s.Errorf("the list is called %q", title)
		}
		s.check("hostile", "names")
	}
}

// speak is an action after which the browser's user reads other languages.
func speak(agent, languages string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: languages})
		return err
	})
}
