package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/program"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/agent"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestMain is the recorder that a worker starts, or a policy's command, where the
// environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv("FAKE_RECORDER"); dir != "" {
		os.Exit(fakeRecorder(dir, os.Args))
	}
	if os.Getenv("FAKE_COMMAND") != "" {
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

// fakeRecorder is a "sealtape record" that writes down what it was given, and does what the
// title of its recording says.
func fakeRecorder(dir string, args []string) int {
	arg := func(name string) string {
		if i := slices.Index(args, name); i > 0 {
			return args[i+1]
		}
		return ""
	}
	read := func(path string) []byte {
		if path == "" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return b
	}
	given := map[string]any{"args": args, "env": os.Environ(), "secrets": string(read(arg("--secrets-file"))), "keys": string(read(arg("--e2ee-key-file")))}
	var config map[string]any
	if err := yaml.Unmarshal(read(arg("--config")), &config); err != nil {
		return 1
	}
	given["config"] = config
	b, err := json.Marshal(given)
	if err != nil {
		return 1
	}
	entries, err := os.ReadDir(dir)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d-%d", len(entries), os.Getpid())), b, 0o600)
	}
	if err != nil {
		return 1
	}
	how, _ := config["title"].(string)
	if how == "elsewhere" {
		return 6
	}
	if how == "fails" {
		return 1
	}
	if how == "waits" { // for the room, and has no recording yet
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		fmt.Fprintln(os.Stderr, `{"msg":"it waits"}`)
		<-ctx.Done()
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	to, err := program.Inherited(arg("--status-file"))
	if err != nil {
		return 1
	}
	signal.Ignore(syscall.SIGPIPE)
	fmt.Println("F2JE7ZY04P971PR0YHVBFNECP0")
	fmt.Fprintln(os.Stderr, `{"time":"x","level":"WARN","msg":"it works","n":1}`)
	fmt.Fprintln(os.Stderr, strings.Repeat("a line without an end ", maxLine/8))
	fmt.Fprintln(os.Stderr, `{"msg":"a wait","for":3500000000}`)
	fmt.Fprintln(os.Stderr, "panic: no JSON")
	reporting := make(chan error, 1)
	if how != "silent" {
		go func() {
			reporting <- Report(ctx, to, func() bot.Status {
				return bot.Status{Status: recorder.Status{State: recorder.StateRecording, Alive: time.Now(), Participants: 3,
					Outcomes: map[recorder.CodecOutcome]int64{{Codec: "opus", Outcome: recorder.Kept}: 7}}, Backlog: bot.Backlog{Bytes: 1000}}
			})
		}()
	}
	switch how {
	case "crashes":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "panics":
		return 2
	case "incomplete":
		return 3
	}
	select {
	case <-ctx.Done():
	case err := <-reporting:
		if err != nil {
			_ = os.WriteFile(filepath.Join(dir, "orphan"), nil, 0o600)
		}
	}
	return 0
}

// A given is what a recorder was started with.
type given struct {
	Args, Env     []string
	Secrets, Keys string
	Config        map[string]any
}

// A bench is a worker with such recorders.
type bench struct {
	*Worker
	t     *testing.T
	dir   string
	said  *said
	table *fleet.Table
	stop  func() // as a signal does
	hurry chan struct{}
	over  chan struct{}
}

// said is a log.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newBench runs a worker with a policy for each title that the fake knows.
func newBench(t *testing.T, drain time.Duration, change func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), said: new(said), hurry: make(chan struct{}), over: make(chan struct{}), table: fleet.NewTable(4, false)}
	policies := t.TempDir()
	for name, more := range map[string]string{"records": "", "crashes": "", "panics": "", "silent": "", "fails": "", "elsewhere": "", "incomplete": "", "waits": "",
		"slow": "command: [" + os.Args[0] + "]\n", "wrong": "command: [" + filepath.Join(policies, "not-there") + "]\n"} {
		text := "rooms: ['*']\nreader: [Bob]\ntitle: " + name + "\n" + more
		if err := os.WriteFile(filepath.Join(policies, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := fleet.ReadPolicies(policies, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.table.SetPolicies(all)
	c := Config{
		URL: "ws://127.0.0.1:1", Agent: "sealtape", Name: "Recorder", Table: b.table, Spool: b.dir,
		Token: func(context.Context) (string, error) { return "", errors.New("no token in this test") },
		Join: func(_ fleet.Place, a agent.Assignment) ([]fleet.Setting, map[string]string) {
			return []fleet.Setting{one("api-key", "a-key")}, map[string]string{"LIVEKIT_TOKEN": a.Token}
		},
		Check: func(*fleet.Policy) error { return nil },
		Ask:   fleet.Program{Env: []string{"FAKE_COMMAND=1"}, Time: 2 * time.Second},
		Env:   []string{"FAKE_RECORDER=" + b.dir}, Log: slog.New(slog.NewTextHandler(b.said, nil)), HungAfter: 3600,
	}
	if change != nil {
		change(&c)
	}
	if b.Worker, err = New(c); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	started := make(chan struct{})
	go func() {
		defer close(b.over)
		close(started)
		b.Run(ctx, drain, b.hurry, nil)
	}()
	<-started
	b.until("the worker runs", func() bool { b.Worker.mu.Lock(); defer b.Worker.mu.Unlock(); return b.Worker.ctx != nil })
	t.Cleanup(func() {
		stop()
		<-b.over
		if t.Failed() {
			t.Logf("the log:\n%s", b.said)
		}
	})
	return b
}

// until waits for something to be so.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	for ctx := sample.Context(b.t); !ok(); {
		if ctx.Err() != nil {
			b.t.Fatalf("waited in vain: %s\n%s", what, b.said)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// says waits until the log has a text.
func (b *bench) says(text string) {
	b.t.Helper()
	b.until(text, func() bool { return strings.Contains(b.said.String(), text) })
}

// job offers a job and has it assigned.
func (b *bench) job(id, room, policy string) {
	b.t.Helper()
	j := agent.Job{ID: id, Room: room, SID: "RM_1", Metadata: fleet.Dispatch{Policy: policy}.Metadata()}
	if a := b.Offered(j); !a.Accept {
		b.t.Fatalf("%s was not accepted: %+v\n%s", id, a, b.said)
	}
	b.Assigned(agent.Assignment{Job: j, Token: "the-room-token"})
}

// recorders returns what the recorders were given that were started so far.
func (b *bench) recorders() (all []given) {
	b.t.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		var g given
		text, err := os.ReadFile(filepath.Join(b.dir, e.Name()))
		if err == nil && len(text) > 0 && json.Unmarshal(text, &g) == nil {
			all = append(all, g)
		}
	}
	return all
}
