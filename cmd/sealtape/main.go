// Sealtape records end-to-end-encrypted LiveKit meetings into an archive that
// only the people its owner names can open.
//
// This command is a thin layer: each file turns the flags of one command into
// a call of the packages archive, keys, playback and recorder, and ui.go says
// how it went. "sealtape --help" is the way in; the exit codes are in errors.go.
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
