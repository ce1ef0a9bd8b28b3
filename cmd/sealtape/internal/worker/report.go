package worker

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"time"

	"github.com/sealtape/sealtape/recorder/bot"
)

const (
	reportEvery = time.Second
	maxReports  = 1 << 30 // bytes from one child; months
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
	dec := gob.NewDecoder(io.LimitReader(r, maxReports))
	for {
		var s bot.Status
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		got(s)
	}
}
