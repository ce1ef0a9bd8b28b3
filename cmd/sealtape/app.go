package main

import (
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// commands are in the order in which help lists them.
func commands() []*cli.Command {
	return []*cli.Command{
		demoCommand(),
		keysCommand(),
		recordCommand(),
		recoverCommand(),
		listCommand(),
		infoCommand(),
		verifyCommand(),
		playCommand(),
		exportCommand(),
		decryptCommand(),
		shareCommand(),
		copyCommand(),
		repairCommand(),
		resealCommand(),
		pruneCommand(),
		doctorCommand(),
		completionCommand(),
	}
}

// newApp returns the command line of sealtape, which acts on e.
func newApp(e *ui.Env) *cli.App {
	app := &cli.App{
		Name:                  "sealtape",
		Usage:                 "record end-to-end-encrypted meetings into an archive only their people can open",
		Version:               version(),
		CustomAppHelpTemplate: appHelp,
		EnableBashCompletion:  true,
		Flags:                 ui.LogFlags(),
		Before: func(c *cli.Context) error {
			return e.SetLogging(c.String("log-format"), c.String("log-level"))
		},
		// A reader's name may have a comma in it.
		DisableSliceFlagSeparator: true,
		HideHelpCommand:           true,
		Reader:                    e.Stdin,
		Writer:                    e.Stdout,
		ErrWriter:                 e.Stderr,
		Commands:                  commands(),
		Metadata:                  map[string]any{ui.EnvKey: e},
		Action:                    noSuchCommand,
		OnUsageError:              usageFailed,
		// Errors go back to run, which alone exits.
		ExitErrHandler: func(*cli.Context, error) {},
	}
	prepare(app.Commands)
	return app
}

// prepare gives all commands the same manners.
func prepare(cs []*cli.Command) {
	for _, c := range cs {
		c.OnUsageError = usageFailed
		c.HideHelpCommand = true
		c.CustomHelpTemplate = commandHelp
		if len(c.Subcommands) > 0 && c.Action == nil {
			c.Action = noSuchCommand
			c.CustomHelpTemplate = groupHelp
		}
		if run := c.Action; run != nil {
			c.Action = func(c *cli.Context) error {
				if err := run(c); err != nil {
					return &ui.CommandError{Err: err, Command: commandPath(c)}
				}
				return nil
			}
		}
		if strings.HasPrefix(strings.TrimPrefix(c.ArgsUsage, "["), "ID") {
			c.BashComplete = completeIDs(c)
		}
		for _, f := range c.Flags {
			if b, ok := f.(*cli.BoolFlag); ok {
				b.DisableDefaultText = true // a switch is off until it is given
			}
		}
		prepare(c.Subcommands)
	}
}

// noSuchCommand runs where no command was named: with arguments that is a
// mistake, without any a question.
func noSuchCommand(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		if len(c.Lineage()) > 2 { // a group, such as keys
			return cli.ShowSubcommandHelp(c)
		}
		return cli.ShowAppHelp(c)
	}
	return ui.Misuse("unknown command %q", strings.TrimPrefix(commandPath(c)+" "+name, "sealtape "))
}

// usageFailed takes the errors of flag parsing.
func usageFailed(c *cli.Context, err error, _ bool) error {
	return &ui.CommandError{Err: misused(c, err), Command: commandPath(c)}
}

// misused says what is wrong with a command line that package flag refused.
func misused(c *cli.Context, err error) error {
	msg := err.Error()
	if f, ok := strings.CutPrefix(msg, "flag provided but not defined: -"); ok {
		return ui.Misuse("unknown flag %s", dashed(f))
	}
	if f, ok := strings.CutPrefix(msg, "flag needs an argument: -"); ok {
		return ui.Misuse("flag %s needs a value", dashed(f))
	}
	if m := badValue.FindStringSubmatch(msg); m != nil {
		return ui.Misuse("%s: %s is %s", dashed(m[2]), m[1], wanted(c, m[2]))
	}
	return ui.Misuse("%s", msg)
}

// badValue is what package flag says of a value that is none of its flag's.
var badValue = regexp.MustCompile(`^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([a-z0-9-]+): `)

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

func dashed(flag string) string {
	flag = strings.TrimLeft(flag, "-")
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

// commandPath is what was typed to get to the command: "sealtape keys add".
func commandPath(c *cli.Context) string {
	if c.Command == nil || c.Command.HelpName == "" {
		return c.App.Name
	}
	return c.Command.HelpName
}

// version says what runs.
func version() string {
	return moduleVersion() + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}

// moduleVersion returns the version of the module, as the Go command recorded it.
func moduleVersion() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Version != "" {
		return bi.Main.Version
	}
	return "(unknown)"
}

const appHelp = `sealtape records end-to-end-encrypted LiveKit meetings into an archive that
only the people you name can open.

Start here:
  sealtape demo                                see the whole way, in a minute
  sealtape keys init --name "Ada Lovelace"     make your keys, once; --recorder where you record
  sealtape keys card -o ada.card               the file to give to the others
  sealtape keys add bob.card                   trust what Bob gave you
  sealtape record --room ROOM --store STORE    record a room, visibly
  sealtape list --store STORE                  what the archive holds
  sealtape verify last --store STORE           is it whole, and who recorded it?
  sealtape play last --store STORE             watch it in a browser
  sealtape export last --store STORE -o m.mkv  a file for any player

Commands:{{range .VisibleCommands}}
  {{printf "%-12s" .Name}} {{.Usage}}{{end}}

STORE is a folder or s3://bucket/prefix; SEALTAPE_STORE sets it for all commands.
All take --log-format text|json and --log-level debug|info|warn|error, which
SEALTAPE_LOG_FORMAT and SEALTAPE_LOG_LEVEL set too.
"sealtape COMMAND --help" says more.
`

const commandHelp = `{{.Usage}}

Usage:
  {{.HelpName}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}{{if .VisibleFlags}} [flags]{{end}}
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleFlags}}
Flags:
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}`

const groupHelp = `{{.Usage}}

Usage:
  {{.HelpName}} COMMAND
{{if .Description}}
{{.Description}}
{{end}}
Commands:{{range .VisibleCommands}}
  {{printf "%-12s" .Name}} {{.Usage}}{{end}}

"{{.HelpName}} COMMAND --help" says more.
`
