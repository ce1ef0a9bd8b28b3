package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
)

const (
	storePatience = 2 * time.Minute // a store that is away for so long is spoken of in the room
	tellTime      = 5 * time.Second // for telling the room something
)

const (
	storeAway = "The store of this recording cannot be reached. The recording goes on: it waits, sealed, on the recorder's own disk."
	storeBack = "The store takes the recording of this meeting again."
)

// lifeFlags say when a recording ends by itself.
func lifeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "grace", Value: "2m", Usage: "stop `TIME` after the last person left, though the server close the room before; with never, when the room ends"},
		&cli.StringFlag{Name: "wait", Value: "never", Usage: "stop when nobody came for `TIME`, though the server close the room before"},
		&cli.StringFlag{Name: "rejoin", Value: "15m", Usage: "try for `TIME` to come back to a room that was lost; with never, give it up"},
	}
}

// A lifetime is what the flags said, in the terms of recorder.Config and
// livekit.Config.
type lifetime struct{ grace, wait, rejoin time.Duration }

// reopen reports whether to come back to a room that the server closed because
// nobody was in it any more, or yet: until the grace is over, or the wait.
func (l lifetime) reopen(attended bool) bool { return !attended || l.grace != recorder.Never }

func parseLifetime(c *cli.Context) (l lifetime, err error) {
	for name, to := range map[string]*time.Duration{"grace": &l.grace, "wait": &l.wait, "rejoin": &l.rejoin} {
		s := c.String(name)
		if *to = recorder.Never; s == "never" {
			continue
		}
		if *to, err = time.ParseDuration(s); err != nil || *to < 0 {
			return l, usagef(c, "--%s is %q, want a time such as 2m, 0 for the default, or never", name, s)
		}
	}
	return l, nil
}

// A pauser pauses a recording, or lets it go on, whenever the signal for it
// comes. The signal is taken from newPauser on, so that one that comes too early
// does not end the process.
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

// serve toggles rec until ctx ends.
func (p *pauser) serve(ctx context.Context, rec *recorder.Recorder) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.signals:
		}
		telling, cancel := context.WithTimeout(ctx, tellTime)
		var err error
		if rec.Status().State == recorder.StatePaused {
			err = rec.Resume(telling)
		} else {
			err = rec.Pause(telling, "signal")
		}
		cancel()
		if err != nil {
			p.log.Warn("on the signal to pause or go on", "err", err, "state", rec.Status().State)
		}
	}
}

// A storeWatch speaks up in the room when the store is away for long, and when
// it is back: members should know where their recording is. The recording goes
// on in the spool all the while.
type storeWatch struct {
	failed func() bool // the store does not take the recording now
	tell   func(text string)

	since time.Time // since when; zero while the store works
	told  bool
}

// look is called every now and then.
func (w *storeWatch) look(now time.Time) {
	switch {
	case !w.failed():
		w.since = time.Time{}
		if w.told {
			w.told = false
			w.tell(storeBack)
		}
	case w.since.IsZero():
		w.since = now
	case !w.told && now.Sub(w.since) >= storePatience:
		w.told = true
		w.tell(storeAway)
	}
}

// serve looks once a second until ctx ends.
func (w *storeWatch) serve(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			w.look(now)
		}
	}
}

// live does what has to be done beside recording until the function it returns
// is called, which waits for it.
func (r *recording) live(ctx context.Context, p *pauser, rec *recorder.Recorder, room *memberRoom, u *uploads) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &storeWatch{failed: u.failed, tell: func(text string) {
		telling, cancel := context.WithTimeout(ctx, tellTime)
		defer cancel()
		if err := room.Tell(telling, text); err != nil && ctx.Err() == nil {
			r.log.Warn("the room could not be told about the store", "err", err)
		}
	}}
	var running sync.WaitGroup
	running.Go(func() { p.serve(ctx, rec) })
	running.Go(func() { w.serve(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// explainEnd returns the error to exit with, if the room ended the recording in
// a way that somebody should look into.
func explainEnd(rep recorder.Report) error {
	switch {
	case errors.Is(rep.Cause, livekit.ErrReplaced):
		return hinted(exitWith(exitFailed, rep.Cause),
			"what was recorded before is kept; every recorder needs an identity of its own: leave --identity out, or see what else uses it")
	case errors.Is(rep.Cause, livekit.ErrHid), errors.Is(rep.Cause, livekit.ErrGagged):
		return hinted(exitWith(exitIncomplete, rep.Cause),
			"what was recorded before is kept; members must see the recorder and hear what it says: ask who runs the server")
	// The meeting may go on without its recorder: whoever starts recorders is to start another.
	case errors.Is(rep.Cause, livekit.ErrToken):
		return hinted(exitWith(exitFailed, rep.Cause), "what was recorded before is kept; with --token-command a recorder can come back at any time")
	case errors.Is(rep.Cause, livekit.ErrLost):
		return hinted(exitWith(exitFailed, rep.Cause), "what was recorded before is kept; --rejoin says for how long the recorder tries to come back")
	}
	return nil
}
