package ui

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// endingTime is how long a command may take to end after a signal before it says
// that it is about to.
const endingTime = 2 * time.Second

// UntilSignal returns a context that the first signal to end cancels: whatever goes
// on is to finish. A second one ends the process at once. Programs that a shell
// starts in the background begin with SIGINT ignored: so no default is left to act.
// The caller calls stop.
func (e *Env) UntilSignal() (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals, over := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-over:
			return
		}
		still := time.After(endingTime)
		for {
			select {
			case <-still:
				e.Warnf("ending, as the signal asked for; another one ends this at once")
			case <-signals:
				e.Warnf("ended by a second signal; what was not finished is as it was left")
				os.Exit(ExitFailed)
			case <-over:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		cancel()
	}
}
