package native

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// A Backend is an application's backend: a process of Node with LiveKit's server SDK,
// livekit-server-sdk, as it is. It is safe for concurrent use.
type Backend struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	mu  sync.Mutex
	out *bufio.Scanner
}

// StartBackend starts a backend that has one URL for all of the server's API. ctx ends it.
func StartBackend(ctx context.Context, url, key, secret string) (*Backend, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return nil, errors.New("native: no source")
	}
	b := &Backend{cmd: exec.CommandContext(ctx, "node", "backend.mjs", url)}
	b.cmd.Dir = filepath.Dir(file)
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.out = bufio.NewScanner(out)
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	return b, json.NewEncoder(b.in).Encode(map[string]string{"key": key, "secret": secret})
}

// Ask has the backend do what backend.mjs says of a command, and puts the answer into v. A
// refusal of the server is an error with its code and text.
func (b *Backend) Ask(command map[string]any, v any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := json.NewEncoder(b.in).Encode(command); err != nil {
		return err
	}
	if !b.out.Scan() {
		return errors.Join(ErrClosed, b.out.Err())
	}
	var said struct {
		Answer      json.RawMessage
		Error, Code string
	}
	if err := json.Unmarshal(b.out.Bytes(), &said); err != nil {
		return err
	}
	if said.Error != "" {
		return fmt.Errorf("%s: %s", said.Code, said.Error)
	}
	return json.Unmarshal(said.Answer, v)
}

// Close ends the backend.
func (b *Backend) Close() error {
	return errors.Join(b.in.Close(), b.cmd.Wait())
}
