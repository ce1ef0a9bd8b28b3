//go:build unix

package main

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A cutter passes TCP connections on, until it cuts them.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// newCutter returns one before addr.
func newCutter(t *testing.T, addr string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", addr)
			if err != nil {
				_ = from.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, from, to)
			c.mu.Unlock()
			passing.Go(func() { _, _ = io.Copy(to, from); _ = to.Close() })
			passing.Go(func() { _, _ = io.Copy(from, to); _ = from.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); c.cut(); passing.Wait() })
	return c
}

// cut ends all connections.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// TestWorkerCutOff: a worker that loses its server registers again, its recorders go on, and
// the new worker that it is to the server knows that the room is recorded.
func TestWorkerCutOff(t *testing.T) {
	f := newFleetLab(t)
	proxy := newCutter(t, strings.TrimPrefix(f.lk.URL, "ws://"))
	home := f.homes(1)[0]
	w := f.worker(home, "--url", "ws://"+proxy.Addr().String(), "--join-as", "agent", "--drain", "0")
	room := f.room("weekly")
	f.silent(room)
	f.dispatch(room, "weekly")
	who := f.recorded(room, 1)
	proxy.cut()
	// By both of its names.
	f.until("it registered again", func() bool { return strings.Count(w.stderr(), `msg="registered with the server"`) == 4 })
	f.dispatch(room, "weekly")
	w.says("is recorded here already")
	if now := f.recorded(room, 1); now[0].Identity != who[0].Identity {
		t.Errorf("%+v records, and %+v did", now, who)
	}
	if strings.Contains(w.stderr(), "a recorder ended") || len(w.ids()) != 1 {
		t.Error("the recorder ended")
	}
	// Thrown out, it does not fight back.
	if err := f.api.Remove(f.ctx, room, who[0].Identity); err != nil {
		t.Fatal(err)
	}
	w.says("a recorder ended")
}
