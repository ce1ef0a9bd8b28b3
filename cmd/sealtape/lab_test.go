//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A lab is a LiveKit server, homes of people, and the sealtape program.
type lab struct {
	t    *testing.T
	ctx  context.Context
	dir  string
	lk   *servers.LiveKit
	vars []string // environment of every command
}

const labPassphrase = "a passphrase of the room, 7f1b"

func newLab(t *testing.T) *lab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	lk, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatalf("starting LiveKit: %v", err)
	}
	l := &lab{t: t, ctx: ctx, dir: t.TempDir(), lk: lk}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("LiveKit says:\n%s", lk.Log())
		}
		if err := lk.Stop(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// minIO starts a MinIO with a bucket and returns a STORE in it.
func (l *lab) minIO() string {
	l.t.Helper()
	m, err := servers.StartMinIO(l.ctx, servers.MinIOConfig{Progress: func(s string) { l.t.Log(s) }})
	if err != nil {
		l.t.Fatalf("starting MinIO: %v", err)
	}
	l.t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			l.t.Error(err)
		}
	})
	if err := m.Bucket(l.ctx, "meetings"); err != nil {
		l.t.Fatal(err)
	}
	l.vars = append(l.vars, "AWS_ENDPOINT_URL_S3="+m.Endpoint, "AWS_ACCESS_KEY_ID="+m.AccessKey,
		"AWS_SECRET_ACCESS_KEY="+m.SecretKey, "AWS_REGION=us-east-1")
	return "s3://meetings/archive"
}

// person makes a home for someone and pins the cards of others in it.
func (l *lab) person(name string, pins ...keys.Card) (home string, card keys.Card) {
	l.t.Helper()
	home = filepath.Join(l.dir, "home-"+strings.ReplaceAll(name, " ", "-"))
	h, err := keys.OpenHome(home)
	if err != nil {
		l.t.Fatal(err)
	}
	id, err := h.Init(name, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, p := range pins {
		if err := h.Add(p); err != nil {
			l.t.Fatal(err)
		}
	}
	if card, err = id.Card(); err != nil {
		l.t.Fatal(err)
	}
	return home, card
}

// writeCard writes a card to a file and returns its path.
func writeCard(t *testing.T, c keys.Card) string {
	t.Helper()
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "member.card")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// token makes a token for a member.
func (l *lab) token(g members.Grant) string {
	l.t.Helper()
	s, err := members.Token(l.lk.APIKey, l.lk.APISecret, g)
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// livekitVars are the environment of a recorder.
func (l *lab) livekitVars() []string {
	return []string{"LIVEKIT_URL=" + l.lk.URL, "LIVEKIT_API_KEY=" + l.lk.APIKey,
		"LIVEKIT_API_SECRET=" + l.lk.APISecret, e2eePassphraseVar + "=" + labPassphrase}
}

// command returns the sealtape program with the keys of home.
func (l *lab) command(home string, vars []string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		l.t.Fatal(err)
	}
	tmp := filepath.Join(home, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.CommandContext(l.ctx, self, args...)
	cmd.Args[0] = "sealtape" // TestMain then runs the program
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + tmp, "SEALTAPE_HOME=" + home}, l.vars...)
	cmd.Env = append(cmd.Env, vars...)
	return cmd
}

// run runs sealtape to its end and returns its output and exit code.
func (l *lab) run(home string, vars []string, args ...string) (stdout, stderr string, code int) {
	l.t.Helper()
	cmd := l.command(home, vars, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		l.t.Fatalf("sealtape %s: %v", args, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must runs sealtape and fails the test unless it exits with 0.
func (l *lab) must(home string, args ...string) (stdout string) {
	l.t.Helper()
	out, errs, code := l.run(home, nil, args...)
	if code != 0 {
		l.t.Fatalf("sealtape %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// A process is a sealtape that runs.
type process struct {
	l     *lab
	cmd   *exec.Cmd
	first string        // line of standard output
	ended chan struct{} // closed after the process ended

	mu    sync.Mutex
	log   bytes.Buffer
	text  bytes.Buffer
	lines chan string
}

// Write takes standard error.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) stdout() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start starts a command and returns when it printed a line.
func (l *lab) start(cmd *exec.Cmd) *process {
	l.t.Helper()
	p := &process{l: l, cmd: cmd, ended: make(chan struct{}), lines: make(chan string, 1)}
	p.cmd.Stderr = p
	p.cmd.Stdout = lineWriter{p}
	if err := p.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the exit code is in ProcessState
		close(p.ended)
	}()
	l.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	select {
	case p.first = <-p.lines:
	case <-p.ended:
		l.t.Fatalf("sealtape %s ended: %v\n%s", cmd.Args[1], p.cmd.ProcessState, p.stderr())
	case <-l.ctx.Done():
		l.t.Fatalf("sealtape %s printed nothing", cmd.Args[1])
	}
	return p
}

// A recorderProcess is a sealtape record that runs.
type recorderProcess struct {
	*process
	id string
}

// record starts a recorder and returns when it printed the recording's ID.
func (l *lab) record(home string, args ...string) *recorderProcess {
	l.t.Helper()
	p := l.start(l.command(home, l.livekitVars(), append([]string{"record"}, args...)...))
	return &recorderProcess{process: p, id: p.first}
}

// lineWriter takes standard output, and notes its first line.
type lineWriter struct{ p *process }

func (w lineWriter) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	before := bytes.IndexByte(w.p.text.Bytes(), '\n')
	w.p.text.Write(b)
	if i := bytes.IndexByte(w.p.text.Bytes(), '\n'); before < 0 && i >= 0 {
		w.p.lines <- string(w.p.text.Bytes()[:i])
	}
	return len(b), nil
}

// stop asks the process to end and returns its exit code.
func (p *process) stop(sig syscall.Signal) int {
	p.l.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.l.t.Fatal(err)
	}
	return p.wait()
}

// wait waits for the process's end and returns its exit code.
func (p *process) wait() int {
	p.l.t.Helper()
	select {
	case <-p.ended:
	case <-p.l.ctx.Done():
		p.l.t.Fatalf("sealtape does not end:\n%s", p.stderr())
	}
	return p.cmd.ProcessState.ExitCode()
}
