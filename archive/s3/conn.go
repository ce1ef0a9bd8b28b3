package s3

import (
	"context"
	"io"
	"io/fs"
	"net"
	"sync"
	"time"
)

// A stallConn is a connection that fails when nothing moves on it, either way,
// for as long as its limit while one waits for it.
//
// A connection whose other end vanished without a word, or behind a router that
// forgot it, would otherwise hold up an upload for as long as the kernel tries,
// some 15 minutes on Linux, and a download for ever. A limit for the whole
// request would have to know how fast the network is.
type stallConn struct {
	net.Conn
	limit time.Duration
}

// dial connects as d does and watches the connection.
func (s *Store) dial(d func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := d(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return stallConn{c, s.stall}, nil
	}
}

// Each call moves the deadline of both directions: while an upload is written, a
// read for the answer waits all along.

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

// A bodyReader is a request's body that can be taken back. When a server answers
// before it has the whole request, net/http returns that answer and goes on
// reading the body: which the caller may have closed.
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

// end returns once src is no longer read from.
func (r *bodyReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.src = nil
}
