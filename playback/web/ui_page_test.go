package web_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sealtape/sealtape/testdata/player"
)

// TestPlayerPage drives the player on a recording of all states, whose names
// and chat are hostile. There is no media: what plays is tested elsewhere.
func TestPlayerPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.on("states", states)
	s.on("hostile", hostile)
	s.on("keyboard", keyboard)
	s.on("controls", controls)
	s.on("lanes", lanes)
}

// TestPlayerPageAround drives what is around the pictures, in a window of its own: for
// most of the time a test and its page wait for one another.
func TestPlayerPageAround(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.on("panel", panel)
	s.on("focus", focusOrder)
	s.on("themes", themes)
}

// states: tiles say what they lack, and why.
func states(s *site) {
	s.open("watch/" + meeting + "#t=330")
	want(s, "sealtape.player.time", 330.0)
	// The browser's history gets no name, unless one says so.
	want(s, "document.title", "Recording – Sealtape")
	named := `[...document.querySelectorAll("#help input")].at(-1)`
	s.do(chromedp.Evaluate[chromedp.Void](named + ".click()"))
	want(s, "document.title", "Weekly: roadmap & <b>launch</b> – Sealtape")
	s.do(chromedp.Evaluate[chromedp.Void](named + ".click()"))
	want(s, "document.title", "Recording – Sealtape")
	// The worst comes first.
	want(s, `[...document.querySelectorAll(".badge")].map((n) => n.dataset.kind).join()`, "bad,warn,good,plain,plain")
	want(s, `document.querySelector("#badges").innerText.includes("Verified: Notary of the board")`, true)
	want(s, `document.querySelector("#badges").innerText.includes("Closed")`, true)
	want(s, `document.querySelector("#badges").innerText.includes("Opens a part, 2 min locked")`, true)
	want(s, `document.querySelector("#badges").innerText.includes("Post-quantum")`, true)
	want(s, `document.querySelector("#badges").innerText.includes("40 sec failed")`, true)
	// The screen is large, the people are there, each with how the name is known.
	want(s, `document.querySelector(".tile.large").dataset.kind`, "screen")
	want(s, `document.querySelectorAll('.tile[data-kind="person"]').length`, 5)
	for id, how := range map[string]string{"ada": "Identity proved", "ben-7f": "Vouched for by the operator", "chidi": "Unknown, named by the server"} {
		want(s, tile("p:"+id)+`.querySelector(".how").ariaLabel`, how)
	}
	want(s, tile("p:chidi")+".dataset.state", "unsupported")
	want(s, tile("p:chidi")+`.querySelector(".notice strong").textContent`, "No H.265 (HEVC) here")
	want(s, tile("p:chidi")+`.ariaLabel`, "Chidi Anagonye, Unknown, named by the server, microphone off, No H.265 (HEVC) here")
	want(s, tile("p:eve")+`.querySelector(".avatar").checkVisibility({visibilityProperty: true})`, true)

	for _, c := range []struct {
		at                        float64
		key, state, words, reason string
	}{
		{200, "p:ben-7f", "hole", "Key missing", "did not have the key"},
		{430, "p:ada", "hole", "Waiting for a full picture", "complete frame"},
		{930, "p:ben-7f", "hole", "Disk full", "no room left"},
		{540, "p:ada", "failed", "Failed verification", "not what was recorded"},
		{1140, "p:ada", "locked", "Locked", "No key of yours"},
	} {
		s.at(c.at)
		s.wait(tile(c.key) + `?.dataset.state === "` + c.state + `"`)
		want(s, tile(c.key)+`.querySelector(".notice strong").textContent`, c.words)
		want(s, tile(c.key)+`.querySelector(".notice").textContent.includes("`+c.reason+`")`, true)
	}
	s.at(92)
	want(s, tile("p:ada")+`.querySelector(".sound").textContent`, "No sound: packets lost")

	// A badge explains itself, to the keyboard too.
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#badges [data-kind=good]").focus()`))
	s.key(kb.Enter)
	want(s, `document.querySelector(".popover").matches(":popover-open") && document.querySelector(".popover").textContent.includes("whose card you have pinned")`, true)
	s.key(kb.Escape)
	want(s, `document.querySelector(".popover").matches(":popover-open")`, false)
	want(s, `document.activeElement.classList.contains("badge")`, true)

	// A person's options have the explanation and a volume of their own.
	s.do(chromedp.Evaluate[chromedp.Void](tile("p:ben-7f") + `.querySelector(".tools button:last-child").focus()`))
	s.key(kb.Enter)
	want(s, `document.querySelector(".popover .explain").textContent.includes("ran the recorder said")`, true)
	want(s, `document.activeElement.ariaLabel`, "Volume of Ben Okri")
	s.key(kb.ArrowLeft, kb.ArrowLeft)
	want(s, `Math.round(sealtape.player.volumeOf("ben-7f") * 100)`, 98)
	s.check("names", "contrast", "icons")
	s.key(kb.Tab, kb.Enter)
	want(s, `document.querySelector(".popover").matches(":popover-open")`, false)
	want(s, `document.querySelector(".tile.large").dataset.key`, "p:ben-7f")
	s.check("tiles")
}

