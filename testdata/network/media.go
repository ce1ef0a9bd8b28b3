package network

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"time"
)

const (
	socketBuffer = 4 << 20
	maxPacket    = 64 << 10
	maxSessions  = 1024 // more are strays
	maxFragments = 4096 // as are connections of more user name fragments
	idleSession  = time.Minute
)

// A session is one socket of a client, and ours that stands for it towards the
// server: the server knows its clients apart by the addresses they send from.
type session struct {
	client *Client
	from   netip.AddrPort
	up     *net.UDPConn
	seen   time.Time // the last packet from the client
}

// readClients passes on what clients send to the server.
func (n *Network) readClients() {
	buf := make([]byte, maxPacket)
	for {
		size, from, err := n.relay.ReadFromUDPAddrPort(buf)
		if err != nil {
			select {
			case <-n.closed:
				return
			default:
				continue // a client's socket is gone (ICMP): not ours
			}
		}
		s := n.session(from, buf[:size])
		if s == nil {
			continue
		}
		s.client.Up.pass(buf[:size], func(p []byte) {
			// A server that is away is the test's business.
			_, _ = s.up.Write(p)
		})
	}
}

// session finds or makes the session of a packet; nil is a stray.
func (n *Network) session(from netip.AddrPort, p []byte) *session {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	s := n.sessions[from]
	if c := n.fragments[serverFragment(p)]; c != nil && (s == nil || s.client != c) {
		s = n.open(from, c, now)
	}
	if s == nil {
		n.stray++
		return nil
	}
	s.seen = now
	return s
}

// open makes a session. n.mu is held.
func (n *Network) open(from netip.AddrPort, c *Client, now time.Time) *session {
	for at, s := range n.sessions {
		if at == from || now.Sub(s.seen) > idleSession {
			s.up.Close() // its reader ends
			delete(n.sessions, at)
		}
	}
	select {
	case <-n.closed:
		return nil
	default:
	}
	if len(n.sessions) >= maxSessions {
		return nil
	}
	up, err := net.DialUDP("udp", nil, n.media)
	if err != nil {
		return nil
	}
	_ = up.SetReadBuffer(socketBuffer)
	s := &session{client: c, from: from, up: up}
	n.sessions[from] = s
	n.work.Go(func() { n.readServer(s) })
	return s
}

// readServer passes on what the server sends to one socket of a client.
func (n *Network) readServer(s *session) {
	buf := make([]byte, maxPacket)
	send := func(p []byte) {
		// A client that is away is the test's business, and so is the end.
		_, _ = n.relay.WriteToUDPAddrPort(p, s.from)
	}
	for {
		size, err := s.up.Read(buf)
		if err != nil {
			n.mu.Lock()
			gone := n.sessions[s.from] != s
			n.mu.Unlock()
			select {
			case <-n.closed:
				return
			default:
			}
			if gone {
				return
			}
			continue // the server's socket is away (ICMP), perhaps to come back
		}
		s.client.Down.pass(buf[:size], send)
	}
}

// serverFragment returns the server's part of the user name in an ICE
// connectivity check of a client, "" if p is none (RFC 8489, section 5 and 14.3;
// RFC 8445, section 7.2.2).
func serverFragment(p []byte) string {
	const (
		headerSize     = 20
		bindingRequest = 0x0001
		magicCookie    = 0x2112A442
		userName       = 0x0006
	)
	if len(p) < headerSize || binary.BigEndian.Uint16(p) != bindingRequest || binary.BigEndian.Uint32(p[4:]) != magicCookie {
		return ""
	}
	for p = p[headerSize:]; len(p) >= 4; {
		typ, size := binary.BigEndian.Uint16(p), int(binary.BigEndian.Uint16(p[2:]))
		p = p[4:]
		if size > len(p) {
			return ""
		}
		if typ == userName {
			server, _, _ := strings.Cut(string(p[:size]), ":")
			return server
		}
		p = p[min(len(p), (size+3)&^3):]
	}
	return ""
}

// learn notes that the server called itself so towards a client.
func (n *Network) learn(fragment string, c *Client) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fragments[fragment] != nil || len(n.fragments) < maxFragments {
		n.fragments[fragment] = c
	}
}
