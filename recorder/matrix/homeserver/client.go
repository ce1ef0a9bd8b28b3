// Package homeserver asks a Matrix homeserver, and believes nothing of it: where it is (Find), and
// a client whose answers are bounded, are never null where mautrix wants an object, and are not
// logged (NewClient).
package homeserver

import (
	"fmt"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// maxAnswer bounds what the homeserver answers to one request, in bytes.
const maxAnswer = 32 << 20

// NewClient returns a client for the homeserver at the URL, with an access token; both user and
// token may be "". It keeps nothing, and asks again twice what fails for a moment.
func NewClient(url string, user id.UserID, token string) (*mautrix.Client, error) {
	client, err := mautrix.NewClient(url, user, token)
	if err != nil {
		return nil, fmt.Errorf("the homeserver's URL is none: %w", err)
	}
	client.Client.Transport = answers{http.DefaultTransport}
	client.Log = zerolog.Nop() // it logs IDs of users, devices and sessions
	client.UserAgent = "Sealtape"
	client.ResponseSizeLimit = maxAnswer
	client.DefaultHTTPRetries = 2
	client.DefaultHTTPBackoff = time.Second
	client.MaxHTTPBackoff = 30 * time.Second
	client.StateStore, client.Syncer, client.Store = nil, nil, nil // whoever asks has them
	return client, nil
}
