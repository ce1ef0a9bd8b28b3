package member_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

// A script is a member of keys/web, in Node.
type script struct {
	t     *testing.T
	in    io.WriteCloser
	send  func(to []string, data []byte)
	mu    sync.Mutex
	next  int
	waits map[int]chan map[string]json.RawMessage
	bad   []string // troubles
	told  chan struct{}
}

func startScript(t *testing.T, room, identity string) *script {
	t.Helper()
	sample.Live(t)
	cmd := exec.CommandContext(t.Context(), "node", "testdata/bridge.mjs", room, identity)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatalf("node, with which the tests run, does not start: %v", err)
	}
	s := &script{t: t, in: in, waits: make(map[int]chan map[string]json.RawMessage), send: func([]string, []byte) {}, told: make(chan struct{}, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			s.line(lines.Bytes())
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, w := range s.waits {
			close(w)
		}
		s.waits = nil
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("node: %v\n%s", err, errs.String())
		}
	})
	return s
}

func (s *script) line(b []byte) {
	var m struct {
		ID      *int     `json:"id"`
		Send    []byte   `json:"send"`
		To      []string `json:"to"`
		Changed bool     `json:"changed"`
		Trouble *struct {
			Trouble, Detail string
		} `json:"trouble"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		s.t.Errorf("%q: %v", b, err)
		return
	}
	s.mu.Lock()
	send := s.send
	var wait chan map[string]json.RawMessage
	if m.ID != nil {
		wait = s.waits[*m.ID]
		delete(s.waits, *m.ID)
	}
	if m.Trouble != nil {
		s.bad = append(s.bad, m.Trouble.Trouble)
	}
	if m.Changed || m.Trouble != nil {
		wake(s.told)
	}
	s.mu.Unlock()
	if m.Send != nil {
		send(m.To, m.Send)
	}
	if wait != nil {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(b, &fields); err != nil {
			s.t.Error(err)
		}
		wait <- fields
	}
}

// do runs a command and puts its answer into out. It returns the script's error.
func (s *script) do(command string, args map[string]any, out any) (failure string) {
	s.t.Helper()
	s.mu.Lock()
	s.next++
	id, wait := s.next, make(chan map[string]json.RawMessage, 1)
	if s.waits != nil {
		s.waits[id] = wait
	} else {
		close(wait)
	}
	s.mu.Unlock()
	line := map[string]any{"id": id, "command": command}
	for k, v := range args {
		line[k] = v
	}
	b, err := json.Marshal(line)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(b, '\n')); err != nil {
		s.t.Fatal(err)
	}
	fields, ok := <-wait
	if !ok {
		s.t.Fatalf("%s: node ended", command)
	}
	if e, ok := fields["error"]; ok {
		return string(e)
	}
	if out != nil {
		all, err := json.Marshal(fields)
		if err == nil {
			err = json.Unmarshal(all, out)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return ""
}

// hears delivers a packet of the room. from "" is a hidden participant.
func (s *script) hears(from string, data []byte) {
	s.t.Helper()
	s.must("data", map[string]any{"from": from, "data": base64.StdEncoding.EncodeToString(data)}, nil)
}

// wake lets whoever waits for a change look again.
func wake(changed chan<- struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

func (s *script) must(command string, args map[string]any, out any) {
	s.t.Helper()
	if failure := s.do(command, args, out); failure != "" {
		s.t.Fatalf("%s: %s", command, failure)
	}
}

func (s *script) troubles() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bad)
}

// until waits for a trouble.
func (s *script) until(trouble string) {
	s.t.Helper()
	for ctx := sample.Context(s.t); !slices.Contains(s.troubles(), trouble); {
		select {
		case <-s.told:
		case <-ctx.Done():
			s.t.Fatalf("the browser was told %v, want %s", s.troubles(), trouble)
		}
	}
}
