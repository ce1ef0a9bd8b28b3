package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

func TestFlagsFirst(t *testing.T) {
	app := &cli.App{Flags: ui.LogFlags(), Commands: []*cli.Command{
		{
			Name: "export",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "output", Aliases: []string{"o"}},
				&cli.StringFlag{Name: "store"},
				&cli.BoolFlag{Name: "json"},
				&cli.DurationFlag{Name: "from"},
			},
		},
		{Name: "keys", Subcommands: []*cli.Command{
			{Name: "add", Flags: []cli.Flag{&cli.StringFlag{Name: "fingerprint"}, &cli.BoolFlag{Name: "yes"}}},
			{Name: "list"},
		}},
	}}
	tests := []struct{ in, want string }{
		{"sealtape", "sealtape"},
		{"sealtape --version", "sealtape --version"},
		{"sealtape export", "sealtape export"},
		{"sealtape export ID -o x.mkv", "sealtape export -o x.mkv ID"},
		{"sealtape export -o x.mkv ID", "sealtape export -o x.mkv ID"},
		{"sealtape export ID -o=x.mkv --json", "sealtape export -o=x.mkv --json ID"},
		{"sealtape export ID --output x --json --store s --from 1s", "sealtape export --output x --json --store s --from 1s ID"},
		{"sealtape export --json ID extra", "sealtape export --json ID extra"},
		{"sealtape export ID -o", "sealtape export -o ID"}, // the parser complains, of one or the other
		{"sealtape export ID -- -o x", "sealtape export -- ID -o x"},
		{"sealtape export ID --nope x", "sealtape export --nope ID x"},
		{"sealtape export -o export", "sealtape export -o export"},
		{"sealtape export export", "sealtape export export"},
		{"sealtape keys add bob.card --yes", "sealtape keys add --yes bob.card"},
		{"sealtape keys add - --fingerprint w", "sealtape keys add --fingerprint w -"},
		{"sealtape keys add list --yes", "sealtape keys add --yes list"},
		{"sealtape nope keys -o", "sealtape -o nope keys"},
		{"sealtape export ID --log-level debug -o x", "sealtape --log-level debug export -o x ID"},
		{"sealtape keys add --log-format=json b --yes", "sealtape --log-format=json keys add --yes b"},
		{"sealtape export --json --log-level", "sealtape --log-level export --json"},
		{"sealtape export --log-level info -- ID", "sealtape --log-level info export -- ID"},
		{"sealtape help", "sealtape --help"},
		{"sealtape help keys add", "sealtape keys add --help"},
		{"sealtape export ID -o --generate-bash-completion", "sealtape export ID -o --generate-bash-completion"},
	}
	for _, tt := range tests {
		in := strings.Fields(tt.in)
		kept := slices.Clone(in)
		out, err := flagsFirst(app, in)
		if got := strings.Join(out, " "); err != nil || got != tt.want {
			t.Errorf("%s\n got %s, %v\nwant %s", tt.in, got, err, tt.want)
		}
		if !slices.Equal(in, kept) {
			t.Errorf("%s: the arguments were changed in place", tt.in)
		}
	}
	if got, err := flagsFirst(app, nil); len(got) != 0 || err != nil {
		t.Errorf("no arguments: %q, %v", got, err)
	}
}

// Every flag of every command that takes one value refuses a second, and every flag
// that takes one an empty one.
func TestOneValue(t *testing.T) {
	e := &ui.Env{}
	app := newApp(e)
	refused := func(want string, args ...string) {
		t.Helper()
		_, err := flagsFirst(app, append([]string{"sealtape"}, args...))
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
			for _, f := range slices.Concat(c.Flags, app.Flags) {
				many := false
				if s, ok := f.(cli.DocGenerationSliceFlag); ok {
					many = s.IsSliceFlag()
				}
				takes := f.(cli.DocGenerationFlag).TakesValue()
				for _, name := range f.Names() {
					flag, twice := dashed(name), "given twice"
					if many {
						twice = ""
					}
					n++
					if !takes {
						refused("", append(path, flag, flag)...)
						refused("given twice", append(path, flag, "ID", flag+"=false")...)
						continue
					}
					refused(twice, append(path, flag, "secret-1", "ID", flag+"=secret-2")...)
					refused(twice, append(path, dashed(f.Names()[0]), "secret-1", flag, "secret-2")...)
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
