// Package calls has Matrix rooms whose calls run on LiveKit, with real servers,
// for tests: a homeserver behind the proxy that gives it what it lacks and can make
// it hostile (package homeserver), and a token service for each SFU (package
// sfutoken). Users are real accounts, and rooms real rooms; who joins them are
// recorder/matrix, the sealtape program, or browsers (package matrixjs).
//
//	s, err := calls.Start(ctx, calls.Config{})
//	...
//	defer s.Stop()
//	service := s.Service(liveKit)
//	ada, err := s.Register(ctx, "ada")
//	room, err := ada.CreateRoom(ctx, calls.Room{Invite: []string{bot.ID}})
package calls

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sealtape/sealtape/testdata/servers"
	"github.com/sealtape/sealtape/testdata/servers/homeserver"
	"github.com/sealtape/sealtape/testdata/servers/sfutoken"
)

// A Config says what the servers are like.
type Config struct {
	// Plain leaves the homeserver without delayed and sticky events, as MaxDelay
	// bounds delays: see homeserver.Config.
	Plain    bool
	MaxDelay time.Duration
	// Progress, if not nil, is told what takes long.
	Progress func(string)
}

// Servers are a homeserver, its proxy, and token services. Their methods may be
// called concurrently.
type Servers struct {
	// URL is the homeserver's for clients: the proxy's.
	URL      string
	Dendrite *servers.Dendrite
	Proxy    *homeserver.Proxy

	web  *http.Server
	base string
	done chan struct{}

	mu       sync.Mutex
	services []http.Handler
	names    int // of users ever
}

// Start starts the servers and returns once they answer. The context is for the
// start only.
func Start(ctx context.Context, c Config) (*Servers, error) {
	d, err := servers.StartDendrite(ctx, c.Progress)
	if err != nil {
		return nil, err
	}
	p, err := homeserver.New(d.URL, homeserver.Config{Plain: c.Plain, MaxDelay: c.MaxDelay})
	if err != nil {
		return nil, errors.Join(err, d.Stop())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, p.Close(), d.Stop())
	}
	s := &Servers{URL: p.URL, Dendrite: d, Proxy: p, base: "http://" + l.Addr().String(), done: make(chan struct{})}
	s.web = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		s.web.Serve(l)
	}()
	return s, nil
}

// Stop ends all but the LiveKit servers.
func (s *Servers) Stop() error {
	err := s.web.Close()
	<-s.done
	return errors.Join(err, s.Proxy.Close(), s.Dendrite.Stop())
}

// Service returns the URL of a new token service that sends members to a LiveKit
// server.
func (s *Servers) Service(lk *servers.LiveKit) string {
	return s.serviceOf(sfutoken.Config{LiveKit: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret})
}

// Receiving is Service with tokens that let nobody send anything.
func (s *Servers) Receiving(lk *servers.LiveKit) string {
	return s.serviceOf(sfutoken.Config{LiveKit: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret, Receive: true})
}

func (s *Servers) serviceOf(c sfutoken.Config) string {
	c.Homeserver = s.Dendrite.URL
	s.mu.Lock()
	defer s.mu.Unlock()
	path := fmt.Sprintf("/sfu%d", len(s.services))
	s.services = append(s.services, http.StripPrefix(path, sfutoken.Handler(c)))
	return s.base + path
}

func (s *Servers) serve(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(r.URL.Path, "/sfu%d/", &n); err != nil {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	var h http.Handler = http.NotFoundHandler()
	if n >= 0 && n < len(s.services) {
		h = s.services[n]
	}
	s.mu.Unlock()
	h.ServeHTTP(w, r)
}
