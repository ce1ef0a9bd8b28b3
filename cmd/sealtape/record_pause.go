package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

// tellTime is how long telling the room something may take.
const tellTime = 5 * time.Second

// A pauser pauses a recording or continues it when the signal comes. It takes the signal
// from newPauser on, so that an early one does not end the process.
type pauser struct {
	signals chan os.Signal
	log     *slog.Logger
}

func newPauser(log *slog.Logger) *pauser {
	p := &pauser{signals: make(chan os.Signal, 1), log: log}
	if pauseSignal != nil {
		signal.Notify(p.signals, pauseSignal)
	}
	return p
}

func (p *pauser) close() { signal.Stop(p.signals) }

// serve toggles b until ctx ends.
func (p *pauser) serve(ctx context.Context, b *bot.Bot) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.signals:
		}
		telling, cancel := context.WithTimeout(ctx, tellTime)
		var err error
		if b.Status().State == recorder.StatePaused {
			err = b.Resume(telling)
		} else {
			err = b.Pause(telling, "signal")
		}
		cancel()
		if err != nil {
			p.log.Warn("on the signal to pause or go on", "err", err, "state", b.Status().State)
		}
	}
}
