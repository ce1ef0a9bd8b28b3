package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
)

// Env is what the commands need of the world around them.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	Logging logging
	log     atomic.Pointer[slog.Logger] // see Log

	SilentAfter time.Duration // see member.Config; 0 but in a test
	CheckOnly   bool          // commands check their options and do nothing more: in a test
	ScryptWork  int           // see keys.Home.SetScryptWork; 0, the usual, but in a test
	Step        func(string)  // called at steps after which a crash must cost nothing; nil but in a test

	mu     sync.Mutex
	outErr error // the first of writing to stdout, guarded by mu
	hurry  hurry
}

// Log returns what takes warnings and errors in place of stderr, nil unless they are to be
// JSON. A signal may come before that is known.
func (e *Env) Log() *slog.Logger { return e.log.Load() }

// At is called at a step.
func (e *Env) At(step string) {
	if e.Step != nil {
		e.Step(step)
	}
}

// EnvKey is where an Env is in the metadata of a command line.
const EnvKey = "env"

// Of returns the env of the running command.
func Of(c *cli.Context) *Env { return c.App.Metadata[EnvKey].(*Env) }

// Printf writes a result to standard output. If that fails, so does the
// command, when it comes to its end.
func (e *Env) Printf(format string, args ...any) {
	if _, err := fmt.Fprintf(e.Stdout, format, args...); err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.outErr == nil {
			e.outErr = fmt.Errorf("writing to standard output: %w", err)
		}
	}
}

// Notef writes a remark to standard error, in as many lines as the format has.
func (e *Env) Notef(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		fmt.Fprintln(e.Stderr, Clean(line))
	}
}

// Warnf writes a line that should not be missed to standard error.
func (e *Env) Warnf(format string, args ...any) {
	if e.Log() != nil {
		e.Log().Warn(fmt.Sprintf(format, args...))
		return
	}
	fmt.Fprintf(e.Stderr, "sealtape: warning: %s\n", Clean(fmt.Sprintf(format, args...)))
}

// Exit tells the person how it went and returns the exit code.
func (e *Env) Exit(err error) int {
	if err == nil {
		e.mu.Lock()
		err = e.outErr
		e.mu.Unlock()
	}
	if err == nil {
		return 0
	}
	code, hints := Explain(err)
	var quiet *exitError
	switch {
	case e.Log() != nil:
		args := []any{"code", code}
		if len(hints) > 0 {
			args = append(args, "hint", strings.Join(Texts(hints), "; "))
		}
		e.Log().Error(err.Error(), args...)
		return code
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.Stderr, "sealtape: interrupted")
	case !errors.As(err, &quiet) || quiet.err != nil:
		fmt.Fprintf(e.Stderr, "sealtape: %s\n", Clean(err.Error()))
	}
	for _, h := range hints {
		fmt.Fprintln(e.Stderr, strings.Join(h.Lines(), "\n"))
	}
	return code
}

// PassphraseVar answers questions for the passphrase.
const PassphraseVar = "SEALTAPE_PASSPHRASE"

// Passphrase asks for the passphrase of the identity, or takes it from the
// environment. With confirm, it is a new one, to be typed twice.
func (e *Env) Passphrase(ctx context.Context, confirm bool) ([]byte, error) {
	if p := os.Getenv(PassphraseVar); p != "" {
		return []byte(p), nil
	}
	tty, err := terminal.Open()
	if err != nil {
		return nil, Hinted(fmt.Errorf("the passphrase is needed and %w", err),
			"in a script, set "+PassphraseVar)
	}
	defer tty.Close()
	if !confirm {
		return tty.Secret(ctx, "passphrase of your sealtape identity: ")
	}
	p, err := tty.Secret(ctx, "choose a passphrase for your sealtape identity: ")
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, Hinted(errors.New("the passphrase is empty"), "--no-passphrase keeps the identity without one")
	}
	again, err := tty.Secret(ctx, "once more: ")
	if err != nil {
		return nil, err
	}
	if string(p) != string(again) {
		return nil, Hinted(errors.New("the two passphrases differ"), "run the command again; nothing was written")
	}
	return p, nil
}

// Secret asks for something on the terminal without showing it. elsewhere says how to give
// it where there is none.
func (e *Env) Secret(ctx context.Context, what, elsewhere string) ([]byte, error) {
	tty, err := terminal.Open()
	if err != nil {
		return nil, Hinted(fmt.Errorf("the %s is needed and %w", what, err), elsewhere)
	}
	defer tty.Close()
	return tty.Secret(ctx, what+": ")
}

// Confirm asks a question that is answered with yes or no; no is the default.
func (e *Env) Confirm(ctx context.Context, question string) (bool, error) {
	tty, err := terminal.Open()
	if err != nil {
		return false, err
	}
	defer tty.Close()
	return tty.Confirm(ctx, question)
}

// Progress begins to show how much of total is done of what.
func (e *Env) Progress(what string, total int64) *terminal.Bar {
	return terminal.NewBar(e.Stderr, what, total)
}

// Retrying tells that a store failed and is tried again.
func (e *Env) Retrying(_ string, err error, wait time.Duration) {
	e.Notef("sealtape: the store failed, trying again in %s: %v", Length(wait), err)
}
