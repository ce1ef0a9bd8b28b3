package main

import (
	"os"
	"runtime"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/program"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// browse opens address in the browser of the desktop. The address is seen by
// whoever may list processes, so it should be good for one use.
func browse(e *ui.Env, address string) {
	cmd := program.Opener(runtime.GOOS, address)
	cmd.Env = withoutSecrets(os.Environ())
	program.Detach(cmd) // Ctrl-C is for us, not for a browser that it begins
	if err := cmd.Start(); err != nil {
		e.Notef("hint: no browser could be started here: open the address above in one")
		return
	}
	// It may last as long as the browser, which outlives us: nobody waits for the
	// goroutine.
	go func() {
		if cmd.Wait() != nil {
			e.Notef("hint: no browser opened? Open the address above in one")
		}
	}()
}
