package token

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Reach says which token services, and which LiveKit servers that they name, this
// device goes to. Members name them: whoever is in the call could send it anywhere.
type Reach struct {
	Home   *url.URL // the homeserver, where the operator has chosen to go
	Listed []string // URLs of token services, of the operator; if there are any, no others
}

// ErrNotAsked says that this device does not go to a token service, or to the LiveKit server
// that it names.
var ErrNotAsked = errors.New("it is not asked")

// ErrNotListed is the ErrNotAsked of a service that is none of Reach.Listed.
var ErrNotListed = fmt.Errorf("%w: the operator does not allow it", ErrNotAsked)

// A nearness says how far from this machine an address is. Services must not be nearer
// than the homeserver: who names them is not in this network.
type nearness int

const (
	public   nearness = iota
	private           // of a local network (RFC 1918, RFC 4193, RFC 6598)
	loopback          // of this machine
	special           // of a link, as metadata services have, or no host's: never
)

// shared100 are the addresses of carriers' networks (RFC 6598).
var shared100 = netip.MustParsePrefix("100.64.0.0/10")

func nearnessOf(ip netip.Addr) nearness {
	ip = ip.Unmap().WithZone("")
	switch {
	case ip.IsLoopback():
		return loopback
	case !ip.IsValid(), ip.IsUnspecified(), ip.IsMulticast(), ip.IsLinkLocalUnicast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return special
	case ip.IsPrivate(), shared100.Contains(ip):
		return private
	}
	return public
}

// nearest returns how near the addresses of a host are; public if it has none.
func nearest(ctx context.Context, host string) (n nearness) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return nearnessOf(ip)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return public // nor can it be reached
	}
	for _, ip := range ips {
		n = max(n, nearnessOf(ip))
	}
	return n
}

// plain reports whether a service may be asked without TLS: where the homeserver is, and
// on this machine.
func (r Reach) plain(ctx context.Context, host string) bool {
	return r.Home.Scheme == "http" || nearest(ctx, host) == loopback
}

// check returns why a URL of a service or of its LiveKit server is not asked. Its address is
// looked at again when it is connected to.
func (r Reach) check(ctx context.Context, u *url.URL) error {
	if (u.Scheme == "http" || u.Scheme == "ws") && !r.plain(ctx, u.Hostname()) {
		return fmt.Errorf("%w: it is reached without encryption, which the homeserver is not", ErrNotAsked)
	}
	return r.near(nearest(ctx, u.Hostname()), r.floor(ctx))
}

// floor is how near services may be.
func (r Reach) floor(ctx context.Context) nearness {
	return min(nearest(ctx, r.Home.Hostname()), loopback)
}

func (r Reach) near(n, floor nearness) error {
	switch {
	case n <= floor:
		return nil
	case n == special:
		return fmt.Errorf("%w: its address is none of a server", ErrNotAsked)
	}
	return fmt.Errorf("%w: its address is of a local network, which the homeserver is not in", ErrNotAsked)
}

// Check returns why a service must not be asked, or nil.
func (r Reach) Check(ctx context.Context, service string) error {
	_, err := r.client(ctx, service)
	return err
}

// client returns what asks a service, and why it must not be asked. It follows no
// redirect: they would carry on what proves who this device is.
func (r Reach) client(ctx context.Context, service string) (*http.Client, error) {
	u, err := url.Parse(service)
	if err != nil {
		return nil, err
	}
	listed := slices.ContainsFunc(r.Listed, func(s string) bool { return strings.TrimRight(s, "/") == strings.TrimRight(service, "/") })
	if !listed && len(r.Listed) > 0 {
		return nil, ErrNotListed
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer, TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); !listed && err == nil && proxy == nil {
		if err := r.check(ctx, u); err != nil {
			return nil, err
		}
		floor := r.floor(ctx)
		d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("no address of a server: %w", err)
			}
			return r.near(nearnessOf(at.Addr()), floor)
		}}
		t.Proxy, t.DialContext = nil, d.DialContext
	}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// server checks the LiveKit server that a service named.
func (r Reach) server(ctx context.Context, u *url.URL) error {
	if len(r.Listed) > 0 { // so is the service
		return nil
	}
	asked := *u
	asked.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	if asked.Scheme == "" {
		asked.Scheme = u.Scheme
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &asked}); err == nil && proxy != nil {
		return nil
	}
	return r.check(ctx, u)
}
