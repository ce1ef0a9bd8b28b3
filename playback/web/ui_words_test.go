package web_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sealtape/sealtape/testdata/sample"
)

// spoken is the meeting with two transcripts: one that is attached, and what was written
// down live, some of it hostile.
func spoken(t *testing.T, one string) string {
	var r map[string]any
	if err := json.Unmarshal([]byte(one), &r); err != nil {
		t.Fatal(err)
	}
	var cues, live []any
	for i := range 120 {
		who := []string{"Ada Lovelace", "Ben", "nobody here"}[i%3]
		cues = append(cues, []any{10 + 12*i, 14 + 12*i, who, fmt.Sprintf("This is sentence number %d, as long as people speak.", i)})
	}
	cues[30] = []any{370, 374, "\u202e<b>Eve</b>", "<img src=x onerror=alert(1)>\u202e and the budget"}
	event := func(t float64, who, text, reason string) {
		live = append(live, map[string]any{"t": t, "type": "transcription", "participant": who, "by": "scribe", "from": t, "to": t + 3, "text": text, "reason": reason})
	}
	event(20, "ada", "live words", "")
	event(40, "ben-7f", "not yet final", "interim")
	event(60, "", "whose words", "interim plaintext")
	r["id"] = worded
	r["words"] = []any{map[string]any{"file": "transcript.vtt", "by": "Ada L. (one-two-three)", "time": "2026-03-01T10:00:00Z", "cues": cues}}
	r["events"] = append(r["events"].([]any), live...)
	r["events_total"] = len(r["events"].([]any))
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPlayerPageWords: what was said is in a list that follows, leads to its moment and can
// be searched with what was written, and over the pictures.
func TestPlayerPageWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.open("watch/" + meeting)
	want(s, `document.getElementById("tab-words").checkVisibility() || document.getElementById("captionsbutton").checkVisibility()`, false)
	s.open("watch/" + worded + "#t=372")
	tab := `document.getElementById("tab-words")`
	want(s, tab+`.textContent`, "Transcript")
	s.do(chromedp.Click("#tab-words"))
	current := `document.querySelector("#words .row[aria-current]")`
	want(s, current+`.querySelector(".quote").textContent.includes("<img src=x onerror=alert(1)>")`, true)
	visible := `((r, f) => r.top >= f.top && r.bottom <= f.bottom)(` + current + `.getBoundingClientRect(), document.getElementById("words").getBoundingClientRect())`
	s.wait(visible)
	s.at(1211)
	want(s, current+`.textContent.includes("sentence number 100")`, true)
	s.wait(visible)
	want(s, current+`.querySelector(".name").textContent`, "Ben Okri")

	// Everything said and written is searched, and a row leads to its moment.
	s.do(chromedp.SendKeys("#pane-words .search", "number 50,"))
	want(s, `document.querySelectorAll("#words .row").length`, 1)
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#words .row").click()`))
	s.wait("sealtape.player.time === 610")
	find := func(words string) {
		s.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => { const i = document.querySelector("#pane-words .search"); i.value = %q; i.dispatchEvent(new Event("input")); })()`, words)))
	}
	find("same time next week")
	want(s, `document.querySelector("#words .row").dataset.kind`, "chat")
	find("ada lovelace")
	if n := get[int](s, `document.querySelectorAll('#words .row[data-kind="said"]').length`); n != 39 { // one of her forty is hostile
		s.Errorf("%d rows are Ada's", n)
	}
	find("")
	s.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))

	// Over the pictures, by a key, and remembered.
	s.at(12)
	want(s, `document.querySelector(".captions").checkVisibility()`, false)
	s.key("w")
	want(s, `document.querySelector(".captions").textContent`, "Ada Lovelace This is sentence number 0, as long as people speak.")
	want(s, `document.getElementById("captionsbutton").getAttribute("aria-pressed")`, "true")
	s.at(15)
	want(s, `document.querySelector(".captions").checkVisibility()`, false)
	s.at(371)
	want(s, `document.querySelector(".captions").textContent.includes("and the budget")`, true)
	want(s, `document.querySelector(".captions b, .captions img")`, any(nil))

	// Other words.
	want(s, `[...document.querySelectorAll(".which option")].map((o) => o.textContent).join("; ")`, "transcript.vtt, by Ada L.; As it was written down live")
	s.do(chromedp.Evaluate[chromedp.Void](`(() => { const w = document.querySelector(".which"); w.selectedIndex = 1; w.dispatchEvent(new Event("change")); })()`))
	want(s, `document.querySelectorAll('#words .row[data-kind="said"]').length`, 3)
	want(s, `[...document.querySelectorAll("#words .quiet")].map((p) => p.textContent).join("; ").includes("not final: no later version came")`, true)
	s.at(21)
	want(s, `document.querySelector(".captions").textContent`, "Ada Lovelace live words")
	s.at(61)
	want(s, `document.querySelector(".captions").textContent`, "[unencrypted] whose words")
	// Arrows go through the tabs, and from row to row.
	s.do(chromedp.Evaluate[chromedp.Void](tab + `.focus()`))
	s.key(kb.ArrowRight)
	want(s, `document.activeElement.id`, "tab-people")
	s.key(kb.ArrowLeft, kb.ArrowLeft, kb.ArrowRight)
	want(s, `document.activeElement.id`, "tab-words")

	script, err := os.ReadFile(axe)
	if err != nil {
		t.Fatal(err)
	}
	s.open("watch/" + worded + "#t=372")
	s.do(chromedp.Evaluate[chromedp.Void](string(script) + "; undefined"))
	s.do(chromedp.Evaluate[chromedp.Void](tab + `.click()`))
	want(s, `document.querySelector(".captions").checkVisibility()`, true)
	widths, themes := []int64{1440, 390, 320}, []string{"light", "dark"}
	for i := range sample.Cases(t, len(widths)*len(themes), 2) {
		width, theme := widths[i%len(widths)], themes[i/len(widths)]
		s.window(width, 844, width < 900)
		s.do(media("prefers-color-scheme", theme))
		for _, fault := range get[[]string](s, axeFaults) {
			s.Errorf("%d wide, %s: %s", width, theme, fault)
		}
		s.check("names", "contrast", "icons")
		if *pictureFolder != "" {
			s.writePNG(filepath.Join(*pictureFolder, fmt.Sprintf("words-%d-%s.png", width, theme)), s.shot(width, 844, 1))
		}
		want(s, `document.documentElement.scrollWidth <= innerWidth`, true)
	}
}
