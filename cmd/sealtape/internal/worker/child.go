package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/program"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

const (
	lookEvery = time.Second
	hungAfter = 45 // looks without a status: the child is killed
	maxLine   = 64 << 10
	maxSays   = 1 << 10 // of a line that is none of a log
)

// orders are what a child is told, by pipes.
type orders struct {
	config  []byte
	secrets map[string]string // by the name of the variable in whose place they are
	keys    []byte            // a key file; nil for none
}

// A child is one process of "sealtape record".
type child struct {
	cmd  *exec.Cmd
	log  *slog.Logger
	hung int           // see Config.HungAfter
	over chan struct{} // closed when it has ended, and all that it said was read

	mu     sync.Mutex // guards what follows
	status bot.Status
	id     string // of its recording, "" before there is one
	news   bool   // it told its status since the last look
}

// executable is this program, also when another version has taken its place on the disk.
func executable() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// start starts a child. It ends by itself; see wait.
func start(o orders, env []string, hung int, log *slog.Logger) (*child, error) {
	path, err := executable()
	if err != nil {
		return nil, err
	}
	secrets, err := json.Marshal(o.secrets)
	if err != nil {
		return nil, err
	}
	c := &child{log: log, hung: hung, over: make(chan struct{}), status: bot.Status{Status: recorder.Status{State: recorder.StateStarting}}}
	p := new(pipes)
	defer p.close()
	args := []string{"record", "--config", p.send(o.config), "--secrets-file", p.send(secrets)}
	if o.keys != nil {
		args = append(args, "--e2ee-key-file", p.send(o.keys))
	}
	status, name := p.receive()
	args = append(args, "--status-file", name, "--log-format", "json")
	if p.err != nil {
		return nil, p.err
	}
	c.cmd = exec.Command(path, args...)
	c.cmd.Args[0] = "sealtape"
	c.cmd.Env, c.cmd.ExtraFiles = env, p.theirs
	program.Detach(c.cmd) // its end is for us to say, not for a terminal
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a recorder: %w", err)
	}
	p.started = true
	go c.follow(stdout, stderr, status)
	return c, nil
}

// follow reads what the child says until its end.
func (c *child) follow(stdout, stderr io.Reader, status *os.File) {
	defer close(c.over)
	var reading sync.WaitGroup
	reading.Go(func() { c.readID(stdout) })
	reading.Go(func() { c.readLog(stderr) })
	reading.Go(func() {
		if err := reports(status, c.told); err != nil {
			c.log.Debug("the status of a recorder could not be read", "err", err)
		}
		_ = status.Close()
	})
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(ended) })
	reading.Wait()
	_ = c.cmd.Wait() // the exit code is in ProcessState
	close(ended)
	watching.Wait()
}

// readID reads the ID of the recording, which comes first, and drops the rest.
func (c *child) readID(r io.Reader) {
	line, _ := bufio.NewReaderSize(r, maxLine).ReadSlice('\n')
	if id := strings.TrimSpace(string(line)); archive.ValidID(id) == nil {
		c.mu.Lock()
		c.id = id
		c.mu.Unlock()
		c.log.Info("recording", "id", id)
	}
	_, _ = io.Copy(io.Discard, r)
}

// readLog repeats the lines of the child's log, which name nobody.
func (c *child) readLog(r io.Reader) {
	lines := bufio.NewReaderSize(r, maxLine)
	for cut := false; ; { // the rest of a line that is too long is to come
		line, err := lines.ReadSlice('\n')
		if !cut && len(line) > 0 {
			relog(c.log, bytes.TrimRight(line, "\r\n"))
		}
		if cut = errors.Is(err, bufio.ErrBufferFull); err != nil && !cut {
			return
		}
	}
}

// relog repeats a line of a log of JSON. Another line is what the Go runtime says of a
// crash: how it came about is worth a look, and has no secrets.
func relog(log *slog.Logger, line []byte) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber() // 3500000000 is not to become 3.5e+09
	if d.Decode(&m) != nil {
		log.Error("a recorder says", "line", ui.Clean(string(line[:min(len(line), maxSays)])))
		return
	}
	text, _ := m["msg"].(string)
	var level slog.Level
	if name, _ := m["level"].(string); level.UnmarshalText([]byte(name)) != nil {
		level = slog.LevelInfo
	}
	delete(m, "msg")
	delete(m, "level")
	delete(m, "time")
	var args []any
	for _, name := range slices.Sorted(keysOf(m)) {
		args = append(args, name, m[name])
	}
	log.Log(context.Background(), level, text, args...)
}

func keysOf(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// told notes a status.
func (c *child) told(s bot.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status, c.news = s, true
}

// watch kills a child that says nothing any more, until it has ended. It counts its own
// looks, not the time: a machine that slept is no reason.
func (c *child) watch(ended chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	silent := 0
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		c.mu.Lock()
		news, hangs := c.news, c.status.Hangs(time.Now())
		c.news = false
		c.mu.Unlock()
		if silent++; news && !hangs {
			silent = 0
		}
		if silent >= c.hung {
			c.log.Error("a recorder hangs and is killed")
			_ = c.cmd.Process.Kill() // it may have ended
			silent = 0
		}
	}
}

// Status implements metrics.Source.
func (c *child) Status() bot.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// begun reports whether it has begun a recording.
func (c *child) begun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id != ""
}

// end has the child end its recording properly.
func (c *child) end() {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.log.Warn("a recorder could not be told to end", "err", err)
	}
}

// An ending says how a child ended.
type ending string

const (
	ended      ending = "ended"
	incomplete ending = "incomplete"
	elsewhere  ending = "elsewhere" // another recorder records the room
	failed     ending = "failed"
	crashed    ending = "crashed" // while there was a recording
)

// wait returns how the child ended, once it has.
func (c *child) wait() ending {
	<-c.over
	c.mu.Lock()
	defer c.mu.Unlock()
	switch code := c.cmd.ProcessState.ExitCode(); {
	case code == 0:
		return ended
	case code == ui.ExitIncomplete:
		return incomplete
	case code == ui.ExitElsewhere:
		return elsewhere
	case c.id != "" && (code < 0 || code == ui.ExitUsage): // by a signal, or as the Go runtime does
		return crashed
	}
	return failed
}
