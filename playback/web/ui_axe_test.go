package web_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sealtape/sealtape/testdata/sample"
)

const axe = "../../testdata/typescript/node_modules/axe-core/axe.min.js"

// TestAxe has axe-core look at both pages, and forced colours keep what they tell.
func TestAxe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	script, err := os.ReadFile(axe)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("axe-core is not installed, run npm ci in testdata/typescript")
	} else if err != nil {
		t.Fatal(err)
	}
	widths, themes := []int64{1440, 390}, []string{"light", "dark"}
	for _, path := range []string{"", "watch/" + meeting + "#t=330"} {
		s.open(path)
		s.do(chromedp.Evaluate[chromedp.Void](string(script) + "; undefined"))
		for i := range sample.Cases(t, len(widths)*len(themes), 2) {
			width, theme := widths[i%len(widths)], themes[i/len(widths)]
			s.window(width, 844, width < 900)
			s.do(media("prefers-color-scheme", theme))
			for _, fault := range get[[]string](s, axeFaults) {
				s.Errorf("/%s, %d wide, %s: %s", path, width, theme, fault)
			}
			s.check("contrast", "icons")
		}
		s.do(media("forced-colors", "active"))
		s.check("forced")
	}
}

// axeFaults are the rules that axe finds broken or cannot decide, with two places of
// each. What it cannot decide of contrast, over a gradient or a picture, checks.contrast
// and checks.icons do.
const axeFaults = `axe.run(document, {resultTypes: ["violations", "incomplete"]}).then(({violations, incomplete}) =>
	[...violations, ...incomplete.filter((r) => !["color-contrast", "link-in-text-block"].includes(r.id))].map((r) =>
		r.id + ", " + r.nodes.length + " times: " + r.nodes.slice(0, 2).map((n) => n.target.join(" ") + ": " + n.failureSummary).join("; ")))`
