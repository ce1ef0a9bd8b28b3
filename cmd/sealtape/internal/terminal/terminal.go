// Package terminal shows on a terminal how far something got, and asks whoever sits at
// it.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Is reports whether w is a terminal that can redraw a line.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// Columns returns how many cells a line of w has, 0 if w is no terminal.
func Columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// ErrNone: there is nobody to ask.
var ErrNone = errors.New("there is no terminal to ask on")

// A TTY is the terminal of the process, whatever its standard input and output are
// connected to.
type TTY struct{ file *os.File }

// Open opens the terminal of the process. The error is [ErrNone]. The caller closes it.
func Open() (*TTY, error) {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNone
	}
	return &TTY{f}, nil
}

// Close closes it.
func (t *TTY) Close() error { return t.file.Close() }

// Secret reads a line without showing it.
func (t *TTY) Secret(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(t.file.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(t.file, prompt)
	defer fmt.Fprintln(t.file)
	return interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(fd) },
		func() { _ = term.Restore(fd, before) })
}

// Confirm asks a question that is answered with yes or no; no is the default.
func (t *TTY) Confirm(ctx context.Context, question string) (bool, error) {
	fmt.Fprintf(t.file, "%s [y/N] ", question)
	line, err := interruptible(ctx, func() ([]byte, error) {
		return bufio.NewReader(io.LimitReader(t.file, 1<<10)).ReadBytes('\n')
	}, func() {})
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	answer := strings.ToLower(strings.TrimSpace(string(line)))
	return answer == "y" || answer == "yes", nil
}

// interruptible calls read, which blocks on the terminal, and gives up on it
// when ctx ends. A blocked read of a terminal cannot be called back, so its
// goroutine is left behind: the process is about to exit.
func interruptible(ctx context.Context, read func() ([]byte, error), giveUp func()) ([]byte, error) {
	type result struct {
		b   []byte
		err error
	}
	ch := make(chan result, 1)
	go func() {
		b, err := read()
		ch <- result{b, err}
	}()
	select {
	case r := <-ch:
		return r.b, r.err
	case <-ctx.Done():
		giveUp()
		return nil, ctx.Err()
	}
}
