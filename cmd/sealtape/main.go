// Sealtape records end-to-end-encrypted LiveKit meetings into an archive that
// only the people its owner names can open.
//
// Each command is in a file of its name: options that its flags fill, a check of them,
// and a function that calls the packages archive, keys, playback and recorder/bot.
// command.go holds what they share, hints.go what to do about what only they meet.
// "sealtape --help" is the way in.
//
// Its internal packages: flags takes command lines apart, ui is how it speaks with a person, terminal progress and
// questions, machine keeps memory off disks, checkup is what doctor looks at, demo the
// demonstration, program what is started, systemd the service manager that starts it.
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
