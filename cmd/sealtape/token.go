package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/fleet"
)

// tokenTime is how long a --token-command may take.
const tokenTime = 30 * time.Second

// errTokenCommand is in every error of a --token-command.
var errTokenCommand = errors.New("the token command failed")

// secretVars are the environment variables with secrets. No program that we start gets
// them.
var secretVars = []string{flags.E2EEPassphraseVar, flags.APISecretVar, flags.TokenVar, ui.PassphraseVar, "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// dropSecrets removes them from our own environment: age plugins and browsers are started
// with it.
func dropSecrets() error {
	for _, v := range secretVars {
		if err := os.Unsetenv(v); err != nil {
			return err
		}
	}
	return nil
}

// withoutSecrets returns the environment without secrets, and without what is
// said to us alone.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(secretVars, name) || slices.Contains(systemd.Vars, name)
	})
}

// tokenCommand returns a function that runs a command with sh and returns the
// token that it prints: one line of at most 16 KiB, within 30 s. What the command
// says on standard error goes to w. No error shows what it printed.
func tokenCommand(command string, w io.Writer) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, tokenTime)
		defer cancel()
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Env = withoutSecrets(os.Environ())
		cmd.WaitDelay = time.Second // for what it left running with its output
		out := &bounded{n: maxSecret}
		cmd.Stdout, cmd.Stderr = out, w
		err := cmd.Run()
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("%w: %w", errTokenCommand, context.Cause(ctx))
		case err != nil:
			return "", fmt.Errorf("%w: %v", errTokenCommand, err) // an exec.ExitError has an exit code that is not ours
		}
		token := strings.TrimSpace(out.b.String())
		if out.more || token == "" || strings.ContainsAny(token, " \t\r\n") {
			return "", fmt.Errorf("%w: what it printed is no token", errTokenCommand)
		}
		return token, nil
	}
}

// A roomQuestion is what a token program gets on standard input, as JSON.
type roomQuestion struct {
	Room     string `json:"room"`
	Identity string `json:"identity"`
	Name     string `json:"name"`
}

// tokenProgram is tokenCommand for a program and its arguments, without a shell, which gets
// the question and prints {"token": "..."}.
func tokenProgram(args []string, question any) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var answer struct {
			Token string `json:"token"`
		}
		err := fleet.Program{Args: args, Env: withoutSecrets(os.Environ()), Time: tokenTime}.Ask(ctx, question, &answer)
		if err == nil && (answer.Token == "" || len(answer.Token) > maxSecret || strings.ContainsAny(answer.Token, " \t\r\n")) {
			err = errors.New("its token is none")
		}
		if err != nil {
			return "", fmt.Errorf("%w: %w", errTokenCommand, err)
		}
		return answer.Token, nil
	}
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
