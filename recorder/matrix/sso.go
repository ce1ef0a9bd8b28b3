package matrix

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

var (
	// ErrNoSSO says that the homeserver has no page to log in on.
	ErrNoSSO = errors.New("the homeserver has no login by single sign-on")
	// ErrNoToken says that nobody logged in on the page in time.
	ErrNoToken = errors.New("nobody logged in on the homeserver's page")
)

// ssoTime is how long somebody may take to log in on a page.
const ssoTime = 10 * time.Minute

// maxPasted is how often the operator may paste an address.
const maxPasted = 3

// An SSO is a login on a page that the homeserver shows in a browser (client-server
// API, "SSO client login/authentication"). The page leads back to a listener of this
// process, on the loopback interface; so the browser must run on this machine, or
// the operator copies the address that it ends at.
type SSO struct {
	User       string // @name:server
	Homeserver string // its URL; "" asks the server of User
	// Open shows the operator a page, and does not wait until it was used.
	Open func(ctx context.Context, url string) error
	// Paste, if not nil, asks the operator for the address at which the browser ended,
	// for one on another machine. It must return once its context ends. It is asked
	// again where it was another address, three times at most.
	Paste func(ctx context.Context) (string, error)
}

// Token returns what logs in the user who logged in on the page, as Login.Token, and
// the homeserver's URL. Whose token it is, only the login tells: New refuses another's.
func (s SSO) Token(ctx context.Context) (token []byte, homeserver string, err error) {
	if homeserver, err = findHomeserver(ctx, s.User, s.Homeserver); err != nil {
		return nil, "", err
	}
	client, err := mautrix.NewClient(homeserver, "", "")
	if err != nil || client.HomeserverURL.Host == "" || client.HomeserverURL.Scheme != "https" && client.HomeserverURL.Scheme != "http" {
		return nil, "", fmt.Errorf("the homeserver's URL is none: %q", homeserver)
	}
	client.Log, client.ResponseSizeLimit = zerolog.Nop(), maxAnswer
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
	back := newSSOBack(l.Addr().String())
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
	ctx, cancel := context.WithTimeoutCause(ctx, ssoTime, ErrNoToken)
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
		return []byte(t), homeserver, nil
	case err := <-pasted:
		return nil, "", err
	case err := <-served:
		served <- err
		return nil, "", fmt.Errorf("could not listen for the browser: %w", err)
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
}

// findHomeserver returns the URL of a user's homeserver: the one that is given, or
// what their server says.
func findHomeserver(ctx context.Context, user, given string) (string, error) {
	_, server, err := id.UserID(user).Parse()
	if err != nil {
		return "", fmt.Errorf("%q is no Matrix user, as @name:server: %w", user, err)
	}
	if given != "" {
		return given, nil
	}
	known, err := mautrix.DiscoverClientAPI(ctx, server)
	if err != nil {
		return "", fmt.Errorf("could not ask %s for its homeserver: %w", server, err)
	}
	if known != nil && known.Homeserver.BaseURL != "" {
		return discovered(server, known.Homeserver.BaseURL)
	}
	return (&url.URL{Scheme: "https", Host: server}).String(), nil
}

// discovered returns the URL of a homeserver that a server names. The operator could choose
// to send a password in the clear; a server cannot.
func discovered(server, base string) (string, error) {
	if u, err := url.Parse(base); err != nil || u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s says that its homeserver is %q, which is no https address", server, base)
	}
	return base, nil
}
