//go:build release

package main

import (
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// demoCommands returns a hidden command that says where the demo is: a released
// sealtape is without the servers and members that it needs.
func demoCommands() []*cli.Command {
	return []*cli.Command{{
		Name:            "demo",
		Usage:           "say where the demo is",
		Hidden:          true,
		SkipFlagParsing: true,
		Action: func(*cli.Context) error {
			return ui.Hinted(ui.ExitWith(ui.ExitUsage, errors.New("a released sealtape has no demo: it needs servers, which are built from a clone")),
				"in a clone of https://github.com/sealtape/sealtape: make demo")
		},
	}}
}