// hostile: names, chat and titles are text.
func hostile(s *site) {
	s.open("watch/" + meeting + "#t=480")
	s.check("hostile")
	want(s, `document.querySelector("h1").textContent`, "Weekly: roadmap & <b>launch</b>")
	want(s, tile("p:eve")+`.querySelector(".name").textContent.startsWith("<img src=x")`, true)
	// What is long is cut, and there on demand.
	long := `[...document.querySelectorAll(".row .long")].find((n) => n.textContent.includes("evil"))`
	want(s, long+`.querySelector("bdi").textContent.length`, 320)
	s.do(chromedp.Evaluate[chromedp.Void](long + `.querySelector("button").click()`))
	want(s, long+`.querySelector("bdi").textContent.length > 32000`, true)
	// Lines may break in a word without end: laying it out takes seconds else.
	want(s, long+`.querySelectorAll("wbr").length > 500`, true)
	want(s, "sealtape.player.time", 480.0)
	s.check("hostile")
	s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("tab-people").click()`))
	want(s, `document.querySelectorAll(".person").length`, 6)
	s.check("hostile", "names", "contrast")
}

// keyboard: the keys of the common players.
func keyboard(s *site) {
	s.open("watch/" + meeting + "#t=100")
	now := "Math.round(sealtape.player.time)"
	for _, c := range []struct {
		key  string
		want int
	}{
		{"l", 110}, {"j", 100}, {kb.ArrowRight, 105}, {kb.ArrowLeft, 100}, {"5", 750}, {"0", 0}, {kb.End, 1500}, {kb.Home, 0}, {"]", 0}, {"]", 2},
	} {
		s.key(c.key)
		if c.key != "]" || c.want != 0 {
			want(s, now, c.want)
		}
	}
	s.key("m")
	want(s, "sealtape.player.muted", true)
	want(s, `document.getElementById("mute").ariaLabel`, "Unmute")
	s.key("m", kb.ArrowDown, kb.ArrowDown)
	want(s, "Math.round(sealtape.player.volume * 100)", 90)
	s.key(">", ">")
	want(s, "sealtape.player.rate", 1.5)
	want(s, `document.getElementById("rate").value`, "1.5")
	s.key("<", "<", "s")
	want(s, "sealtape.player.skipSilence", true)
	s.key("s", "k")
	want(s, "sealtape.player.paused", false)
	want(s, `document.getElementById("play").ariaLabel`, "Pause")
	s.key(" ")
	want(s, "sealtape.player.paused", true)

	// In a field keys are letters, on a button Space is its own.
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#pane-feed .search").focus()`))
	s.key("k", "m", " ")
	want(s, `document.querySelector("#pane-feed .search").value`, "km ")
	want(s, "sealtape.player.paused && !sealtape.player.muted", true)
	s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("mute").focus()`))
	s.key(" ")
	want(s, "sealtape.player.muted && sealtape.player.paused", true)

	// Who clicked a button with the mouse does not mean it by Space.
	s.key("k", "k")
	s.do(chromedp.Click("#mute"))
	s.key(" ")
	want(s, "sealtape.player.paused || sealtape.player.muted", false)
	s.key(" ")
	s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("mute").focus()`))
	s.key(" ")
	want(s, "sealtape.player.muted && sealtape.player.paused", true)

	s.key("?")
	want(s, `document.getElementById("help").open`, true)
	s.check("names", "contrast")
	s.key("m")
	want(s, "sealtape.player.muted", true)
	s.key(kb.Escape)
	want(s, `document.getElementById("help").open`, false)
	want(s, "document.activeElement.id", "mute")

	for key, id := range map[string]string{"c": "panel", "t": "lanes"} {
		s.key(key)
		want(s, `document.getElementById("`+id+`").checkVisibility()`, false)
		want(s, `document.getElementById("`+id+`button").ariaPressed`, "false")
		s.key(key)
		want(s, `document.getElementById("`+id+`").checkVisibility()`, true)
	}

	// Whatever its keyboard writes: see keys.test.mjs.
	s.do(chromedp.Evaluate[chromedp.Void](`document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ь", code: "KeyM", bubbles: true}))`))
	want(s, "sealtape.player.muted", false)
	s.key("m")

	// Letters can be turned off, for who speaks to the machine.
	s.key("?")
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#help input").click()`))
	s.key(kb.Escape, "m")
	want(s, "sealtape.player.muted", true)
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#help input").click()`))
}

