package web_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestPlayerPageTaking drives what finds the way in a meeting, and what one takes
// along of it.
func TestPlayerPageTaking(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.on("links", links)
	s.on("namesakes", namesakes)
	s.on("turns", turns)
	s.on("clip", clip)
	s.on("window", smallWindow)
}

// links: an address in the chat asks before it is followed, and shows where it leads.
func links(s *site) {
	s.open("watch/" + meeting + "#t=130")
	link := `document.querySelector("a.elsewhere")`
	want(s, link+`.textContent + " " + `+link+`.rel + " " + `+link+`.target`, "https://example.org/notes noreferrer noopener _blank")
	want(s, `document.querySelectorAll("#feed a").length`, 1)
	dialog := `document.getElementById("linkquestion")`
	s.do(chromedp.Evaluate[chromedp.Void](link + `.focus()`))
	s.key(kb.Enter)
	s.wait(dialog + ".open")
	want(s, dialog+`.querySelector(".address").textContent`, "https://example.org/notes")
	want(s, dialog+`.querySelector(".address strong").textContent`, "example.org")
	want(s, dialog+`.querySelector(".note").checkVisibility()`, false)
	want(s, dialog+`.querySelector("a").href + `+dialog+`.querySelector("a").rel`, "https://example.org/notesnoreferrer noopener")
	// The Enter that followed the link does not answer.
	want(s, "document.activeElement.id", "linkquestion")
	s.check("names", "contrast")
	s.key(kb.Tab, kb.Tab)
	want(s, "document.activeElement.textContent", "Stay here")
	s.key(kb.Enter)
	want(s, dialog+".open", false)
	want(s, "sealtape.player.time", 130.0)

	// Letters that look like others do not hide the host.
	s.do(chromedp.Evaluate[chromedp.Void](`(() => { const a = ` + link + `; a.href = "https://p\u0430ypal.example/x"; a.textContent = "https://p\u0430ypal.example/x"; a.click(); })()`))
	want(s, dialog+`.querySelector(".address").textContent`, "https://xn--pypal-4ve.example/x")
	want(s, dialog+`.querySelector(".note").textContent.endsWith("Its real name is xn--pypal-4ve.example.")`, true)
	s.check("contrast")
	s.key(kb.Escape)
}

// namesakes: who has another's name has an identity behind it, and those who come
// one after another are one row.
func namesakes(s *site) {
	s.open("watch/" + crowd + "#t=1")
	row := `document.querySelector("#feed .row[data-type=join]")`
	want(s, row+`.querySelector(".said").firstChild.textContent + " " + document.querySelectorAll("#feed .row[data-type=join]").length`, "Member 0 of the crowd 1")
	want(s, row+`.textContent.includes("and 28 more joined")`, true)
	s.do(chromedp.Evaluate[chromedp.Void](row + `.querySelector(".more").click()`))
	want(s, `document.querySelectorAll("#feed .row[data-type=join]").length`, 30)
	want(s, "sealtape.player.time", 1.0)
	want(s, "document.activeElement.closest('.row').dataset.i", "0")
	twins := `.filter((n) => n.querySelector(".identity")).map((n) => n.querySelector(".twin").textContent).join()`
	for _, list := range []string{"#feed .row[data-type=join]", ".lane", ".person"} {
		want(s, `[...document.querySelectorAll("`+list+`")]`+twins, "Member 28 of the crowd p28,Member 28 of the crowd p29")
	}
	want(s, `document.querySelector('.lane[data-id="p29"] .lanetrack').ariaLabel.startsWith("Member 28 of the crowd (p29)")`, true)
	s.key("g")
	want(s, tile("p:p28")+`.querySelector(".namebar .identity").textContent`, "p28")
	s.check("names", "contrast", "tiles")
	s.key("g", "g")
}

// turns: keys and buttons go from turn to turn, and the bars say who speaks.
func turns(s *site) {
	s.open("watch/" + meeting)
	first := get[float64](s, `sealtape.recording.speaking[0][0]`)
	s.key("n")
	want(s, "sealtape.player.time", first)
	want(s, `document.getElementById("live").textContent.includes(" speaks, ")`, true)
	s.do(chromedp.Click("#turnafter"))
	second := get[float64](s, "sealtape.player.time")
	if second <= first {
		s.Errorf("the next turn after %v is at %v", first, second)
	}
	s.key("p")
	want(s, "sealtape.player.time", first)
	s.key("p")
	want(s, `document.getElementById("live").textContent.startsWith("Nobody speaks before this")`, true)
	s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("tab-people").click()`))
	s.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".person")].find((n) => n.textContent.includes("Ben Okri")).querySelectorAll(".turns button")[1].click()`))
	want(s, `((t) => sealtape.recording.person("ben-7f").speaking.some(([a]) => a === t))(sealtape.player.time)`, true)
	s.check("names", "contrast")

	spoken := get[[]float64](s, `(() => {
		const [a, b] = sealtape.recording.person("ada").speaking.find(([a, b]) => b - a > 5), box = document.getElementById("seek").getBoundingClientRect();
		return [box.x + (a + b) / 2 / sealtape.recording.duration * box.width, box.y + box.height / 2];
	})()`)
	s.do(chromedp.MouseEvent(chromedp.MouseMoved, spoken[0], spoken[1]))
	s.wait(`document.querySelector("#seek .speakers")?.textContent.includes("Ada Lovelace")`)
	s.check("contrast")
}

