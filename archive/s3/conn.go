package s3

import (
	"context"
	"io"
	"io/fs"
	"net"
	"sync"
	"time"
)

// A stallConn is a connection that fails if no byte moves in either direction for
// as long as its limit, while a call waits.
//
// If the other end vanishes silently, or a router forgets the connection, an
// upload would otherwise hang for as long as the kernel retries, some 15 minutes
// on Linux, and a download for ever. A limit for the whole request would depend
// on the speed of the network.
type stallConn struct {
	net.Conn
	limit time.Duration
}

// dial connects with d and returns a stallConn.
func (s *Store) dial(d func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return stallConn{c, s.stall}, nil
	}
}

// Each call moves the deadline of both directions: during an upload, a read for
// the answer waits all the time.

func (c stallConn) Read(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c stallConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// A bodyReader is a request's body that can be withdrawn. If a server answers
// before it has the whole request, net/http returns the answer and continues to
// read the body, which the caller may have closed.
type bodyReader struct {
	mu  sync.Mutex
	src io.Reader // nil once ended
}

func (r *bodyReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.src == nil {
		return 0, fs.ErrClosed
	}
	return r.src.Read(p)
}

// end waits until nobody reads src any more.
func (r *bodyReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.src = nil
}
