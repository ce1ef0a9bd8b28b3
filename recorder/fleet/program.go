package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/child"
	"github.com/sealtape/sealtape/internal/words"
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
	// Time is how long it may take. 0 means 30 s.
	Time time.Duration
}

// ErrProgram is in every error of a Program. None shows what it printed, which is a secret.
// The end of what it said on standard error is shown, but for words that it printed, too.
var ErrProgram = errors.New("no answer")

// Ask runs the program once, and stores its answer, one JSON value of at most 1 MiB, in
// answer. Fields that answer does not have are an error.
func (p Program) Ask(ctx context.Context, question, answer any) (err error) {
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
	cmd := child.Command(ctx, nil, p.Args[0], p.Args[1:]...) // which ends with all that it started
	cmd.Env = p.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would be all of ours
	}
	out, said := &bounded{n: maxAnswer}, new(child.Said)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), out, said
	defer func() { clear(out.b.Bytes()) }()
	err = cmd.Run()
	defer func() {
		if text := without(said.String(), out.b.Bytes()); err != nil && text != "" {
			err = fmt.Errorf("%w: it says %s", err, words.Quote(text))
		}
	}()
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

// minSecret is how long a word of an answer is that is not repeated.
const minSecret = 6

// without returns what a program said with … in place of the words that it printed, too: a
// shell that traces its commands says all that they print.
func without(said string, printed []byte) string {
	if said == "" {
		return ""
	}
	seen := make(map[string]bool)
	for _, word := range strings.FieldsFunc(string(printed), func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`"'\{}[]:,`, r)
	}) {
		if len(word) >= minSecret && !seen[word] {
			seen[word] = true
			said = strings.ReplaceAll(said, word, "…")
		}
	}
	return said
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
