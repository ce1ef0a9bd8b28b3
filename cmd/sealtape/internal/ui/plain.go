package ui

import (
	"net"
	"net/url"
	"strings"
)

// plainHost returns the host that a URL reaches without TLS over a network, or
// "": what goes to this machine itself passes nobody.
func plainHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "" // whoever connects says so
	}
	if u.Scheme != "http" && u.Scheme != "ws" {
		return ""
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return ""
	}
	return host
}

// PlainHost returns the host that a URL reaches without TLS over a network, or "".
func PlainHost(address string) string { return plainHost(address) }

// WarnPlainRoom warns of a LiveKit server without TLS.
func (e *Env) WarnPlainRoom(address string) {
	if host := plainHost(address); host != "" {
		e.Warnf("%s is reached without TLS: who is on the way can read the token, and who meets, and answer in its place; use wss://", host)
	}
}

// WarnPlainStore warns of a store without TLS.
func (e *Env) WarnPlainStore(address string) {
	if host := plainHost(address); host != "" {
		e.Warnf("the store %s is reached without TLS: who is on the way can read the sizes, times and names of objects, and answer in its place; use https://", host)
	}
}
