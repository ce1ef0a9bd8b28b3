//go:build unix

package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// answer has the store answer differently from now on; nil is as it should be.
func (s *playerSite) answer(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = f
}

// TestPlayerSays: whoever was sent a link that does not play is told why, in words that
// lead on, whatever the link and the store are. Each then opens the right link in the same
// tab, as somebody does who was sent another one.
func TestPlayerSays(t *testing.T) {
	s := newPlayerSite(t)
	p := s.open(s.page.URL + "/#" + s.invitation)
	s.giveKey(p, true)
	s.until(p, plays+" && window.sealtape?.player")
	keep(t, s.ctx, p, "says-plays")
	const twice = `[...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i).join()`
	if ids, err := player.Eval[string](s.ctx, p, twice); err != nil || ids != "" {
		t.Errorf("several elements are %q, %v", ids, err)
	}

	status := func(code int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	other, err := keys.Generate("Eve")
	s.must(err)
	card, err := other.Card()
	s.must(err)
	field := func(letter, value string) string {
		return regexp.MustCompile("&"+letter+"=[^&]*").ReplaceAllString(s.invitation, "&"+letter+"="+value)
	}
	flipped := func(w http.ResponseWriter, r *http.Request) bool {
		b, err := os.ReadFile(filepath.Join(s.store, filepath.FromSlash(r.URL.Path)))
		if err != nil || !strings.Contains(r.URL.Path, "/log/") {
			return false
		}
		b[len(b)/2] ^= 1
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(b)
		return true
	}
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(card.Key, "+", 3)[2])
	s.must(err)
	raw := base64.RawURLEncoding.EncodeToString(key[1:])
	type trouble struct {
		name, link, want string
		answers          func(http.ResponseWriter, *http.Request) bool
	}
	// One of each kind, after which the right link is opened; and some of the others.
	cases := []trouble{
		{"another-recorder", field("k", raw), "Not signed by the recorder", nil},
		{"cut", s.invitation[:len(s.invitation)-10], "This link is damaged, or not all of it is here", nil},
	}
	kinds := len(cases)
	others := []trouble{
		{"tampered", "", "Failed verification", flipped},
		{"withheld", "", "No such recording", status(http.StatusNotFound, "")},
		{"refused", "", "The store does not give it", status(http.StatusForbidden, "<Error><Code>AccessDenied</Code></Error>")},
		{"expired", "", "The link has expired: ask for another one", status(http.StatusForbidden, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")},
		{"clock", "", "The clock of this device is wrong", status(http.StatusForbidden, "<Error><Code>RequestTimeTooSkewed</Code></Error>")},
		{"away", "", "The store does not answer", status(http.StatusServiceUnavailable, "")},
		{"redirected", "", "sealtape doctor --web " + s.page.URL, func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, s.page.URL+r.URL.Path, http.StatusFound)
			return true
		}},
		{"html", "", "Failed verification", status(http.StatusOK, "<!doctype html><title>Log in to the network</title>")},
		{"large", "", "Failed verification", status(http.StatusOK, strings.Repeat("a", 3<<20))},
		{"part", "", "Failed verification", status(http.StatusPartialContent, "sealtape.v1/")},
		{"cors", "", "sealtape doctor --web " + s.page.URL, func(w http.ResponseWriter, r *http.Request) bool {
			http.FileServer(http.Dir(s.store)).ServeHTTP(w, r)
			return true
		}},
		{"rolled-back", regexp.MustCompile(`&h=\d+\.`).ReplaceAllString(s.invitation, "&h=1000."), "An older state than you have seen", nil},
		{"another-state", field("h", s.field("h")[:strings.Index(s.field("h"), ".")+1]+raw), "An older state than you have seen", nil},
		{"another-store", field("s", "https://elsewhere.example"), "This page may not fetch from elsewhere.example", nil},
		{"script", field("s", "javascript:alert(1)"), "This link is damaged, or not all of it is here", nil},
		{"twice", s.invitation + "&r=" + s.id, "This link is damaged, or not all of it is here", nil},
		{"long", s.invitation + "&" + strings.Repeat("x", 9000), "This link is damaged, or not all of it is here", nil},
		{"encoded", strings.ReplaceAll(s.invitation, "&", "%26"), "This is no link to a recording", nil},
	}
	elsewhere := s.page.URL + "/none" // in the same process of the browser, which has the program compiled
	for i := range sample.Cases(t, len(others), 5) {
		cases = append(cases, others[i])
	}
	for i, c := range cases {
		s.answer(c.answers)
		made := c.link
		if made == "" {
			made = s.invitation
		}
		s.must(p.Navigate(s.ctx, elsewhere))
		s.must(p.Navigate(s.ctx, s.page.URL+"/#"+made))
		s.until(p, `document.readyState === "complete" && !document.body.classList.contains("loading")`)
		s.until(p, fmt.Sprintf(`/failed|starting/.test(document.body.className) && document.querySelector("main").innerText.includes(%q)`, c.want))
		if on, err := player.Eval[bool](s.ctx, p, `"sealtape" in window && !!window.sealtape`); err != nil || on {
			t.Errorf("%s: something plays, %v", c.name, err)
		}
		keep(t, s.ctx, p, "says-"+c.name)
		s.answer(nil)
		if i < kinds {
			s.must(p.Do(s.ctx, fmt.Sprintf("location.hash = %q", s.invitation)))
			s.until(p, plays)
		}
	}

	// Somebody who comes by the keyboard skips to the page's buttons, and the address stays.
	s.must(p.Navigate(s.ctx, elsewhere))
	s.must(p.Navigate(s.ctx, s.page.URL+"/#"+s.invitation))
	s.until(p, plays)
	s.must(p.Do(s.ctx, `document.querySelector(".skiplink").click()`))
	s.until(p, fmt.Sprintf(`location.hash.slice(1) === %q && document.activeElement.id === "page"`, s.invitation))
}

// field is the value of a field of the invitation.
func (s *playerSite) field(letter string) string {
	_, rest, _ := strings.Cut(s.invitation, "&"+letter+"=")
	value, _, _ := strings.Cut(rest, "&")
	return value
}