// clip: a part is chosen, linked to, saved; what was written is text.
func clip(s *site) {
	s.open("watch/" + meeting + "#t=30")
	s.do(chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText = async (text) => { window.copied = text; }`))
	s.do(chromedp.Click("#clip"))
	want(s, `document.getElementById("clipfrom").value + document.getElementById("clipto").value`, "0:301:30")
	s.check("names", "contrast", "hostile")
	fill := func(id, text string) {
		s.do(chromedp.Evaluate[chromedp.Void](`(() => { const n = document.getElementById("` + id + `"); n.value = "` + text + `"; n.dispatchEvent(new Event("change")); })()`))
	}
	press := func(words string) {
		s.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".clip button")].find((n) => n.textContent === "` + words + `").click()`))
	}
	fill("clipfrom", "2:00")
	want(s, `document.querySelector(".clip .error").textContent`, "Give two times up to 25:00, the earlier one first.")
	s.check("contrast")
	fill("clipto", "2:05")
	want(s, `document.querySelector(".clip .error").textContent`, "")
	want(s, `document.querySelectorAll('.rail [data-kind="range"]').length`, 1)
	for words, end := range map[string]string{"Save the clip": "/export?format=mkv&from=120.000&to=125.000", "Save all of it": "/export?format=mkv"} {
		want(s, `[...document.querySelectorAll(".clip a[download]")].find((n) => n.textContent === "`+words+`").href.endsWith("/api/recordings/`+meeting+end+`")`, true)
	}
	choose := func(format string) {
		s.do(chromedp.Evaluate[chromedp.Void](`(() => { const n = document.getElementById("clipformat"); n.value = "` + format + `"; n.dispatchEvent(new Event("change")); })()`))
	}
	want(s, `[...document.getElementById("clipformat").options].map((o) => o.value).join()`, "mkv,m4a,ogg,vtt,txt")
	choose("ogg")
	want(s, `[...document.querySelectorAll(".clip a[download]")].every((n) => n.href.includes("format=ogg"))`, true)
	want(s, `document.querySelector(".clip .quiet").textContent.startsWith("All voices")`, true)
	s.check("names", "contrast")
	// The page words what is to be read, of the clip alone.
	choose("txt")
	s.do(chromedp.Evaluate[chromedp.Void](`URL.createObjectURL = (blob) => { blob.text().then((text) => window.saved = text); return "#"; }`))
	s.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".clip a[download]")].find((n) => n.textContent === "Save the clip").click()`))
	s.wait("window.saved")
	want(s, `window.saved.split("\n").slice(3).filter((l) => /^\d/.test(l)).every((l) => l.startsWith("2:0"))`, true)
	press("Copy a link to the clip")
	s.wait(`window.copied === "sealtape:` + meeting + `#t=120,125"`)
	press("Copy chat and timeline")
	s.wait(`window.copied.includes("Ada Lovelace: Morning! Agenda")`)
	text := get[string](s, "window.copied")
	if strings.ContainsAny(text, "\u202e\u202c") || !strings.HasPrefix(text, "Weekly: roadmap & <b>launch</b>\n") {
		s.Errorf("%.200q", text)
	}
	s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("clipto").focus()`))
	s.key("m")
	want(s, "sealtape.player.muted", false)

	// An address with a range plays that range.
	s.open("watch/" + meeting + "#t=120,122")
	want(s, "sealtape.player.time", 120.0)
	want(s, `document.querySelectorAll('.rail [data-kind="range"]').length`, 1)
	s.key("k")
	s.wait("sealtape.player.time > 121 && location.hash === '#t=120,122'")
	s.wait("sealtape.player.paused")
	want(s, "sealtape.player.time", 122.0)
}

// smallWindow: the stage goes into a window of its own, and comes back when that closes.
func smallWindow(s *site) {
	s.open("watch/" + meeting + "#t=330")
	tiles := get[int](s, `document.querySelectorAll("#stage .tile").length`)
	s.do(chromedp.Click("#window"))
	s.wait(`documentPictureInPicture.window?.document.getElementById("stage") !== null`)
	s.wait(`document.getElementById("window").ariaPressed === "true"`)
	there := "documentPictureInPicture.window.document"
	want(s, there+`.querySelectorAll("#stage .tile").length > 0`, true)
	s.wait(there + `.styleSheets.length === document.styleSheets.length`) // they are loaded
	want(s, `document.querySelector("#theatre .apart").checkVisibility()`, true)
	s.check("names", "contrast")
	s.do(chromedp.Evaluate[chromedp.Void](there + `.dispatchEvent(new KeyboardEvent("keydown", {key: " "}))`))
	want(s, "sealtape.player.paused", false)
	s.key("k")
	s.do(chromedp.Click("#window"))
	s.wait(`document.getElementById("stage")?.parentElement.id === "theatre"`)
	want(s, `document.querySelectorAll("#stage .tile").length`, tiles)
	want(s, `document.getElementById("window").ariaPressed + (document.querySelector(".apart") === null)`, "falsetrue")
	s.check("tiles")
}
