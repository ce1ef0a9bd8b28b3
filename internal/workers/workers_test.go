package workers_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/internal/workers"
)

// What is started first ends last, whatever became of the context that it was
// started with, and all end though some fail.
func TestGroupEndsInReverse(t *testing.T) {
	var g workers.Group
	var ended []string
	over, cancel := context.WithCancel(t.Context())
	cancel()
	worker := func(name string) func(context.Context) {
		return func(ctx context.Context) {
			<-ctx.Done()
			ended = append(ended, name)
		}
	}
	failed := errors.New("failed")
	g.Start(over, worker("first"))
	g.Ends(func() error { ended = append(ended, "second"); return failed })
	g.Start(over, worker("third"))
	if err := g.Stop(); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if err := g.Stop(); err != nil {
		t.Errorf("again: %v", err)
	}
	if want := []string{"third", "second", "first"}; !slices.Equal(ended, want) {
		t.Errorf("ended %q, want %q", ended, want)
	}
}
