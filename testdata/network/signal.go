package network

import (
	"bytes"
	"net"
	"net/textproto"
	"sync"
	"time"
)

const (
	chunkSize = 16 << 10
	maxChunks = 256 // on their way in one direction; then the reader waits, and TCP with it
	maxHead   = 64 << 10
)

// A proxy passes a client's TCP connections on to the server's signalling.
type proxy struct {
	c *Client
	l net.Listener

	mu    sync.Mutex
	conns map[*net.TCPConn]bool
	held  chan struct{} // closed unless signalling is cut
	ended bool
}

func newProxy(c *Client, l net.Listener) *proxy {
	p := &proxy{c: c, l: l, conns: make(map[*net.TCPConn]bool), held: make(chan struct{})}
	close(p.held)
	return p
}

func (p *proxy) hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.held:
		if on {
			p.held = make(chan struct{})
		}
	default:
		if !on {
			close(p.held)
		}
	}
}

func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	// All before the first is closed, upon which pipe closes its peer.
	for c := range p.conns {
		_ = c.SetLinger(0) // it may have ended
	}
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) close() error {
	err := p.l.Close()
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.reset()
	return err
}

// add keeps a connection for reset, and closes it where that is over.
func (p *proxy) add(c *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
	if p.ended {
		_ = c.Close()
	}
}

func (p *proxy) accept() {
	for {
		conn, err := p.l.Accept()
		if err != nil {
			return // closed; others do not last
		}
		client := conn.(*net.TCPConn)
		p.add(client)
		p.c.n.work.Go(func() { p.serve(client) })
	}
}

// serve passes one connection on until either side ends it.
func (p *proxy) serve(client *net.TCPConn) {
	var server *net.TCPConn
	if p.open() {
		if conn, err := net.DialTimeout("tcp", p.c.n.server, 10*time.Second); err == nil {
			server = conn.(*net.TCPConn)
			p.add(server)
		}
	}
	var ways sync.WaitGroup
	if server != nil {
		ways.Go(func() { p.pipe(server, client, p.c.Up, withoutCompression()) })
		ways.Go(func() { p.pipe(client, server, p.c.Down, fragments(func(f string) { p.c.n.learn(f, p.c) })) })
		ways.Wait()
	}
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
	_ = client.Close()
	if server != nil {
		_ = server.Close()
	}
}

// open waits while signalling is cut. It returns false if the Network is closed.
func (p *proxy) open() bool {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	select {
	case <-held:
		return true
	case <-p.c.n.closed:
		return false
	}
}

// pipe passes on what src sends, through edit and after the link's delay. When
// src ends, so does dst: a side that only half closes is not signalling's way.
func (p *proxy) pipe(dst, src *net.TCPConn, l *Link, edit func([]byte) []byte) {
	type chunk struct {
		data []byte
		due  time.Time
	}
	chunks := make(chan chunk, maxChunks)
	done := make(chan struct{}) // closed when nobody takes chunks any more
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(chunks)
		buf := make([]byte, chunkSize)
		for {
			n, err := src.Read(buf)
			if data := edit(buf[:n]); len(data) > 0 {
				select {
				case chunks <- chunk{bytes.Clone(data), time.Now().Add(l.delay())}:
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	for c := range chunks {
		timer := time.NewTimer(time.Until(c.due))
		select {
		case <-timer.C:
		case <-p.c.n.closed:
		}
		timer.Stop()
		if !p.open() {
			break
		}
		if _, err := dst.Write(c.data); err != nil {
			break
		}
	}
	close(done)
	_ = dst.Close() // both ends are over, for whatever reason
	_ = src.Close()
	reader.Wait()
}

// withoutCompression takes the offer of compression out of the head of a
// WebSocket request, so that fragments can read the answers.
func withoutCompression() func([]byte) []byte {
	var head []byte
	over := false
	return func(data []byte) []byte {
		if over {
			return data
		}
		head = append(head, data...)
		end := bytes.Index(head, []byte("\r\n\r\n"))
		if end < 0 && len(head) < maxHead && len(data) > 0 {
			return nil // wait for the rest
		}
		over = true
		if end < 0 {
			return head // no request that we know
		}
		end += len("\r\n")
		var out []byte
		for i, line := range bytes.SplitAfter(head[:end], []byte("\r\n")) {
			name, _, _ := bytes.Cut(line, []byte(":"))
			if i == 0 || textproto.CanonicalMIMEHeaderKey(string(name)) != "Sec-Websocket-Extensions" {
				out = append(out, line...)
			}
		}
		return append(out, head[end:]...)
	}
}

// fragments calls found with the ICE user name fragments of the session
// descriptions (RFC 8839, section 5.4) in a stream, which it passes on as it is.
func fragments(found func(string)) func([]byte) []byte {
	const keep = 300 // a fragment has at most 256 characters
	mark := []byte("a=ice-ufrag:")
	var tail []byte
	return func(data []byte) []byte {
		tail = append(tail, data...)
		rest := tail
		for {
			_, after, ok := bytes.Cut(rest, mark)
			if !ok {
				break
			}
			rest = after
			if end := bytes.IndexAny(rest, "\r\n"); end > 0 {
				found(string(rest[:end]))
			}
		}
		tail = append(tail[:0], tail[max(0, len(tail)-keep):]...)
		return data
	}
}
