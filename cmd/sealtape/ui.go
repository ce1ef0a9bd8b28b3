package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/internal/words"
)

// This file is the only one that writes to a person. The rules are:
//
//   - Results go to standard output, all else to standard error.
//   - Errors are "sealtape: " and a text without a capital or a full stop;
//     lines with "hint: " follow, and name the remedy.
//   - Questions go to the terminal, not to either output, so that these can be
//     redirected. Without a terminal a question is an error with a hint that
//     says how to answer in advance.
//   - Whatever came from a room, a store or a card goes through clean.

// env is what the commands need of the world around them.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	logging logging
	log     *slog.Logger // takes warnings and errors in place of stderr, nil unless they are to be JSON

	silentAfter time.Duration // see member.Config; 0 but in a test

	mu     sync.Mutex
	outErr error // the first of writing to stdout, guarded by mu
}

const envKey = "env"

// envOf returns the env of the running command.
func envOf(c *cli.Context) *env { return c.App.Metadata[envKey].(*env) }

// printf writes a result to standard output. If that fails, so does the
// command, when it comes to its end.
func (e *env) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(e.stdout, format, args...); err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.outErr == nil {
			e.outErr = fmt.Errorf("writing to standard output: %w", err)
		}
	}
}

// notef writes a remark to standard error, in as many lines as the format has.
func (e *env) notef(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		fmt.Fprintln(e.stderr, clean(line))
	}
}

// warnf writes a line that should not be missed to standard error.
func (e *env) warnf(format string, args ...any) {
	if e.log != nil {
		e.log.Warn(fmt.Sprintf(format, args...))
		return
	}
	fmt.Fprintf(e.stderr, "sealtape: warning: %s\n", clean(fmt.Sprintf(format, args...)))
}

// table writes rows to standard output, in columns. The first row is the head.
func (e *env) table(rows [][]string) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.TrimRight(strings.Join(r, "\t"), "\t"))
	}
	return w.Flush()
}

// json writes v to standard output, indented.
func (e *env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// exit tells the person how it went and returns the exit code.
func (e *env) exit(err error) int {
	if err == nil {
		e.mu.Lock()
		err = e.outErr
		e.mu.Unlock()
	}
	if err == nil {
		return 0
	}
	code, hints := explain(err)
	var quiet *exitError
	switch {
	case e.log != nil:
		args := []any{"code", code}
		if len(hints) > 0 {
			args = append(args, "hint", strings.Join(texts(hints), "; "))
		}
		e.log.Error(err.Error(), args...)
		return code
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.stderr, "sealtape: interrupted")
	case !errors.As(err, &quiet) || quiet.err != nil:
		fmt.Fprintf(e.stderr, "sealtape: %s\n", clean(err.Error()))
	}
	for _, h := range hints {
		fmt.Fprintln(e.stderr, strings.Join(h.lines(), "\n"))
	}
	return code
}

// These are in package words, for the library says the same. clean makes what a
// stranger may have written safe to show.
func clean(s string) string           { return words.Clean(s) }
func length(d time.Duration) string   { return words.Length(d) }
func count(n int, noun string) string { return words.Count(n, noun) }
func people(n int) string             { return words.People(n) }
func size(n int64) string             { return words.Size(n) }

// passphraseVar answers questions for the passphrase.
const passphraseVar = "SEALTAPE_PASSPHRASE"

// passphrase asks for the passphrase of the identity, or takes it from the
// environment. With confirm, it is a new one, to be typed twice.
func (e *env) passphrase(ctx context.Context, confirm bool) ([]byte, error) {
	if p := os.Getenv(passphraseVar); p != "" {
		return []byte(p), nil
	}
	tty, err := terminal.Open()
	if err != nil {
		return nil, hinted(fmt.Errorf("the passphrase is needed and %w", err),
			"in a script, set "+passphraseVar)
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
		return nil, hinted(errors.New("the passphrase is empty"), "--no-passphrase keeps the identity without one")
	}
	again, err := tty.Secret(ctx, "once more: ")
	if err != nil {
		return nil, err
	}
	if string(p) != string(again) {
		return nil, hinted(errors.New("the two passphrases differ"), "run the command again; nothing was written")
	}
	return p, nil
}

// confirm asks a question that is answered with yes or no; no is the default.
func (e *env) confirm(ctx context.Context, question string) (bool, error) {
	tty, err := terminal.Open()
	if err != nil {
		return false, err
	}
	defer tty.Close()
	return tty.Confirm(ctx, question)
}

// progress begins to show how much of total is done of what.
func (e *env) progress(what string, total int64) *terminal.Bar {
	return terminal.NewBar(e.stderr, what, total)
}
