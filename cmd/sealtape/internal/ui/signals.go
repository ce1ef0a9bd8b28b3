package ui

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// endingTime is how long a command may take to end after a signal before it says
// that it is about to.
const endingTime = 2 * time.Second

// UntilSignal returns a context that the first signal to end cancels: whatever goes
// on is to finish. A second one ends the process at once, but see Hurried. Programs that
// a shell starts in the background begin with SIGINT ignored: so no default is left to act.
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
				e.Warnf("ending, as the signal asked for; another one %s", cmp.Or(e.hurry.does(), "ends this at once"))
			case <-signals:
				if e.hurry.begin() {
					e.Warnf("hurrying, as a second signal asked for; another one ends this at once")
					continue
				}
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

// A hurry is what a second signal brings, where a command knows how to end sooner.
type hurry struct {
	mu   sync.Mutex
	what string        // it does
	c    chan struct{} // closed by begin; nil after that, and where no command has one
}

// Hurried returns a channel that the second signal to end closes. That one does what it is
// said to do, and only a third ends the process at once. One command calls it, once.
func (e *Env) Hurried(what string) <-chan struct{} {
	e.hurry.mu.Lock()
	defer e.hurry.mu.Unlock()
	e.hurry.what, e.hurry.c = what, make(chan struct{})
	return e.hurry.c
}

func (h *hurry) does() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.c == nil {
		return ""
	}
	return h.what
}

// begin reports whether somebody hurries now.
func (h *hurry) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.c == nil {
		return false
	}
	close(h.c)
	h.c = nil
	return true
}
