package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

const (
	askTime   = 30 * time.Second
	maxAnswer = 1 << 20
)

// A Program is asked a question: it is started with its arguments, without a shell, gets
// JSON on standard input, and prints JSON.
type Program struct {
	// Args are the program, looked for in PATH, and its arguments. None of them comes from
	// a dispatch.
	Args []string
	// Env is all of its environment.
	Env []string
	// Stderr gets what it says on standard error; nil discards it.
	Stderr io.Writer
	// Time is how long it may take. 0 means 30 s.
	Time time.Duration
}

// ErrProgram is in every error of a Program. None shows what it printed, which is a secret.
var ErrProgram = errors.New("no answer")

// Ask runs the program once, and stores its answer, one JSON value of at most 1 MiB, in
// answer. Fields that answer does not have are an error.
func (p Program) Ask(ctx context.Context, question, answer any) error {
	if len(p.Args) == 0 {
		return fmt.Errorf("%w: no program is named", ErrProgram)
	}
	in, err := json.Marshal(question)
	if err != nil {
		return err
	}
	limit := p.Time
	if limit == 0 {
		limit = askTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...)
	cmd.Env = p.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be all of ours
	}
	cmd.WaitDelay = time.Second // for what it left running with its output
	out := &bounded{n: maxAnswer}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), out, p.Stderr
	defer func() { clear(out.b.Bytes()) }()
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrProgram, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("%w: %v", ErrProgram, err) // an exec.ExitError has an exit code that is not ours
	case out.more:
		return fmt.Errorf("%w: it printed more than %d bytes", ErrProgram, maxAnswer)
	}
	d := json.NewDecoder(bytes.NewReader(out.b.Bytes()))
	d.DisallowUnknownFields()
	if d.Decode(answer) != nil {
		return fmt.Errorf("%w: what it printed is not the JSON that was asked for", ErrProgram)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it printed more than one JSON value", ErrProgram)
	}
	return nil
}

// A bounded buffer keeps the first n bytes, and notes whether there were more.
type bounded struct {
	b    bytes.Buffer
	n    int
	more bool
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.n-b.b.Len())]
	b.more = b.more || len(keep) < len(p)
	b.b.Write(keep)
	return len(p), nil
}
