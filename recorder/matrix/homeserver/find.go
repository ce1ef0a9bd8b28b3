package homeserver

import (
	"context"
	"fmt"
	"net/url"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// Find returns the URL of a user's homeserver: the one that is given, or
// what their server says.
func Find(ctx context.Context, user, given string) (string, error) {
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
