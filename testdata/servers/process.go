package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// startTimeout is how long a server may take to answer. On a busy machine with
// two cores MinIO was seen to take 10 s.
const startTimeout = 2 * time.Minute

// A process is a running server and the folder it lives in.
type process struct {
	name string
	path string // of the binary, run with args and env
	args []string
	env  []string
	url  string // answers once the server is up; tcp://HOST:PORT takes connections then
	cmd  *exec.Cmd
	dir  string // removed after
	log  logBuffer
	done chan struct{} // closed once the process was waited for
	err  error         // of Wait; read after done
	stop sync.Once

	held   net.Listener  // on the port of a server that crashed
	turned chan struct{} // closed once nothing is accepted there
}

// start starts the binary at path, in a folder of its own, with no environment
// but baseEnv and env, and waits until url answers anything but that the server is
// not ready.
func start(ctx context.Context, name, path string, args, env []string, url string) (*process, error) {
	dir, err := os.MkdirTemp("", "sealtape-"+name+"-")
	if err != nil {
		return nil, err
	}
	return startIn(ctx, dir, name, path, args, env, url)
}

// startIn is start in a folder that is there, and is removed in the end.
func startIn(ctx context.Context, dir, name, path string, args, env []string, url string) (*process, error) {
	p := &process{name: name, dir: dir, url: url, path: path, args: args}
	p.env = append(append(baseEnv(), env...), "HOME="+dir) // the last one counts
	if err := p.run(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// run starts the process and waits until it answers. If it does not, it may run
// on.
func (p *process) run(ctx context.Context) error {
	p.done = make(chan struct{})
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Dir, p.cmd.Env = p.dir, p.env
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = childAttr()
	if err := p.cmd.Start(); err != nil {
		close(p.done)
		return fmt.Errorf("could not start %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.waitUntilUp(ctx, p.url); err != nil {
		return fmt.Errorf("could not start %s: %w\n%s", p.name, err, tail([]byte(p.Log()), 4000))
	}
	return nil
}

// Crash ends the server at once, as a power cut would, and leaves its folder for
// Restart. Meanwhile its port is held, and who connects is turned away. Not
// concurrent with other methods.
func (p *process) Crash() error {
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.done
	u, err := url.Parse(p.url)
	if err != nil {
		return err
	}
	if p.held, err = net.Listen("tcp", u.Host); err != nil {
		return err
	}
	p.turned = make(chan struct{})
	go func() {
		defer close(p.turned)
		for {
			c, err := p.held.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return nil
}

// Restart starts a server that crashed again, on the same port and in the same
// folder, and returns once it answers. Not concurrent with other methods.
func (p *process) Restart(ctx context.Context) error {
	if err := p.release(); err != nil {
		return err
	}
	return p.run(ctx)
}

// release gives up the port that Crash holds.
func (p *process) release() error {
	if p.held == nil {
		return nil
	}
	err := p.held.Close()
	<-p.turned
	p.held = nil
	return err
}

// errExited is returned by start when the process did not stay.
var errExited = errors.New("it exited")

func (p *process) waitUntilUp(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true} // and no proxy
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if addr, ok := strings.CutPrefix(url, "tcp://"); ok {
			if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
				return conn.Close()
			}
		} else if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode < 500 {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("%w: %v", errExited, p.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Stop asks the server to end, waits for up to two minutes, then kills it, and removes
// its folder. It returns an error if it had to kill, or the server had ended
// before. Stopping twice is no error.
func (p *process) Stop() (err error) {
	p.stop.Do(func() {
		defer func() {
			if removeErr := errors.Join(p.release(), os.RemoveAll(p.dir)); err == nil {
				err = removeErr
			}
		}()
		select {
		case <-p.done:
			err = fmt.Errorf("%s had ended: %v\n%s", p.name, p.err, tail([]byte(p.Log()), 4000))
			return
		default:
		}
		// Asked once a LiveKit server waits for its participants to leave, and in
		// its first 100 ms it does not listen; asked twice it goes.
		for _, patience := range []time.Duration{time.Second, 2 * time.Minute} {
			if err := p.cmd.Process.Signal(terminate); err != nil {
				break // it has just ended
			}
			timer := time.NewTimer(patience)
			defer timer.Stop()
			select {
			case <-p.done:
				return
			case <-timer.C:
			}
		}
		if p.cmd.Process.Kill() == nil {
			err = fmt.Errorf("%s did not end when asked and was killed", p.name)
		}
		<-p.done
	})
	return err
}

// Kill ends the server at once, as a power cut would, waits for it and removes
// its folder.
func (p *process) Kill() {
	p.stop.Do(func() {
		if p.cmd.Process != nil {
			p.cmd.Process.Kill() // fails only if it has ended
		}
		<-p.done
		p.release()
		os.RemoveAll(p.dir)
	})
}

// PID is the process's number, for those who measure what it takes.
func (p *process) PID() int { return p.cmd.Process.Pid }

// Log returns the last 256 KiB that the server wrote.
func (p *process) Log() string { return p.log.String() }

// baseEnv is the environment that every child gets. Its garbage is collected less often
// than usual, which costs memory and saves processor time.
func baseEnv() []string {
	env := []string{"GOGC=400"}
	for _, name := range []string{"PATH", "HOME", "SystemRoot"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// tail returns the last n bytes of b, or all.
func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// A logBuffer keeps the end of what is written to it.
type logBuffer struct {
	mu  sync.Mutex
	buf []byte
}

const maxLog = 4 << 20

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf = append(b.buf, p...)
	if len(b.buf) > 2*maxLog { // cut now and then, not with each line
		b.buf = append(b.buf[:0], tail(b.buf, maxLog)...)
	}
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(tail(b.buf, maxLog))
}

// retryPorts calls start again when the process did not stay: between our
// finding a port free and the server's taking it, another may have.
func retryPorts(start func() (*process, error)) (*process, error) {
	var p *process
	var err error
	for range 3 {
		if p, err = start(); !errors.Is(err, errExited) {
			break
		}
	}
	return p, err
}

// Servers get ports below those that systems give to whoever asks for any one
// (from 32768 on Linux): nobody takes one by chance while a server that crashed
// is away.
const firstPort, lastPort = 20000, 32000

// FreePorts returns loopback ports that nobody listens on, TCP and UDP alike,
// all different, which nobody gets who asks the system for any port.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		defer l.Close() // held until all are found
		u, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		defer u.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("could not find a free port")
}
