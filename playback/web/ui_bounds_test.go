package web_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sealtape/sealtape/testdata/sample"
)

// TestPlayerPageBounds drives what the page does with many people, with little room
// and with refusals.
func TestPlayerPageBounds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.on("crowd", crowdOfThirty)
	s.on("narrow", narrow)
	s.on("errors", refusals)
}

// crowdOfThirty: many people stay usable, in each layout.
func crowdOfThirty(s *site) {
	s.open("watch/" + crowd + "#t=500")
	want(s, `document.querySelectorAll(".lane").length`, 30)
	want(s, `document.querySelectorAll(".tile.large").length`, 1)
	s.check("tiles", "names")
	want(s, `document.getElementById("golive").textContent`, "Go to live")
	s.key(kb.Tab, kb.Tab)
	want(s, "document.activeElement.id", "play")
	want(s, `document.querySelector(".pager").checkVisibility()`, true)
	first := get[string](s, `[...document.querySelectorAll(".tile:not(.large)")].map((n) => n.dataset.key).join()`)
	s.do(chromedp.Click(".pager button:last-child"))
	if get[string](s, `[...document.querySelectorAll(".tile:not(.large)")].map((n) => n.dataset.key).join()`) == first {
		s.Error("the next page has the same people")
	}
	s.key("g")
	want(s, `document.querySelectorAll(".tile").length`, 30)
	s.check("tiles")
	want(s, `document.querySelectorAll(".tile.speaking").length`, get[int](s, "sealtape.recording.at(500).speaking.length"))
	s.key("g", "g")
	// Lanes scroll, and the page does not.
	want(s, `((n) => n.scrollHeight > n.clientHeight)(document.querySelector(".lanelist"))`, true)
	want(s, "document.documentElement.scrollHeight <= innerHeight", true)
	s.do(chromedp.Click("#golive"))
	s.wait(`document.getElementById("golive").textContent === "Live"`)
}

// narrow: a phone has it all, below one another, and nothing is over anything else
// between a phone and a desktop.
func narrow(s *site) {
	defer s.window(1400, 900, false)
	for _, id := range []string{meeting, crowd} {
		s.window(390, 844, true)
		s.open("watch/" + id + "#t=330")
		s.check("hostile", "tiles", "names", "contrast")
		sizes := []struct {
			width, height int64
			screen        float64 // at the least, of the width of the player
		}{{1440, 900, 0.7}, {1024, 768, 0.7}, {899, 700, 0.7}, {844, 390, 0.4}, {821, 1180, 0.95}, {390, 844, 0.9}, {320, 640, 0.9}}
		for i := range sample.Cases(s.T, len(sizes), 4) {
			w := sizes[i]
			s.window(w.width, w.height, w.width < 900)
			s.check("hostile", "tiles", "room")
			if id == meeting {
				want(s, fmt.Sprintf(`document.querySelector(".large").offsetWidth >= document.getElementById("stage").offsetWidth * %g`, w.screen), true)
			}
			// The worst badge is seen however far the others are scrolled.
			s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("badges").scrollLeft = 1e6`))
			want(s, `((b) => document.elementFromPoint(b.left + 12, b.top + b.height / 2)?.closest(".badge")?.dataset.kind)(document.querySelector(".badge").getBoundingClientRect())`,
				map[string]string{meeting: "bad", crowd: "warn"}[id])
			s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("badges").scrollLeft = 0`))
		}
	}
	s.open("")
	for _, width := range []int64{1440, 890, 844, 390, 320} {
		s.window(width, 844, width < 900)
		s.check("hostile", "names", "contrast")
	}
}

// refusals: what cannot be opened says why, and how to go on.
func refusals(s *site) {
	for _, c := range []struct{ id, head, text string }{
		{sealed, "Locked", "No key of yours opens this."},
		{broken, "Failed verification", "What the store has is not what was recorded."},
		{later, "Cannot open this recording", "The store does not answer"},
		{"01NONE", "No such recording", "There is no such recording here."},
	} {
		s.open("watch/" + c.id)
		want(s, `document.querySelector("#message h2").textContent`, c.head)
		want(s, `document.querySelector("#message p bdi").textContent`, c.text)
		want(s, `document.querySelector("#message a").getAttribute("href")`, "../")
		want(s, `document.querySelector("#message button") !== null`, c.id == later)
		s.check("names", "contrast", "hostile")
	}
}
