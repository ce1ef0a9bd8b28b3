// Package workers runs what goes on beside a task, and ends it in order.
package workers

import (
	"context"
	"errors"
	"slices"
)

// A Group is a list of workers and endings. Stop ends them in reverse order, each
// before the one that was added before it. The zero value is an empty list. A
// Group belongs to one goroutine.
type Group struct{ ends []func() error }

// Start runs a worker until Stop reaches it: Stop then cancels the worker's
// context and waits for it. The end of ctx does not end the worker.
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

// Ends adds a function that Stop calls when it reaches it.
func (g *Group) Ends(end func() error) { g.ends = append(g.ends, end) }

// Stop ends everything, and returns the errors joined. A second call does
// nothing.
func (g *Group) Stop() (err error) {
	ends := g.ends
	g.ends = nil
	for _, end := range slices.Backward(ends) {
		err = errors.Join(err, end())
	}
	return err
}
