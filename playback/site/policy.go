package site

import (
	"fmt"
	"strings"
)

// A csp is a content security policy, by what a page may load and reach.
type csp struct{ scripts, workers, styles, reaches []string }

// String returns it as a document has it. connect-src is the leash of a page gone wrong:
// it can send what it has to the stores that are named there, and nowhere else.
func (p csp) String() string {
	return fmt.Sprintf("default-src 'none'; script-src %s 'wasm-unsafe-eval'; worker-src %s; style-src %s; img-src data:; "+
		"media-src blob:; connect-src %s; base-uri 'none'; form-action 'none'",
		strings.Join(p.scripts, " "), strings.Join(p.workers, " "), strings.Join(p.styles, " "), strings.Join(p.reaches, " "))
}

// policy returns that of a page whose parts have files. inline are the scripts in its head.
func (c *Config) policy(inline ...[]byte) csp {
	p := csp{scripts: append([]string{"'self'"}, hashes(inline)...), workers: []string{"blob:"}, styles: []string{"'self'"},
		reaches: append([]string{"'self'"}, c.Stores...)}
	if c.Direct {
		p.workers = []string{"'self'"}
	}
	return p
}

// hashes returns what a policy allows scripts and styles of the document itself by.
func hashes(texts [][]byte) (list []string) {
	for _, text := range texts {
		list = append(list, "'"+integrity(text)+"'")
	}
	return list
}
