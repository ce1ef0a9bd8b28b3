package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves flags that stand behind positional arguments in front of
// them: urfave/cli stops at the first positional, and people write
// "sealtape export last -o meeting.mkv". Everything behind "--" stays positional.
// "sealtape help export" becomes "sealtape export --help".
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) == 0 || args[len(args)-1] == "--generate-bash-completion" {
		return args // completion looks at the order that was typed
	}
	out, rest := args[:1:1], args[1:]
	if len(rest) > 0 && rest[0] == "help" {
		rest = append(slices.Clone(rest[1:]), "--help")
	}
	flags, commands := app.Flags, app.Commands
	var behind []string // positionals of the command found so far
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			return slices.Concat(out, []string{"--"}, behind, rest)
		case len(arg) > 1 && arg[0] == '-':
			out = append(out, arg)
			if takesValue(flags, arg) && len(rest) > 0 {
				out = append(out, rest[0])
				rest = rest[1:]
			}
		default:
			i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(arg) })
			if i >= 0 && len(behind) == 0 {
				out = append(out, arg)
				flags, commands = commands[i].Flags, commands[i].Subcommands
				continue
			}
			behind = append(behind, arg)
			commands = nil
		}
	}
	return append(out, behind...)
}

// takesValue reports whether the next argument belongs to the flag arg. A flag
// that is not known is left for the parser to complain about.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		d, ok := f.(cli.DocGenerationFlag)
		return ok && d.TakesValue()
	}
	return false
}
