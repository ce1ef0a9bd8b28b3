package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sealtape/sealtape/internal/child"
)

// CommandTime is how long a Command may take.
const CommandTime = time.Minute

// A Command is a program with its arguments that is run when all stores have a recording. No
// shell reads it. Its standard input has a StoredRecording as one line of JSON. Of the
// environment it has what finds programs and says the language, and no secrets.
type Command []string

// A StoredRecording is what a Command is told.
type StoredRecording struct {
	Recording string   `json:"recording"` // its ID
	State     string   `json:"state"`     // closed or cut
	Stores    []string `json:"stores"`    // as they were named, without secrets
}

// kept are the variables that a Command has.
var kept = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LC_TIME", "TMPDIR", "TZ"}

// ErrCommandTime: the command did not end in time, and was killed with all that it started.
var ErrCommandTime = fmt.Errorf("it did not end within %v", CommandTime)

// Run runs the command. The error says how it ended and what it said last. The end of ctx
// ends the command and all that it started.
func (c Command) Run(ctx context.Context, r StoredRecording) error {
	if len(c) == 0 || c[0] == "" {
		return errors.New("no command")
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	run, cancel := context.WithTimeoutCause(ctx, CommandTime, ErrCommandTime)
	defer cancel()
	cmd := child.Command(run, kept, c[0], c[1:]...)
	said := &child.Said{}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(b, '\n')), said, said
	err = cmd.Run()
	if cause := context.Cause(run); err != nil && cause != nil {
		return cause
	}
	if text := said.String(); err != nil && text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}
