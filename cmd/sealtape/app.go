package main

import (
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/doctor"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/keycmd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// commands are in the order in which help lists them.
func commands() []*cli.Command {
	return append(demoCommands(),
		keycmd.Command(),
		recordCommand(),
		workerCommand(),
		fleetCommand(),
		matrixCommand(),
		recoverCommand(),
		importCommand(),
		listCommand(),
		infoCommand(),
		verifyCommand(),
		playCommand(),
		playerCommand(),
		exportCommand(),
		decryptCommand(),
		shareCommand(),
		linkCommand(),
		attachCommand(),
		transcribeCommand(),
		copyCommand(),
		repairCommand(),
		resealCommand(),
		pruneCommand(),
		doctor.Command(),
		flags.Completion(),
		completeCommand(),
		manualCommand(),
	)
}

// newApp returns the command line of sealtape, which acts on e.
func newApp(e *ui.Env) *cli.App {
	app := &cli.App{
		Name:                  "sealtape",
		Usage:                 "record end-to-end-encrypted meetings into an archive only their people can open",
		Version:               version(),
		CustomAppHelpTemplate: flags.AppHelp,
		Flags:                 ui.LogFlags(),
		Before: func(c *cli.Context) error {
			return meant(c, e.SetLogging(c.String("log-format"), c.String("log-level")))
		},
		// A reader's name may have a comma in it.
		DisableSliceFlagSeparator: true,
		HideHelpCommand:           true,
		Reader:                    e.Stdin,
		Writer:                    e.Stdout,
		ErrWriter:                 e.Stderr,
		Commands:                  commands(),
		Metadata:                  map[string]any{ui.EnvKey: e},
		Action:                    flags.NoSuchCommand,
		OnUsageError:              flags.UsageFailed,
		// Errors go back to run, which alone exits.
		ExitErrHandler: func(*cli.Context, error) {},
	}
	prepare(app.Commands)
	return app
}

// prepare gives all commands the same manners.
func prepare(cs []*cli.Command) {
	for _, c := range cs {
		c.OnUsageError = flags.UsageFailed
		c.HideHelpCommand = true
		c.CustomHelpTemplate = flags.CommandHelp
		if len(c.Subcommands) > 0 && c.Action == nil {
			c.Action = flags.NoSuchCommand
			c.CustomHelpTemplate = flags.GroupHelp
		}
		if run := c.Action; run != nil {
			c.Action = func(c *cli.Context) error {
				if err := run(c); err != nil {
					return &ui.CommandError{Err: meant(c, err), Command: flags.CommandPath(c)}
				}
				return nil
			}
		}
		for _, f := range c.Flags {
			if b, ok := f.(*cli.BoolFlag); ok {
				b.DisableDefaultText = true // a switch is off until it is given
			}
		}
		prepare(c.Subcommands)
	}
}

// meant adds to an error of the command line which of a flag's few values was probably
// meant.
func meant(c *cli.Context, err error) error {
	if !ui.As[ui.UsageError](err) {
		return err
	}
	for name, values := range choices() {
		if v := c.String(name); c.IsSet(name) && !slices.Contains(values, v) && strings.Contains(err.Error(), "--"+name+" is ") {
			err = ui.Unlike(err, v, values)
		}
	}
	return err
}

// version returns the version of this program, for people.
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