// controls: the slider, the address, a link to share.
func controls(s *site) {
	s.open("watch/" + meeting + "#t=754")
	want(s, "sealtape.player.time", 754.0)
	seek := `document.getElementById("seek")`
	want(s, seek+`.getAttribute("aria-valuetext")`, "12 minutes 34 seconds of 25 minutes")
	want(s, seek+`.getAttribute("aria-valuemax")`, "1500")
	s.do(chromedp.Evaluate[chromedp.Void](seek + ".focus()"))
	s.key(kb.PageDown, kb.ArrowUp)
	want(s, "sealtape.player.time", 699.0)
	s.wait(seek + `.getAttribute("aria-valuenow") === "699"`)
	s.wait(`location.hash === "#t=699"`)
	s.at(1100)
	s.wait(seek + `.getAttribute("aria-valuetext").endsWith("Locked")`)
	s.do(chromedp.Evaluate[chromedp.Void](`location.hash = "#t=1m5s"`))
	s.wait("sealtape.player.time === 65")

	s.do(chromedp.Evaluate[chromedp.Void](`navigator.clipboard.writeText = async (text) => { window.copied = text; }`))
	s.do(chromedp.Click("#share"))
	s.wait(`window.copied === "sealtape:` + meeting + `#t=65"`)
	want(s, `document.getElementById("live").textContent.includes("sealtape play --store './meetings' 'sealtape:`+meeting+`#t=65'")`, true)

	// The address leads to the moment from a fresh tab, too, and a history has no name in it.
	tab, done := chromedp.NewContext(s.ctx)
	defer done()
	other := *s
	other.ctx = tab
	other.do(player.Expose(), chromedp.Navigate(get[string](s, "location.href")))
	other.wait("window.sealtape?.player.time === 65")
	want(&other, "document.title", "Recording – Sealtape")

	s.do(chromedp.Click("#full"))
	s.wait(`document.fullscreenElement?.id === "theatre" && document.getElementById("full").ariaLabel === "Leave full screen"`)
	s.key(">")
	want(s, `document.fullscreenElement.contains(document.getElementById("toast"))`, true)
	s.key("<", "f")
	s.wait("!document.fullscreenElement")

	// A click in the middle of the bar is the middle of the recording.
	box := get[[]float64](s, `(() => { const b = document.getElementById("seek").getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()`)
	s.do(chromedp.MouseClickXY(box[0], box[1]))
	s.wait("Math.abs(sealtape.player.time - 750) < 3")
}

