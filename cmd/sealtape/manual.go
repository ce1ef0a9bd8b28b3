package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// manualCommand is what packages are made with: the manual comes from the program itself.
func manualCommand() *cli.Command {
	var o manualOptions
	return &cli.Command{
		Name:      "manual",
		Usage:     "write the manual as pages for man",
		ArgsUsage: "-o DIR",
		Hidden:    true,
		Description: `Makes DIR/man1 with a page for sealtape and one for each command, as they say in --help.
"man -M DIR sealtape-record" shows one.`,
		UsageText: `  sealtape manual -o ~/.local/share/man`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &o.output, Usage: "the folder to write to, `DIR`"},
		},
		Action: func(c *cli.Context) error {
			return flags.Action(&o, func(_ context.Context, e *ui.Env, o *manualOptions) error {
				return writeManual(filepath.Join(o.output, "man1"), flags.Manual(newApp(e)))
			})(c)
		},
	}
}

type manualOptions struct{ output string }

func (o *manualOptions) Check() error {
	if o.output == "" {
		return ui.Misuse("where to? -o DIR is missing")
	}
	return nil
}

// writeManual writes pages to a folder.
func writeManual(folder string, pages map[string]string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
