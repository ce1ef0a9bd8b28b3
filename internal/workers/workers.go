// Package workers runs what goes on beside a task, and ends it in order.
package workers

import (
	"context"
	"errors"
	"slices"
)

// A Group is a list of workers and endings. Stop ends them in the reverse of the
// order in which they came, each before the one that came before it. The zero value
// is empty. One goroutine uses it.
type Group struct{ ends []func() error }

// Start runs a worker until its turn to end comes: then its context is cancelled and
// it is waited for. That ctx ends does not end it.
func (g *Group) Start(ctx context.Context, run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	g.Ends(func() error {
		cancel()
		<-done
		return nil
	})
}

// Ends adds something to be done when its turn comes.
func (g *Group) Ends(end func() error) { g.ends = append(g.ends, end) }

// Stop ends all, and returns what failed. A second call does nothing.
func (g *Group) Stop() (err error) {
	ends := g.ends
	g.ends = nil
	for _, end := range slices.Backward(ends) {
		err = errors.Join(err, end())
	}
	return err
}
