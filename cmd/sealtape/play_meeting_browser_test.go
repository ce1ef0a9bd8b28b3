//go:build unix

package main

import (
	"path/filepath"
	"testing"
)

// TestPlayGoesOn: at the end of a recording the page goes on with the next one of the meeting.
// It lists the parts, with what lies between, and goes back and forth; and so says the library
// which part each is.
func TestPlayGoesOn(t *testing.T) {
	l := newBrowserLab(t, onePage)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	first := l.sealed(home, store, "-segments", "1", "-room", "Weekly", "-start", "2026-03-01T09:30:00Z")
	second := l.sealed(home, store, "-segments", "1", "-room", "Weekly", "-start", "2026-03-01T09:30:10Z", "-follows", first)
	p := l.play(home, nil, first, "--no-browser", "--store", store)
	v := l.browser()
	v.view(p.url)
	v.do("window.sealtape.player.seek(1), window.sealtape.player.play()")
	v.until("location.pathname.endsWith('" + second + "') && window.sealtape?.player")
	v.until("window.sealtape?.player && (!window.sealtape.player.paused || window.sealtape.player.time > 0)")
	v.until("document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 2'")
	v.do("document.querySelector('.parts .partsbutton').click()")
	v.until("/8\\ssec later: nothing in between/.test(document.querySelector('.popover:popover-open .partlist')?.textContent)")
	keep(t, v.ctx, v.page, "meeting-parts")
	v.until("document.querySelector('.parts [data-icon=right]').disabled")
	v.do("document.querySelector('.popover .partlist button').click()")
	v.until("location.pathname.endsWith('" + first + "') && window.sealtape?.player?.paused && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 1 of 2'")
	v.do("document.querySelector('.parts [data-icon=right]').click()")
	v.until("location.pathname.endsWith('" + second + "') && document.querySelector('.parts:not([hidden]) .partsbutton')?.textContent === 'Part 2 of 2'")
	if err := v.page.Navigate(v.ctx, p.base); err != nil {
		t.Fatal(err)
	}
	v.until("document.body?.textContent.includes('Part 2 of 2, 8')")
}
