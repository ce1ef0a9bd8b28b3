package flags

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
		{"sealtape export ID --log-level debug -o x", "sealtape --log-level debug export -o x ID"},
		{"sealtape keys add --log-format=json b --yes", "sealtape --log-format=json keys add --yes b"},
		{"sealtape export --json --log-level", "sealtape --log-level export --json"},
		{"sealtape export --log-level info -- ID", "sealtape --log-level info export -- ID"},
		{"sealtape help", "sealtape --help"},
		{"sealtape help keys add", "sealtape keys add --help"},
	}
	for _, tt := range tests {
		in := strings.Fields(tt.in)
		kept := slices.Clone(in)
		out, err := First(app, in)
		if got := strings.Join(out, " "); err != nil || got != tt.want {
			t.Errorf("%s\n got %s, %v\nwant %s", tt.in, got, err, tt.want)
		}
		if !slices.Equal(in, kept) {
			t.Errorf("%s: the arguments were changed in place", tt.in)
		}
	}
	for in, want := range map[string]string{
		"sealtape nope keys -o":     `unknown command "nope"`,
		"sealtape export nope -o x": "",
		"sealtape keys nope":        `unknown command "keys nope"`,
		"sealtape -- nope":          "",
		"sealtape -o nope export":   "flag -o comes before a command",
	} {
		if _, err := First(app, strings.Fields(in)); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %q", in, err, want)
		}
	}
	if got, err := First(app, nil); len(got) != 0 || err != nil {
		t.Errorf("no arguments: %q, %v", got, err)
	}
}
