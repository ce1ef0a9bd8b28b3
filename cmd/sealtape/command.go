package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// A command is three things: a struct of options, which its flags and arguments
// fill; check, which refuses what makes no sense; and a function that runs it, which
// tests call without a command line.

// options are those of one command.
type options interface {
	// check refuses what makes no sense whatever the machine, the keys and the stores
	// are. It does no I/O.
	check() error
}

// unchecked options make sense whatever they are.
type unchecked struct{}

func (unchecked) check() error { return nil }

// An argument is a positional one: its name in errors, and the option that takes it.
type argument struct {
	name     string
	to       *string
	optional bool
}

// action returns what cli calls: it fills o, has it checked, and runs the command.
// Flags fill o by their Destination; what they cannot, its method rest takes.
func action[O options](o O, run func(context.Context, *ui.Env, O) error, args ...argument) cli.ActionFunc {
	return func(c *cli.Context) error {
		if err := take(c, args); err != nil {
			return err
		}
		if o, ok := any(o).(interface{ rest(*cli.Context) }); ok {
			o.rest(c)
		}
		if err := o.check(); err != nil {
			return err
		}
		return run(c.Context, ui.Of(c), o)
	}
}

// take gives the positional arguments of c to the options of a command that takes
// exactly those, the optional ones last.
func take(c *cli.Context, args []argument) error {
	given := c.Args().Slice()
	var missing []string
	for i, a := range args {
		if i < len(given) {
			*a.to = given[i]
		} else if !a.optional {
			missing = append(missing, a.name)
		}
	}
	name := strings.TrimPrefix(commandPath(c), "sealtape ")
	if len(missing) > 0 {
		return ui.Misuse("%s needs %s", name, strings.Join(missing, " and "))
	}
	if len(given) > len(args) {
		return ui.Misuse("%s does not know what to do with %q", name, given[len(args)])
	}
	return nil
}

// withHome opens the folder of keys, spool and memory for a command.
func withHome[O options](run func(context.Context, *ui.Env, *keys.Home, O) error) func(context.Context, *ui.Env, O) error {
	return func(ctx context.Context, e *ui.Env, o O) error {
		h, err := openHome(e)
		if err != nil {
			return err
		}
		return run(ctx, e, h, o)
	}
}

// withStore opens the home and the store for a command that works on recordings.
// While the store fails, the command waits for it.
func withStore[O interface {
	options
	hasStore
}](run func(context.Context, *access, O) error) func(context.Context, *ui.Env, O) error {
	return func(ctx context.Context, e *ui.Env, o O) error {
		a, err := openStoreOf(ctx, e, o)
		if err != nil {
			return err
		}
		return run(ctx, a, o)
	}
}

// openStoreOf does what withStore does, for a command that looks at something else
// first.
func openStoreOf(ctx context.Context, e *ui.Env, o hasStore) (*access, error) {
	return openAccess(ctx, e, o.storeName(), archive.RetryConfig{OnRetry: e.Retrying})
}

// hasStore are options with a storeOption.
type hasStore interface{ storeName() string }

// A storeOption is that of commands that work on one store.
type storeOption struct{ store string }

func (o *storeOption) storeName() string { return o.store }

func (o *storeOption) storeFlag() cli.Flag {
	f := storeFlag()
	f.Destination = &o.store
	return f
}

// A storesOption is that of commands that work on several.
type storesOption struct{ stores []string }

func (o *storesOption) rest(c *cli.Context) { o.stores = storeNames(c) }

// A jsonOption asks for JSON on standard output.
type jsonOption struct{ json bool }

func (o *jsonOption) jsonFlag() cli.Flag {
	f := jsonFlag()
	f.Destination = &o.json
	return f
}
