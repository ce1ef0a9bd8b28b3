//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A lab is a LiveKit server, homes of people, and the sealtape program.
type lab struct {
	t    *testing.T
	ctx  context.Context
	dir  string
	bin  string // folder of programs
	lk   *servers.LiveKit
	mark string        // in the names of rooms and buckets, which no other test has
	vars []string      // environment of every command
	told func() string // what to tell of the rest where something does not happen
}

const labPassphrase = "a passphrase of the room, 7f1b"

// newLab returns a lab for a test that mostly waits.
func newLab(t *testing.T) *lab {
	t.Helper()
	inRealTime(t)
	return makeLab(t)
}

// newBrowserLab returns a lab for a test with browsers, which takes so many places of
// those who work.
func newBrowserLab(t *testing.T, places int64) *lab {
	t.Helper()
	withBrowsers(t, places)
	return makeLab(t)
}

// newLabAlone returns a lab for a test that measures pictures to milliseconds: it runs
// before all that run beside one another.
func newLabAlone(t *testing.T) *lab {
	t.Helper()
	sample.Live(t)
	return makeLab(t)
}

func makeLab(t *testing.T) *lab {
	t.Helper()
	l := newDesk(t)
	l.lk = liveKit.get(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("LiveKit says of the rooms of this test:\n%s", linesWith(l.lk.Log(), l.mark))
		}
	})
	return l
}

// newDesk returns a lab without a meeting: homes, stores, and the program.
func newDesk(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir(), bin: tools.get(t), mark: newMark(),
		told: func() string { return "" }, vars: []string{raceVar + "=" + raceOptions(), collecting + "=" + seldomCollecting}}
	l.ctx = sample.Context(t)
	return l
}

// newMark returns a word that nothing else is named with.
func newMark() string { return strings.ToLower(rand.Text()[:8]) }

// room returns the name of a room of this test.
func (l *lab) room(name string) string { return name + " " + l.mark }

// linesWith returns the lines of a text that have a word in them.
func linesWith(text, word string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// minIO makes a bucket in MinIO and returns a STORE in it.
func (l *lab) minIO() string {
	l.t.Helper()
	m := minIO.get(l.t)
	bucket := "meetings-" + l.mark
	if err := m.Bucket(l.ctx, bucket); err != nil {
		l.t.Fatal(err)
	}
	l.vars = append(l.vars, "AWS_ENDPOINT_URL_S3="+m.Endpoint, "AWS_ACCESS_KEY_ID="+m.AccessKey,
		"AWS_SECRET_ACCESS_KEY="+m.SecretKey, "AWS_REGION=us-east-1")
	return "s3://" + bucket + "/archive"
}

// person makes a home for someone and pins the cards of others in it. Who is called
// Recorder is one.
func (l *lab) person(name string, pins ...keys.Card) (home string, card keys.Card) {
	l.t.Helper()
	d := keys.Description{Name: name}
	if strings.HasPrefix(name, "Recorder") {
		d.Role = keys.Recorder
	}
	return l.personAs(d, pins...)
}

// recorder is person for one who records.
func (l *lab) recorder(name string, pins ...keys.Card) (home string, card keys.Card) {
	l.t.Helper()
	return l.personAs(keys.Description{Name: name, Role: keys.Recorder}, pins...)
}

func (l *lab) personAs(d keys.Description, pins ...keys.Card) (home string, card keys.Card) {
	l.t.Helper()
	name := d.Name
	home = filepath.Join(l.dir, "home-"+strings.ReplaceAll(name, " ", "-"))
	h, err := keys.OpenHome(home)
	if err != nil {
		l.t.Fatal(err)
	}
	id, err := h.InitAs(d, nil)
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
		"LIVEKIT_API_SECRET=" + l.lk.APISecret, flags.E2EEPassphraseVar + "=" + labPassphrase}
}

// command returns the sealtape program with the keys of home.
func (l *lab) command(home string, vars []string, args ...string) *exec.Cmd {
	l.t.Helper()
	return l.program("sealtape", home, vars, args...)
}

// program returns a program with the keys of home.
func (l *lab) program(name, home string, vars []string, args ...string) *exec.Cmd {
	l.t.Helper()
	tmp := filepath.Join(home, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.CommandContext(l.ctx, filepath.Join(l.bin, name), args...)
	cmd.Args[0] = name
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
	return l.exits(0, home, args...)
}

// exits runs sealtape and fails the test unless it exits with want.
func (l *lab) exits(want int, home string, args ...string) (stdout string) {
	l.t.Helper()
	out, errs, code := l.run(home, nil, args...)
	if code != want {
		l.t.Fatalf("sealtape %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
	return out
}

// informs runs sealtape info, of a recording that may lack something.
func (l *lab) informs(home string, args ...string) (stdout string) {
	l.t.Helper()
	out, errs, code := l.run(home, nil, append([]string{"info"}, args...)...)
	if code != 0 && code != ui.ExitIncomplete {
		l.t.Fatalf("sealtape info: exit code %d\n%s%s", code, out, errs)
	}
	return out
}

// verifies runs sealtape verify, of a recording that may have a hole of a second.
func (l *lab) verifies(home, store, id string) (stdout string) {
	l.t.Helper()
	out, errs, code := l.run(home, nil, "verify", id, "--store", store)
	if code != 0 && code != ui.ExitIncomplete || !strings.Contains(out, "state:        closed") {
		l.t.Fatalf("sealtape verify: exit code %d\n%s%s", code, out, errs)
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

// begin starts a command.
func (l *lab) begin(cmd *exec.Cmd) *process {
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
	return p
}

// start starts a command and returns when it printed a line.
func (l *lab) start(cmd *exec.Cmd) *process {
	l.t.Helper()
	p := l.begin(cmd)
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

// accounts checks the exit code of a recorder that has ended, or could not have
// ended better: it is what the recording says that it lacks, to who reads it all. On
// a busy machine that may be something, which does not come in time. Other commands
// give the same code then, which is returned.
func (r *recorderProcess) accounts(code int, reader, store string) (want int) {
	t := r.l.t
	t.Helper()
	i := r.l.info(reader, store, r.id)
	if i.Incomplete {
		want = ui.ExitIncomplete
	}
	if code != want || i.State != string(archive.StateClosed) {
		t.Fatalf("exit code %d, want %d of a recording that is %s\n%s", code, want, i.State, r.stderr())
	}
	for _, h := range i.Holes {
		switch h.Reason {
		case media.HoleStart, media.HoleLoss, media.HoleKeyFrame, media.HolePaused, media.HoleConsent, media.HoleUnverified:
		default:
			t.Errorf("%s misses %.2f to %.2f s: %s", h.Label, h.From, h.To, h.Reason)
		}
	}
	return want
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
	p.signal(sig)
	return p.wait()
}

func (p *process) signal(sig syscall.Signal) {
	p.l.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.l.t.Fatal(err)
	}
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
