package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// Every flag of every command that takes one value refuses a second, and every flag
// that takes one an empty one.
func TestOneValue(t *testing.T) {
	e := &ui.Env{}
	app := newApp(e)
	refused := func(want string, args ...string) {
		t.Helper()
		_, err := flags.First(app, append([]string{"sealtape"}, args...))
		code, hints := explained(err)
		if want == "" && err != nil || want != "" && (err == nil || code != ui.ExitUsage || len(hints) < 2 || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, exit code %d, hints %q, want %q", args, err, code, hints, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret-1") || strings.Contains(strings.Join(hints, ""), "secret-1")) {
			t.Errorf("%q: a value is in %v %q", args, err, hints)
		}
	}
	n := 0
	var all func(path []string, cs []*cli.Command)
	all = func(path []string, cs []*cli.Command) {
		for _, c := range cs {
			path := append(slices.Clone(path), c.Name)
			all(path, c.Subcommands)
			for i, f := range slices.Concat(c.Flags, app.Flags) {
				about := []string{"ID"}
				switch {
				case len(c.Subcommands) == 0:
				case i < len(c.Flags): // behind a command of its own, that has the flag
					about = nil
				default: // ID would be a command that does not exist
					about = []string{c.Subcommands[0].Name}
				}
				many := false
				if s, ok := f.(cli.DocGenerationSliceFlag); ok {
					many = s.IsSliceFlag()
				}
				takes := f.(cli.DocGenerationFlag).TakesValue()
				for _, name := range f.Names() {
					flag, twice := flags.Dashed(name), "given twice"
					if many {
						twice = ""
					}
					n++
					if !takes {
						refused("", append(path, flag, flag)...)
						refused("given twice", slices.Concat(path, []string{flag}, about, []string{flag + "=false"})...)
						continue
					}
					refused(twice, slices.Concat(path, []string{flag, "secret-1"}, about, []string{flag + "=secret-2"})...)
					refused(twice, append(path, flags.Dashed(f.Names()[0]), "secret-1", flag, "secret-2")...)
					refused("", append(path, flag, "secret-1", flag, "secret-1")...)
					refused("", append(path, flag, "secret-1", "--", flag, "secret-2")...)
					refused("empty one", append(path, flag, "")...)
					refused("empty one", append(path, flag+"=")...)
				}
			}
		}
	}
	all(nil, app.Commands)
	if n < 100 {
		t.Errorf("%d flags were tried", n)
	}
}
