package player

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A Distance puts a server far away: every byte to it and from it takes half of a
// round trip, and a connection one round trip more before anything is sent. There
// is no limit to how much goes through.
type Distance struct {
	listener  net.Listener
	to        string
	roundTrip time.Duration
	wg        sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// NewDistance listens on loopback for a server at host and port.
func NewDistance(to string, roundTrip time.Duration) (*Distance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &Distance{listener: l, to: to, roundTrip: roundTrip, conns: make(map[net.Conn]bool)}
	d.wg.Go(d.serve)
	return d, nil
}

// Addr is the host and port to use in place of the server's.
func (d *Distance) Addr() string { return d.listener.Addr().String() }

func (d *Distance) serve() {
	for {
		near, err := d.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", d.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		if !d.hold(near) || !d.hold(far) {
			return
		}
		begun := time.Now().Add(d.roundTrip)
		d.wg.Go(func() { d.carry(far, near, begun) })
		d.wg.Go(func() { d.carry(near, far, begun) })
	}
}

// hold keeps a connection for Close, and reports whether it still may be used.
func (d *Distance) hold(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		_ = c.Close()
		return false
	}
	d.conns[c] = true
	return true
}

// carry sends what comes from one side to the other, half of a round trip later,
// and closes both at its end.
func (d *Distance) carry(to, from net.Conn, begun time.Time) {
	type piece struct {
		data []byte
		due  time.Time
	}
	way := make(chan piece, 4096) // at 64 KiB each more than is ever on its way
	d.wg.Go(func() {
		for p := range way {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				break
			}
		}
		for range way { // until the other end notices
		}
		d.drop(to, from)
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			due := time.Now()
			if due.Before(begun) {
				due = begun
			}
			way <- piece{append([]byte(nil), buf[:n]...), due.Add(d.roundTrip / 2)}
		}
		if err != nil {
			break
		}
	}
	close(way)
}

func (d *Distance) drop(cs ...net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range cs {
		_ = c.Close()
		delete(d.conns, c)
	}
}

// Close ends all connections and waits.
func (d *Distance) Close() error {
	err := d.listener.Close()
	d.mu.Lock()
	d.closed = true
	for c := range d.conns {
		err = errors.Join(err, c.Close())
	}
	d.mu.Unlock()
	d.wg.Wait()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}
