package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves flags that stand behind positional arguments in front of
// them: urfave/cli stops at the first positional, and people write
// "sealtape export last -o meeting.mkv". Those of all commands go to the front.
// Everything behind "--" stays positional.
// "sealtape help export" becomes "sealtape export --help".
func flagsFirst(app *cli.App, args []string) []string {
	if len(args) == 0 || args[len(args)-1] == "--generate-bash-completion" {
		return args // completion looks at the order that was typed
	}
	var out, global []string
	rest := args[1:]
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
			return slices.Concat(args[:1], global, out, []string{"--"}, behind, rest)
		case len(arg) > 1 && arg[0] == '-':
			value := 0
			if (takesValue(flags, arg) || takesValue(app.Flags, arg)) && len(rest) > 0 {
				value = 1
			}
			if isFlag(app.Flags, arg) {
				global = append(append(global, arg), rest[:value]...)
			} else {
				out = append(append(out, arg), rest[:value]...)
			}
			rest = rest[value:]
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
	return slices.Concat(args[:1], global, out, behind)
}

// isFlag reports whether arg is one of flags.
func isFlag(flags []cli.Flag, arg string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return slices.ContainsFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
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
