package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"
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

// narrow: a phone has it all, below one another.
func narrow(s *site) {
	s.do(chromedp.EmulateViewport(390, 844))
	defer s.do(chromedp.EmulateViewport(1400, 900))
	for _, id := range []string{meeting, crowd} {
		s.open("watch/" + id + "#t=330")
		s.check("hostile", "tiles", "names", "contrast")
		want(s, `document.getElementById("stage").getBoundingClientRect().height >= 150`, true)
		want(s, `[...document.querySelectorAll("#controls button, #controls select")].filter((n) => n.checkVisibility()).every((n) => n.getBoundingClientRect().right <= innerWidth)`, true)
	}
	s.open("")
	s.check("hostile", "names", "contrast")
}

// refusals: what cannot be opened says why, and how to go on.
func refusals(s *site) {
	for _, c := range []struct{ id, head, text string }{
		{sealed, "Locked", "no key opens <b>this</b>"},
		{broken, "Failed verification", "the log is not the one the head signs"},
		{later, "Cannot open this recording", "connection refused"},
		{"01NONE", "No such recording", "no such recording"},
	} {
		s.open("watch/" + c.id)
		want(s, `document.querySelector("#message h2").textContent`, c.head)
		want(s, `document.querySelector("#message p bdi").textContent`, c.text)
		want(s, `document.querySelector("#message a").getAttribute("href")`, "../")
		want(s, `document.querySelector("#message button") !== null`, c.id == later)
		s.check("names", "contrast", "hostile")
	}
}
