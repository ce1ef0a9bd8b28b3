package player

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// axeFaults are the rules that axe finds broken or cannot decide, with two places of each.
// Contrast over a gradient or a picture is not for it to decide.
const axeFaults = `axe.run(document, {resultTypes: ["violations", "incomplete"]}).then(({violations, incomplete}) =>
	[...violations, ...incomplete.filter((r) => !["color-contrast", "link-in-text-block"].includes(r.id))].map((r) =>
		r.id + ", " + r.nodes.length + " times: " + r.nodes.slice(0, 2).map((n) => n.target.join(" ") + ": " + n.failureSummary).join("; ")))`

// Axe has axe-core look at what the page shows, and returns what it finds. modules is the
// folder testdata/typescript, in which npm ci has put it.
func (p *Page) Axe(ctx context.Context, modules string) ([]string, error) {
	script, err := os.ReadFile(filepath.Join(modules, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		return nil, fmt.Errorf("axe-core is not installed, run npm ci in testdata/typescript: %w", err)
	}
	if err := p.Do(ctx, "(() => {"+string(script)+"\n})()"); err != nil {
		return nil, err
	}
	return Eval[[]string](ctx, p, axeFaults)
}