// lanes: one for each person, with what is locked, failed or missing.
func lanes(s *site) {
	s.open("watch/" + meeting)
	s.wait(`document.querySelectorAll(".over .span").length === 2`)
	want(s, `document.querySelectorAll(".lane").length`, 6)
	label := get[string](s, `document.querySelector('.lane[data-id="ada"] .lanetrack').ariaLabel`)
	for _, words := range []string{"Ada Lovelace, Identity proved", "here 0:02 to 25:00", "spoke for", "holes: packets lost at 1:30 for 6 sec"} {
		if !strings.Contains(label, words) {
			s.Errorf("the lane says %q, not %q", label, words)
		}
	}
	// Where they are, and that they look different.
	for kind, span := range map[string][2]int{"locked": {1080, 1200}, "failed": {520, 560}} {
		got := get[[]float64](s, fmt.Sprintf(`(() => {
			const r = document.querySelector(".ruler").getBoundingClientRect(), b = document.querySelector('.over .span[data-kind="%s"]').getBoundingClientRect();
			return [(b.left - r.left) / r.width * 1500, (b.right - r.left) / r.width * 1500];
		})()`, kind))
		for i := range got {
			if d := got[i] - float64(span[i]); d > 3 || d < -3 {
				s.Errorf("%s is shown at %v, not %v", kind, got, span)
			}
		}
	}
	want(s, `new Set(["locked", "failed", "hole"].map((k) => getComputedStyle(document.querySelector('.span[data-kind="' + k + '"]')).backgroundImage)).size`, 3)
	want(s, `[...document.querySelectorAll(".span")].every((n) => getComputedStyle(n).backgroundImage.includes("repeating-linear-gradient"))`, true)
	want(s, `[...document.querySelectorAll('.lane[data-id="ben-7f"] .span')].map((n) => n.dataset.reason).join()`, "no-key plaintext,spool-full")
	// Speech is drawn: a lane's picture is not empty, and not the same as another's.
	want(s, `new Set([...document.querySelectorAll(".lane canvas")].map((c) => c.toDataURL())).size`, 6)

	at := get[[]float64](s, `(() => { const b = document.querySelectorAll(".lanetrack")[1].getBoundingClientRect(); return [b.x + b.width * 0.4, b.y + b.height / 2]; })()`)
	s.do(chromedp.MouseEvent(chromedp.MouseMoved, at[0], at[1]), chromedp.MouseClickXY(at[0], at[1]))
	s.wait("Math.abs(sealtape.player.time - 600) < 3")
	want(s, `document.querySelector(".lanebody > .tip").innerText.includes("Ben Okri")`, true)
	s.do(chromedp.Click("#zoomin"), chromedp.Click("#zoomin"))
	s.wait(`document.querySelector(".ruler").innerText.includes("10:00") && !document.querySelector(".ruler").innerText.includes("20:00")`)
	s.wait(`document.querySelectorAll(".over .span").length === 1`)
	s.do(chromedp.Click("#zoomin"))
	s.wait(`document.querySelector(".over .span").innerText === "Failed verification"`)
	s.wait(`document.querySelector(".lane[data-id=ada] .marks").innerText.includes("recorder away")`)
	s.check("contrast")
	s.do(chromedp.Click("#zoomfit"))
	s.wait(`document.querySelectorAll(".over .span").length === 2`)
}

