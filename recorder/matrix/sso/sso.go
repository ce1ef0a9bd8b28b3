// Package sso logs in on a page that the homeserver shows in a browser, for accounts without a
// password (client-server API, "SSO client login/authentication").
//
// The page leads the browser back to a listener of this process, on the loopback interface, with a
// token that is good for one login. So the browser must run on this machine, or the operator copies
// the address that it ends at. The listener takes one token, at an address that only the page was
// told.
package sso

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"maunium.net/go/mautrix"

	"github.com/sealtape/sealtape/recorder/matrix/homeserver"
)

var (
	// ErrNoSSO says that the homeserver has no page to log in on.
	ErrNoSSO = errors.New("the homeserver has no login by single sign-on")
	// ErrNoToken says that nobody logged in on the page in time.
	ErrNoToken = errors.New("nobody logged in on the homeserver's page")
)

// lasts is how long somebody may take to log in on a page.
const lasts = 10 * time.Minute

// maxPasted is how often the operator may paste an address.
const maxPasted = 3

// A SignOn says whose login it is, and how the operator comes to the page.
type SignOn struct {
	User       string // @name:server
	Homeserver string // its URL; "" asks the server of User
	// Open shows the operator a page, and does not wait until it was used.
	Open func(ctx context.Context, url string) error
	// Paste, if not nil, asks the operator for the address at which the browser ended,
	// for one on another machine. It must return once its context ends. It is asked
	// again where it was another address, three times at most.
	Paste func(ctx context.Context) (string, error)
}

// Token waits, ten minutes at most, and returns what logs in the user who logged in on the page,
// and the homeserver's URL. Whose token it is, only the login tells.
func (s SignOn) Token(ctx context.Context) (token []byte, at string, err error) {
	if at, err = homeserver.Find(ctx, s.User, s.Homeserver); err != nil {
		return nil, "", err
	}
	client, err := homeserver.NewClient(at, "", "")
	if err != nil || client.HomeserverURL.Host == "" || client.HomeserverURL.Scheme != "https" && client.HomeserverURL.Scheme != "http" {
		return nil, "", fmt.Errorf("the homeserver's URL is none: %q", at)
	}
	defer client.Client.CloseIdleConnections()
	flows, err := client.GetLoginFlows(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("could not ask how to log in: %w", err)
	}
	if !flows.HasFlow(mautrix.AuthTypeSSO) || !flows.HasFlow(mautrix.AuthTypeToken) {
		return nil, "", ErrNoSSO
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("could not listen for the browser: %w", err)
	}
	back := newBack(l.Addr().String())
	server := &http.Server{Handler: back, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		// The browser is to get its answer.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close()
		}
		<-served
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, lasts, ErrNoToken)
	defer cancel()
	page := client.BuildURLWithQuery(mautrix.ClientURLPath{"v3", "login", "sso", "redirect"}, map[string]string{"redirectUrl": back.url()})
	if err := s.Open(ctx, page); err != nil {
		return nil, "", err
	}
	pasted := make(chan error, 1)
	if s.Paste != nil {
		asked := make(chan struct{})
		defer func() { cancel(); <-asked }()
		go func() {
			defer close(asked)
			var err error
			for range maxPasted {
				var address string
				if address, err = s.Paste(ctx); err != nil {
					break
				}
				if err = back.paste(address); err == nil {
					return
				}
			}
			if ctx.Err() == nil {
				pasted <- err
			}
		}()
	}
	select {
	case t := <-back.token:
		return []byte(t), at, nil
	case err := <-pasted:
		return nil, "", err
	case err := <-served:
		served <- err
		return nil, "", fmt.Errorf("could not listen for the browser: %w", err)
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
}
