package servers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

// startTimeout is how long a server may take to answer. On a busy machine with
// two cores MinIO was seen to take 10 s.
const startTimeout = 2 * time.Minute

// A process is a running server and the folder it lives in.
type process struct {
	name string
	cmd  *exec.Cmd
	dir  string // removed after
	log  logBuffer
	done chan struct{} // closed once the process was waited for
	err  error         // of Wait; read after done
	stop sync.Once
}

// start starts the binary at path, in a folder of its own, with no environment
// but baseEnv and env, and waits until url answers with status 200.
func start(ctx context.Context, name, path string, args, env []string, url string) (*process, error) {
	dir, err := os.MkdirTemp("", "sealtape-"+name+"-")
	if err != nil {
		return nil, err
	}
	p := &process{name: name, dir: dir, done: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(append(baseEnv(), env...), "HOME="+dir) // the last one counts
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = childAttr()
	if err := p.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("could not start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.waitUntilUp(ctx, url); err != nil {
		err = fmt.Errorf("could not start %s: %w\n%s", name, err, tail([]byte(p.Log()), 4000))
		p.Kill()
		return nil, err
	}
	return p, nil
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
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
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

// Stop asks the server to end, waits for up to 5 s, then kills it, and removes
// its folder. It returns an error if it had to kill, or the server had ended
// before. Stopping twice is no error.
func (p *process) Stop() (err error) {
	p.stop.Do(func() {
		defer func() {
			if removeErr := os.RemoveAll(p.dir); err == nil {
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
		for _, patience := range []time.Duration{time.Second, 4 * time.Second} {
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
		p.cmd.Process.Kill() // fails only if it has ended
		<-p.done
		os.RemoveAll(p.dir)
	})
}

// Log returns the last 256 KiB that the server wrote.
func (p *process) Log() string { return p.log.String() }

// A logBuffer keeps the end of what is written to it.
type logBuffer struct {
	mu  sync.Mutex
	buf []byte
}

const maxLog = 256 << 10

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

// freePorts returns loopback ports that nobody listens on, TCP and UDP alike,
// all different.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // held until all are found
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenPacket("udp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		defer u.Close()
		ports = append(ports, port)
	}
	return ports, nil
}