// panel: chat and events follow the time, and lead to it.
func panel(s *site) {
	s.open("watch/" + meeting + "#t=352")
	current := `document.querySelector(".row[aria-current]")`
	want(s, current+`.querySelector(".name").textContent`, "山田 太郎")
	visible := `((r, f) => r.top >= f.top && r.bottom <= f.bottom)(` + current + `.getBoundingClientRect(), document.getElementById("feed").getBoundingClientRect())`
	want(s, visible, true)
	s.at(1321)
	want(s, current+`.textContent.includes("same time next week")`, true)
	s.wait(visible)
	s.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll(".row")].find((r) => r.textContent.includes("slide 4")).click()`))
	s.wait("sealtape.player.time === 700")

	count := func(kind string) int {
		return get[int](s, `document.querySelectorAll('.row[data-kind="`+kind+`"]').length`)
	}
	if n := count("chat"); n != 13 { // a reaction among them
		s.Errorf("%d rows of chat", n)
	}
	if count("detail") != 0 || count("trouble") == 0 || count("event") == 0 {
		s.Error("not the rows that are shown at first")
	}
	s.do(chromedp.Click(`[data-filter="event"]`))
	if count("event")+count("trouble") != 0 || count("chat") != 13 {
		s.Error("events are shown although they are not wanted")
	}
	s.do(chromedp.Click(`[data-filter="detail"]`))
	if count("detail") == 0 {
		s.Error("no details")
	}
	s.do(chromedp.SendKeys("#pane-feed .search", "Slide"))
	want(s, `document.querySelectorAll(".row").length`, 1)
	s.do(chromedp.SendKeys("#pane-feed .search", "zzz"))
	want(s, `document.querySelector("#pane-feed .none").checkVisibility()`, true)
	s.do(chromedp.Evaluate[chromedp.Void](`(() => { const i = document.querySelector("#pane-feed .search"); i.value = ""; i.dispatchEvent(new Event("input")); })()`))

	// Arrows go from row to row, Enter goes to the time.
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.when[tabindex="0"]').focus()`))
	want(s, `document.querySelectorAll('.when[tabindex="0"]').length`, 1)
	s.key(kb.Home, kb.ArrowDown, kb.Enter)
	s.wait(`Math.abs(sealtape.player.time - Number(document.activeElement.closest(".row").dataset.i > 0)) < 60`)
	want(s, `document.activeElement.closest(".row").dataset.i`, "1")
}

// focusOrder: Tab goes through the page as one reads it, each stop is seen and
// has a name.
func focusOrder(s *site) {
	s.open("watch/" + meeting + "#t=330")
	s.check("names", "headings")
	var order []string
	s.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	for range 70 {
		s.key(kb.Tab)
		at := get[string](s, `(() => {
			const n = document.activeElement;
			if (n === document.body) return "";
			const style = getComputedStyle(n, n.matches(".card a") ? "::after" : null), box = n.getBoundingClientRect();
			if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "not seen: " + n.outerHTML.slice(0, 90);
			if (!n.closest(".feed, .lanelist, #badges, .tile") && (box.bottom < 0 || box.top > innerHeight)) return "outside: " + n.outerHTML.slice(0, 90);
			const part = n.closest("#page, #stage, #controls, #lanes, #panel, .skiplink");
			return (part?.id || part?.tagName.toLowerCase()) + " " + n.computedName;
		})()`)
		if at == "" || len(order) > 0 && at == order[0] {
			break
		}
		if strings.HasPrefix(at, "not seen") || strings.HasPrefix(at, "outside") {
			s.Error(at)
		}
		order = append(order, at)
	}
	var parts []string
	for _, at := range order {
		part, _, _ := strings.Cut(at, " ")
		if len(parts) == 0 || parts[len(parts)-1] != part {
			parts = append(parts, part)
		}
	}
	if got := strings.Join(parts, " "); got != "a controls stage lanes panel page" {
		s.Errorf("Tab goes through %s: %q", got, order)
	}
	if len(order) < 2 || order[1] != "controls Play" {
		s.Errorf("Play is not the first stop after the link that skips it: %q", order)
	}
	for _, stop := range []string{"a Skip the player and its lists", "page All recordings", "page Keyboard help", "stage Options for Ada Lovelace", "stage Play", "controls Seek",
		"controls Play", "controls Mute", "controls Volume", "controls Skip silence", "controls Speed", "controls Copy a link to this moment", "controls Full screen",
		"lanes Lanes", "lanes Zoom into the timeline", "panel Chat and events", "panel Chat", "panel Search chat and events"} {
		if !has(order, stop) {
			s.Errorf("Tab never comes to %q: %q", stop, order)
		}
	}
}

