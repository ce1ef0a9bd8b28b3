package worker

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sealtape/sealtape/recorder/bot"
)

const (
	reportEvery = time.Second
	maxReport   = 4 << 20 // bytes that one status may take
)

// Report writes the status of a recording to w each second until ctx ends, which is no
// error. The error says that nobody reads it any more. It closes w.
func Report(ctx context.Context, w io.WriteCloser, status func() bot.Status) error {
	defer func() { _ = w.Close() }() // nothing of it is kept
	enc := gob.NewEncoder(w)
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		if err := enc.Encode(status()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// reports calls got with each status that a child wrote to r, until its end.
func reports(r io.Reader, got func(bot.Status)) error {
	// Each has its bound and not all of them: a recording may go on for months.
	limited := &io.LimitedReader{R: r}
	dec := gob.NewDecoder(limited)
	for {
		limited.N = maxReport
		var s bot.Status
		switch err := dec.Decode(&s); {
		case err != nil && limited.N <= 0:
			return fmt.Errorf("a status of more than %d bytes", maxReport)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		got(s)
	}
}
