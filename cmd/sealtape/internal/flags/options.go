package flags

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// Options are those of one command.
type Options interface {
	// Check refuses what makes no sense whatever the machine, the keys and the stores
	// are. It does no I/O.
	Check() error
}

// Unchecked options make sense whatever they are.
type Unchecked struct{}

// Check refuses nothing.
func (Unchecked) Check() error { return nil }

// An Argument is a positional one: its name in errors, and the option that takes it.
type Argument struct {
	Name     string
	To       *string
	Optional bool
}

// Action returns what cli calls: it fills o, has it checked, and runs the command.
// Flags fill o by their Destination; what they cannot, its method Rest takes.
func Action[O Options](o O, run func(context.Context, *ui.Env, O) error, args ...Argument) cli.ActionFunc {
	return func(c *cli.Context) error {
		if err := take(c, args); err != nil {
			return err
		}
		if o, ok := any(o).(interface{ Rest(*cli.Context) }); ok {
			o.Rest(c)
		}
		if err := o.Check(); err != nil || ui.Of(c).CheckOnly {
			return err
		}
		return run(c.Context, ui.Of(c), o)
	}
}

// take gives the positional arguments of c to the options of a command that takes
// exactly those, the optional ones last.
func take(c *cli.Context, args []Argument) error {
	given := c.Args().Slice()
	var missing []string
	for i, a := range args {
		if i < len(given) {
			*a.To = given[i]
		} else if !a.Optional {
			missing = append(missing, a.Name)
		}
	}
	name := strings.TrimPrefix(CommandPath(c), "sealtape ")
	if len(missing) > 0 {
		return ui.Misuse("%s needs %s", name, strings.Join(missing, " and "))
	}
	if len(given) > len(args) {
		return ui.Misuse("%s does not know what to do with %q", name, given[len(args)])
	}
	return nil
}

// HasStore are options with a StoreOption.
type HasStore interface{ StoreName() string }

// HasRecording are options that name a recording to read, by its ID or a link.
type HasRecording interface{ RecordingName() string }

// A StoreOption is that of commands that work on one store.
type StoreOption struct{ Store string }

// StoreName returns the name that was given.
func (o *StoreOption) StoreName() string { return o.Store }

// StoreFlag returns the flag that fills it.
func (o *StoreOption) StoreFlag() cli.Flag {
	f := storeFlag()
	f.Destination = &o.Store
	return f
}

// A StoresOption is that of commands that work on several.
type StoresOption struct{ Stores []string }

// Rest takes the names from c.
func (o *StoresOption) Rest(c *cli.Context) { o.Stores = StoreNames(c) }

// A JSONOption asks for JSON on standard output.
type JSONOption struct{ JSON bool }

// JSONFlag returns the flag that fills it.
func (o *JSONOption) JSONFlag() cli.Flag {
	f := JSONFlag()
	f.Destination = &o.JSON
	return f
}

func storeFlag() *cli.StringFlag {
	return &cli.StringFlag{
		Name:    "store",
		EnvVars: []string{"SEALTAPE_STORE"},
		Usage:   "the archive: a folder or s3://bucket/prefix?settings, as `STORE`",
	}
}

// JSONFlag is --json.
func JSONFlag() *cli.BoolFlag {
	return &cli.BoolFlag{Name: "json", Usage: "print JSON, as cmd/sealtape/JSON.md of the source describes it"}
}

// StoresFlag is storeFlag for what may go to several stores.
func StoresFlag() cli.Flag {
	return &cli.StringSliceFlag{
		Name:    "store",
		EnvVars: []string{"SEALTAPE_STORE"},
		Usage:   "the archive: a folder or s3://bucket/prefix?settings, as `STORE`; repeat for more, each of which is to have all",
	}
}

// StoreNames returns the stores that the command line, a file or the environment
// names.
func StoreNames(c *cli.Context) []string {
	return slices.DeleteFunc(slices.Clone(c.StringSlice("store")), func(name string) bool { return name == "" })
}