// themes: both have enough contrast everywhere, and the choice is kept.
func themes(s *site) {
	s.open("watch/" + meeting + "#t=330")
	was := get[string](s, "getComputedStyle(document.body).backgroundColor")
	for range 2 {
		for _, t := range []float64{330, 440, 540, 1140} {
			s.at(t)
			s.check("contrast", "icons")
		}
		s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("tab-people").click()`))
		s.check("contrast")
		s.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("tab-feed").click(); document.querySelector('[data-filter="detail"]').click()`))
		s.check("contrast")
		s.do(chromedp.Click("#page [data-theme-toggle]"))
	}
	want(s, "getComputedStyle(document.body).backgroundColor", was)
	// The browser is told that its user wants things to stand still.
	want(s, `document.getAnimations().length`, 0)
	s.do(chromedp.Click("#page [data-theme-toggle]"))
	chosen := get[string](s, "getComputedStyle(document.body).backgroundColor")
	if chosen == was {
		s.Error("the theme does not change")
	}
	s.open("watch/" + meeting)
	want(s, "getComputedStyle(document.body).backgroundColor", chosen)
	s.do(chromedp.Evaluate[chromedp.Void](`localStorage.clear()`))
	s.open("watch/" + meeting)
	want(s, "getComputedStyle(document.body).backgroundColor", was)
}

// TestLibraryPage drives the list of recordings.
func TestLibraryPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.open("")
	cards := `[...document.querySelectorAll(".card h3")].map((n) => n.textContent)`
	want(s, cards+".length", 6)
	want(s, cards+"[0]", "All hands")
	want(s, `document.getElementById("count").textContent`, "6 recordings")
	want(s, `document.querySelector(".card .duration").textContent`, "2:00:00")
	s.check("hostile", "names", "contrast", "icons", "headings")
	s.do(chromedp.Click("header [data-theme-toggle]"))
	s.check("contrast", "icons")

	choose := func(id, value string) {
		s.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const n = document.getElementById("%s"); n.value = "%s"; n.dispatchEvent(new Event("change")); })()`, id, value)))
	}
	choose("order", "longest")
	want(s, cards+"[0]", "All hands")
	want(s, cards+"[1]", "Board, closed session")
	choose("order", "oldest")
	want(s, cards+`[0].startsWith("Consultation")`, true)
	choose("access", "none")
	want(s, cards+".join()", "interview-44,Locked recording")
	want(s, `document.getElementById("count").textContent`, "2 of 6 recordings")
	choose("state", "trouble")
	want(s, cards+".join()", "interview-44")
	want(s, `document.querySelector(".problem").textContent`, "It is not signed by anyone whose card you have pinned.")
	choose("access", "")
	choose("state", "")
	s.do(chromedp.SendKeys("#search", "hopper ada"))
	want(s, cards+".join()", "Board, closed session")
	s.do(chromedp.SendKeys("#search", "zzz"))
	want(s, `document.querySelector(".nothing h2").textContent`, "No recording is like that")
	s.check("names", "contrast")
	s.do(chromedp.Click(".nothing button"))
	want(s, cards+".length", 6)
	want(s, "document.activeElement.id", "search")

	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".card a").focus()`))
	want(s, `new URL(document.activeElement.href).pathname.split("/").slice(2).join("/").startsWith("watch/01")`, true)

	s.list = func() (int, string) { return 200, `{"recordings": []}` }
	s.open("")
	want(s, `document.querySelector(".nothing h2").textContent`, "No recordings yet")
	s.list = func() (int, string) { return 503, `{"error": "later"}` }
	s.open("")
	want(s, `document.querySelector("#message bdi").textContent`, "The store does not answer")
	s.check("names", "contrast", "hostile")
}
