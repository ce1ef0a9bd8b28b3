package flags

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/pattern"
)

// NoSuchCommand runs where no command was named, which is a question. First has
// refused a command that does not exist, unless it is behind --.
func NoSuchCommand(c *cli.Context) error {
	if name := c.Args().First(); name != "" {
		return ui.Misuse("unknown command %q", name)
	}
	if len(c.Lineage()) > 2 { // a group, such as keys
		return cli.ShowSubcommandHelp(c)
	}
	return cli.ShowAppHelp(c)
}

// commandNames are those that people are told of.
func commandNames(commands []*cli.Command) (names []string) {
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// dashedNames are flags as they are written.
func dashedNames(flags []cli.Flag) (names []string) {
	for _, f := range flags {
		for _, name := range f.Names() {
			names = append(names, Dashed(name))
		}
	}
	return names
}

// UsageFailed takes the errors of flag parsing.
func UsageFailed(c *cli.Context, err error, _ bool) error {
	return &ui.CommandError{Err: misused(c, err), Command: CommandPath(c)}
}

// misused says what is wrong with a command line that package flag refused.
func misused(c *cli.Context, err error) error {
	msg := err.Error()
	if f, ok := strings.CutPrefix(msg, "flag provided but not defined: -"); ok {
		return ui.Unlike(ui.Misuse("unknown flag %s", Dashed(f)), Dashed(f), dashedNames(slices.Concat(c.Command.Flags, c.App.Flags)))
	}
	if f, ok := strings.CutPrefix(msg, "flag needs an argument: -"); ok {
		return ui.Misuse("flag %s needs a value", Dashed(f))
	}
	if m := badValue().FindStringSubmatch(msg); m != nil {
		return ui.Misuse("%s: %s is %s", Dashed(m[2]), m[1], wanted(c, m[2]))
	}
	return ui.Misuse("%s", msg)
}

// badValue is what package flag says of a value that is none of its flag's.
var badValue = pattern.Of(`^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([a-z0-9-]+): `)

// wanted says what a value of a flag should have been.
func wanted(c *cli.Context, flag string) string {
	for _, f := range c.Command.Flags {
		if !slices.Contains(f.Names(), flag) {
			continue
		}
		switch f.(type) {
		case *cli.IntFlag, *cli.IntSliceFlag:
			return "no whole number"
		case *cli.DurationFlag:
			return "no time, want 90s, 5m or 1h30m"
		case *cli.BoolFlag:
			return "neither true nor false, and a switch needs none"
		}
	}
	return "not what it can be"
}

// Dashed returns a flag as it is written.
func Dashed(flag string) string {
	flag = strings.TrimLeft(flag, "-")
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

// CommandPath is what was typed to get to the command: "sealtape keys add".
func CommandPath(c *cli.Context) string {
	if c.Command == nil || c.Command.HelpName == "" {
		return c.App.Name
	}
	return c.Command.HelpName
}
