package flags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// First moves flags that stand behind positional arguments in front of
// them: urfave/cli stops at the first positional, and people write
// "sealtape export last -o meeting.mkv". Those of all commands go to the front.
// Everything behind "--" stays positional.
// "sealtape help export" becomes "sealtape export --help".
//
// The error is about a flag that takes one value and got two, of which urfave/cli
// would take the last in silence, one that got an empty one, as of a variable of a
// shell that is not set, or one before the command that it is for.
func First(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	var out, global []string
	var err error
	command, given := "sealtape", make(map[string]string)
	help, unknown := false, ""
	early := "" // a flag of a command, before any
	own := ""   // one of a command that has commands, before those
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "help" {
		rest = append(slices.Clone(rest[1:]), "--help")
	}
	flags, commands := app.Flags, app.Commands
	var among []*cli.Command // those that the unknown one is none of
	var behind []string      // positionals of the command found so far
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			return slices.Concat(args[:1], global, out, []string{"--"}, behind, rest), err
		case len(arg) > 1 && arg[0] == '-':
			help = help || arg == "--help" || arg == "-help" || arg == "-h"
			value := 0
			if (takesValue(flags, arg) || takesValue(app.Flags, arg)) && len(rest) > 0 {
				value = 1
			}
			if command == "sealtape" && len(behind) == 0 && slices.ContainsFunc(commands, func(c *cli.Command) bool { return IsFlag(c.Flags, arg) }) {
				early, _, _ = strings.Cut(arg, "=")
			}
			if IsFlag(app.Flags, arg) {
				global = append(append(global, arg), rest[:value]...)
			} else {
				out = append(append(out, arg), rest[:value]...)
				if command != "sealtape" && IsFlag(flags, arg) {
					own, _, _ = strings.Cut(arg, "=")
				}
			}
			if err == nil {
				err = oneValue(given, slices.Concat(flags, app.Flags), command, arg, rest[:value])
			}
			rest = rest[value:]
		default:
			i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(arg) })
			if i >= 0 && len(behind) == 0 {
				out = append(out, arg)
				if own != "" && err == nil { // it would do nothing there
					err = earlyError(own, command)
				}
				command += " " + commands[i].Name
				flags, commands = commands[i].Flags, commands[i].Subcommands
				continue
			}
			if len(behind) == 0 && len(commands) > 0 {
				unknown, among = strings.TrimPrefix(command+" "+arg, "sealtape "), commands
			}
			behind = append(behind, arg)
			commands = nil
		}
	}
	switch {
	case unknown != "" && early != "":
		err = earlyError(early, command)
	case unknown != "": // and so are its flags
		err = ui.Unlike(ui.UsageError{Err: fmt.Errorf("unknown command %q", unknown), Command: command}, behind[0], commandNames(among))
	case help:
		behind = nil // urfave/cli would look for topics of these names
	}
	return slices.Concat(args[:1], global, out, behind), err
}

// earlyError is that of a flag before the command that it is for.
func earlyError(flag, command string) error {
	return ui.UsageError{Err: ui.Hinted(fmt.Errorf("flag %s comes before a command", Dashed(flag)), "flags stand behind the command"), Command: command}
}

// oneValue refuses a flag with an empty value, and one with another value than it
// was given before, unless it may be repeated. Values are not shown: one can be a
// secret.
func oneValue(given map[string]string, flags []cli.Flag, command, arg string, next []string) error {
	name, value, written := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil // for the parser to complain about
	}
	if len(next) > 0 {
		value, written = next[0], true
	}
	if d, ok := flags[i].(cli.DocGenerationFlag); ok && d.TakesValue() && written && value == "" {
		return ui.UsageError{Err: ui.Hinted(fmt.Errorf("flag %s needs a value, and was given an empty one", Dashed(name)), "if it was to come from a variable, that is not set"), Command: command}
	} else if ok && !d.TakesValue() && !written {
		value = "true"
	}
	if s, ok := flags[i].(cli.DocGenerationSliceFlag); ok && s.IsSliceFlag() {
		return nil
	}
	name = flags[i].Names()[0]
	if before, ok := given[name]; ok && before != value {
		return ui.UsageError{Err: ui.Hinted(fmt.Errorf("flag %s is given twice, with different values", Dashed(name)), "it takes one: say which"), Command: command}
	}
	given[name] = value
	return nil
}

// IsFlag reports whether arg is one of flags.
func IsFlag(flags []cli.Flag, arg string) bool {
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
