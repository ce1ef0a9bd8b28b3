// Package network puts bad networks between LiveKit clients and their server,
// on real sockets of the loopback interface and without privileges: loss,
// bursts, reordering, duplicates, delay, jitter, a bandwidth cap and cuts, for
// each client and direction on its own.
//
// A client gets a URL of its own for signalling, where a proxy passes TCP on. The
// server, started with servers.LiveKitConfig.Relayed, tells its clients that its
// media is at an address where the Network listens, and is an ICE-lite agent: it
// answers connectivity checks and starts none. So the clients find it through
// the relay and in no other way, whatever addresses they offer.
//
//	n, err := network.Start(network.Config{Server: s.URL, Media: s.Media, Relay: s.Relay})
//	defer n.Close()
//	ada, err := n.Client("ada")
//	ada.Down.Set(network.Impairment{Loss: 0.05, Delay: 100 * time.Millisecond})
//	... join at ada.URL ...
//
// The relay knows whose media a packet is by the ICE user name in its
// connectivity checks, which names what the server said in that client's
// signalling. Decisions are drawn from seeded generators, one a direction of a
// client: the n-th packet there meets the same fate in each run, though which
// packet is the n-th is up to the machine.
package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
)

// A Config says what a Network stands between.
type Config struct {
	// Server is the URL of the server's signalling, ws://HOST:PORT.
	Server string
	// Media is the server's UDP socket, Relay the address where it says that it
	// is, each HOST:PORT.
	Media, Relay string
	// Seed varies what is dropped; 0 is a seed like any other.
	Seed uint64
}

// A Network stands between a server and its clients until it is closed.
type Network struct {
	c      Config
	server string // host and port
	media  *net.UDPAddr
	relay  *net.UDPConn
	work   sync.WaitGroup
	closed chan struct{}
	once   sync.Once

	mu        sync.Mutex
	clients   []*Client
	fragments map[string]*Client // by the server's ICE user name fragment
	sessions  map[netip.AddrPort]*session
	stray     int
}

// Start listens for media. The caller closes the Network after its clients and
// its server.
func Start(c Config) (*Network, error) {
	u, err := url.Parse(c.Server)
	if err != nil {
		return nil, err
	}
	media, err := net.ResolveUDPAddr("udp", c.Media)
	if err != nil {
		return nil, err
	}
	at, err := net.ResolveUDPAddr("udp", c.Relay)
	if err != nil {
		return nil, err
	}
	relay, err := net.ListenUDP("udp", at)
	if err != nil {
		return nil, fmt.Errorf("could not listen where the server says it is: %w", err)
	}
	// The system may give less: what it then drops is loss of its own.
	_ = relay.SetReadBuffer(socketBuffer)
	_ = relay.SetWriteBuffer(socketBuffer)
	n := &Network{c: c, server: u.Host, media: media, relay: relay, closed: make(chan struct{}),
		fragments: make(map[string]*Client), sessions: make(map[netip.AddrPort]*session)}
	n.work.Go(n.readClients)
	return n, nil
}

// Stray counts the packets from nobody known, which are dropped: 0 in a test
// that means anything.
func (n *Network) Stray() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stray
}

// Close cuts all connections for good and waits for what the Network started.
func (n *Network) Close() error {
	var errs []error
	n.once.Do(func() {
		close(n.closed)
		n.mu.Lock()
		errs = append(errs, n.relay.Close())
		for _, s := range n.sessions {
			errs = append(errs, s.up.Close())
		}
		for _, c := range n.clients {
			errs = append(errs, c.proxy.close())
		}
		n.mu.Unlock()
		n.work.Wait()
	})
	return errors.Join(errs...)
}

// A Client is one client's way to the server. Its methods are safe for
// concurrent use.
type Client struct {
	Name string
	// URL is where this client, and no other, joins: ws://127.0.0.1:PORT.
	URL string
	// Up impairs what the client sends, Down what it receives. The delay is
	// signalling's as well.
	Up, Down *Link

	n     *Network
	proxy *proxy
}

// Client opens a way for a client. The name chooses its seed.
func (n *Network) Client(name string) (*Client, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Client{Name: name, URL: "ws://" + l.Addr().String(), n: n}
	c.Up, c.Down = newLink(n, name+"/up"), newLink(n, name+"/down")
	c.proxy = newProxy(c, l)
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-n.closed:
		return nil, errors.Join(net.ErrClosed, l.Close())
	default:
	}
	n.clients = append(n.clients, c)
	n.work.Go(c.Up.run)
	n.work.Go(c.Down.run)
	n.work.Go(c.proxy.accept)
	return c, nil
}

// Cut drops all media from now on, without a word, and holds back signalling,
// as a cable that is out does: what TCP sent arrives after the Mend, if anybody
// still waits for it.
func (c *Client) Cut() {
	c.Up.cut(true)
	c.Down.cut(true)
	c.proxy.hold(true)
}

// Mend ends a Cut.
func (c *Client) Mend() {
	c.Up.cut(false)
	c.Down.cut(false)
	c.proxy.hold(false)
}

// CutMedia drops media only, and MendMedia ends it; signalling goes on.
func (c *Client) CutMedia()  { c.Up.cut(true); c.Down.cut(true) }
func (c *Client) MendMedia() { c.Up.cut(false); c.Down.cut(false) }

// CutSignal holds back signalling only, and MendSignal ends it; media goes on.
func (c *Client) CutSignal()  { c.proxy.hold(true) }
func (c *Client) MendSignal() { c.proxy.hold(false) }

// Reset breaks the client's signalling connections, as a server or a firewall
// that forgot them would (TCP RST). New ones may be opened.
func (c *Client) Reset() { c.proxy.reset() }
