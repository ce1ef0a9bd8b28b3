//go:build unix

package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/testdata/player"
)

// TestPlayerFirefox: in Debian's Firefox a reader opens a link with the file with their key,
// keeps a copy, and watches that without the store; and the player that is one file, from a
// disk, plays what a link names.
func TestPlayerFirefox(t *testing.T) {
	s := newPlayerSite(t)
	file := filepath.Join(s.dir, "ada.age")
	s.must(os.WriteFile(file, []byte(s.key), 0o600))
	f, err := player.OpenFirefox(s.ctx, s.page.URL+"/#"+s.invitation)
	s.must(err)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	until := func(js string) {
		t.Helper()
		if err := f.Until(s.ctx, js); err != nil {
			shown, _ := player.EvalFirefox[string](s.ctx, f, "document.body.innerText.slice(0, 600)")
			t.Fatalf("%v; the page shows %q", err, shown)
		}
	}
	give := func() {
		t.Helper()
		until(`document.getElementById("keypassphrase")`)
		s.must(f.SetFiles(s.ctx, "#keyfile", file))
		until(fmt.Sprintf(`(document.getElementById("keypassphrase").value = %q, true)`, readerPassphrase))
		until(`(((keep) => { if (keep) keep.checked = true; })(document.getElementById("keepkey")), true)`)
		s.must(f.Click(s.ctx, "form:has(#keyfile) button[type=submit]"))
		// A browser that a test starts promises nothing.
		until(plays + ` || [...document.querySelectorAll("#keyquestion button")].some((b) => b.textContent === "Go on" && (b.click(), true))`)
		until(plays)
	}
	give()
	until(`document.getElementById("keep")`)
	s.must(f.Click(s.ctx, "#keep"))
	until(`[...document.querySelectorAll(".popover .actions button")].some((b) => b.textContent === "Keep it in this browser" && (b.click(), true))`)
	until(`/^Kept: /.test(document.querySelector(".popover [role=status]")?.textContent)`)

	one := s.config
	one.Stores = nil
	built, err := site.BuildOneFile(one)
	s.must(err)
	path := filepath.Join(s.dir, built.Name)
	s.must(os.WriteFile(path, built.Data, 0o600))
	s.must(f.Navigate(s.ctx, (&url.URL{Scheme: "file", Path: path}).String()))
	until(`document.getElementById("startlink")`)
	until(fmt.Sprintf(`(document.getElementById("startlink").value = "https://tapes.example.org/#" + %q, true)`, s.invitation))
	s.must(f.Click(s.ctx, "#start form button"))
	give()

	s.objects.Close()
	s.must(f.Navigate(s.ctx, s.page.URL+"/"))
	until(`document.querySelector(".kept button")`)
	if folder := os.Getenv("SEALTAPE_SHOTS"); folder != "" {
		png, err := f.Screenshot(s.ctx)
		s.must(err)
		s.must(os.WriteFile(filepath.Join(folder, "firefox-start.png"), png, 0o600))
	}
	s.must(f.Click(s.ctx, ".kept button"))
	until(plays) // the key is here, too
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.Contains(r, "r="+s.id) || strings.Contains(r, "k=") {
			t.Errorf("the link is in a request: %s", r)
		}
	}
}
