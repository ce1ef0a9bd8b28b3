package terminal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
)

// What is no terminal gets no bar, and neither does what has no length.
func TestBarElsewhere(t *testing.T) {
	var out bytes.Buffer
	var none *Bar
	for _, b := range []*Bar{NewBar(&out, "reading", 10), NewBar(os.Stderr, "reading", 0), none} {
		b.Add(1)
		b.Set(2)
		b.Describe("writing")
		b.Finish()
	}
	if out.Len() > 0 || Is(&out) {
		t.Errorf("wrote %q to what is no terminal", out.Bytes())
	}
}

// A question ends with its context, though nobody answers.
func TestInterruptible(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	asked, over, gaveUp := make(chan struct{}), make(chan struct{}), false
	go func() {
		<-asked
		cancel()
	}()
	_, err := interruptible(ctx, func() ([]byte, error) {
		close(asked)
		<-over
		return nil, nil
	}, func() { gaveUp = true })
	close(over)
	if !errors.Is(err, context.Canceled) || !gaveUp {
		t.Errorf("%v, gave up: %t", err, gaveUp)
	}
	b, err := interruptible(t.Context(), func() ([]byte, error) { return []byte("yes"), nil }, func() { t.Error("gave up") })
	if string(b) != "yes" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
