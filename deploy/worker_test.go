//go:build packages

package deploy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestImageWorker: a worker in the image, read-only and without any rights or a shell, is
// dispatched to the demo's room, records it, and ends well when it is told to.
func TestImageWorker(t *testing.T) {
	root, config := imageRoot(t)
	home, policies := filepath.Join(t.TempDir(), "recorder"), t.TempDir()
	for _, dir := range []string{home, policies} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	policy := "rooms: [\"board-*\"]\nroom-keys: members\nreader: [Alice Demo]\nstore: /var/lib/sealtape/store\nduration: 8s\n"
	if err := os.WriteFile(filepath.Join(policies, "demo.yaml"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	within := func(args ...string) (string, error) {
		return try(t, nil, "bwrap", append(contained(t, root, home, config, nil), args...)...)
	}
	if out, err := within("keys", "init", "--name", "Recorder Demo", "--recorder", "--no-passphrase"); err != nil {
		t.Fatalf("%q %v", out, err)
	}
	room := newDemoRoom(t, home)
	secret := filepath.Join(policies, "api-secret") // a policy's name ends in .yaml
	if err := os.WriteFile(secret, []byte(room.server.APISecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := contained(t, root, home, config, []string{"--ro-bind", policies, "/etc/sealtape/policies"},
		"LIVEKIT_URL="+room.server.URL, "LIVEKIT_API_KEY="+room.server.APIKey)
	worker := exec.Command("bwrap", append(run, "worker", "--policies", "/etc/sealtape/policies", "--api-secret-file", "/etc/sealtape/policies/api-secret",
		"--max-rooms", "20", "--drain", "1m", "--metrics-addr", "127.0.0.1:0", "--log-format", "json")...)
	var said saved
	worker.Stdout, worker.Stderr = &said, &said
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- worker.Wait() }()
	defer func() { _ = worker.Process.Kill() }() // it has ended, or the test failed
	inTime := sample.Context(t)
	until := func(what string, done func() bool) {
		t.Helper()
		for !done() {
			select {
			case err := <-ended:
				t.Fatalf("the worker ended: %v\n%s", err, said.String())
			case <-time.After(200 * time.Millisecond):
			case <-inTime.Done():
				t.Fatalf("not %s:\n%s", what, said.String())
			}
		}
	}
	until("registered", func() bool { return strings.Contains(said.String(), "registered as sealtape") })
	api := members.Dispatcher{URL: room.server.URL, APIKey: room.server.APIKey, APISecret: room.server.APISecret}
	if _, err := api.Dispatch(t.Context(), demoRoom, "sealtape", `{"policy": "demo"}`); err != nil {
		t.Fatal(err)
	}
	verdict := ""
	until("recorded", func() bool {
		time.Sleep(time.Second) // each look is a process
		verdict, _ = within("verify", "last", "--store", "/var/lib/sealtape/store")
		return strings.Contains(verdict, "verified: closed")
	})
	if strings.Contains(verdict, "objects:      1 ") {
		t.Errorf("nothing was recorded:\n%s", verdict)
	}
	if strings.Contains(said.String(), demoRoom) || strings.Contains(said.String(), room.server.APISecret) {
		t.Errorf("the log has what is no business of a log:\n%s", said.String())
	}
	if err := syscall.Kill(sealtapeBelow(t, worker.Process.Pid), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v\n%s", err, said.String())
		}
	case <-inTime.Done():
		t.Errorf("it does not end:\n%s", said.String())
	}
}

// sealtapeBelow returns the ID of the sealtape process that a container's process started.
func sealtapeBelow(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(text, []byte("/usr/bin/sealtape\x00")) {
		return pid
	}
	text, err = os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.Fields(string(text) + " none")[0])
	if err != nil {
		t.Fatal("there is no sealtape process")
	}
	return sealtapeBelow(t, child)
}

// saved keeps what is written to it, for readers meanwhile.
type saved struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *saved) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *saved) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
