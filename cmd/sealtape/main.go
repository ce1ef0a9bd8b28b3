// Sealtape records end-to-end-encrypted LiveKit meetings into an archive that
// only the people its owner names can open.
//
// Each command is in a file of its name: options that its flags fill, a check of them,
// and a function that calls the packages archive, keys, playback and recorder/bot.
// command.go holds what they share, ui.go says how it went, hints.go and errors.go what
// to do about it, and with which exit code. "sealtape --help" is the way in.
//
// Its internal packages: machine keeps memory off disks, checkup is what doctor looks
// at, demo the demonstration, terminal progress and questions, program what is started, systemd the service
// manager that starts it.
package main

import (
	"os"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
)

func main() {
	os.Exit(run(&env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}, machine.Harden))
}

// run is main with an exit code, so that deferred calls are made. It begins with
// harden, whose failure is told and no more.
func run(e *env, harden func() error) int {
	ctx, stop := e.untilSignal()
	defer stop()

	if err := harden(); err != nil {
		e.warnf("%v", err)
	}
	app := newApp(e)
	args, err := flagsFirst(app, os.Args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	return e.exit(err)
}
