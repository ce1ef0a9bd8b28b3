// Sealtape records end-to-end-encrypted LiveKit meetings into an archive that
// only the people its owner names can open.
//
// Each command is in a file, or an internal package, of its name: options that its
// flags fill, a check of them, and a function that calls the packages archive, keys,
// playback and recorder/bot. hints.go says what to do about what only they meet.
// "sealtape --help" is the way in.
//
// Its internal packages, in the order of a call:
//
//   - flags takes the command line apart, for the options of a command;
//   - access opens the home, the store, and the recording that was meant;
//   - show puts recordings, verdicts and reports into text and JSON;
//   - ui speaks with the person: output, questions, hints, exit codes; terminal has
//     progress and questions;
//   - machine keeps memory off disks, program starts others, systemd is the service
//     manager that starts sealtape;
//   - worker runs a recorder for each room that is dispatched;
//   - keycmd and doctor are commands of several files; checkup is what doctor looks at
//     without keys, demo the demonstration.
package main

import (
	"os"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

func main() {
	os.Exit(run(&ui.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}, machine.Harden))
}

// run is main with an exit code, so that deferred calls are made. It begins with
// harden, whose failure is told and no more.
func run(e *ui.Env, harden func() error) int {
	ctx, stop := e.UntilSignal()
	defer stop()

	if err := harden(); err != nil {
		e.Warnf("%v", err)
	}
	app := newApp(e)
	args, err := flags.First(app, os.Args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	return e.Exit(err)
}
