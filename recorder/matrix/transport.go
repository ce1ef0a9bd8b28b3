package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/token"
)

// maxOpenID bounds an OpenID token, in bytes.
const maxOpenID = 64 << 10

// reach returns where this device asks for tokens.
func (a *Account) reach(listed []string) token.Reach {
	return token.Reach{Home: a.client.HomeserverURL, Listed: listed}
}

// Token gets a token for the LiveKit room of the call at a token service, which a
// member named. This device must have entered (ErrNotEntered): its identity there is
// that of its membership. What the service says is a *token.Error.
func (c *Call) Token(ctx context.Context, service string) (token.Token, error) {
	own, identity, entered := c.Own()
	if !entered {
		return token.Token{}, ErrNotEntered
	}
	if rtc.Service(service) == "" {
		return token.Token{}, &token.Error{Service: service, Err: errors.New("its URL is none")}
	}
	if err := c.a.reach(c.c.Services).Check(ctx, service); err != nil {
		return token.Token{}, &token.Error{Service: service, Err: err}
	}
	openID, err := c.openID(ctx)
	if err != nil {
		return token.Token{}, err
	}
	path, body := "/sfu/get", map[string]any{"room": c.c.Room, "device_id": own.Device, "openid_token": openID}
	if own.Sticky {
		path, body = "/get_token", map[string]any{"room_id": c.c.Room, "slot_id": rtc.Slot, "openid_token": openID,
			"member": map[string]any{"id": own.ID, "claimed_user_id": own.User, "claimed_device_id": own.Device}}
	}
	t, err := token.Ask(ctx, c.a.reach(c.c.Services), service, path, body)
	if err != nil {
		return token.Token{}, err
	}
	if t.Identity == "" { // the service keeps it to itself
		t.Identity = identity
	}
	// Another's may be that of somebody who is to come, whose media would be taken for ours.
	if !slices.Contains(rtc.Identities(own), t.Identity) {
		return token.Token{}, &token.Error{Service: service, Err: errors.New("its token is another member's")}
	}
	return t, nil
}

// openID gets a token by which the homeserver tells others who we are.
func (c *Call) openID(ctx context.Context) (json.RawMessage, error) {
	var v json.RawMessage
	_, err := c.a.client.MakeRequest(ctx, http.MethodPost, c.a.client.BuildClientURL("v3", "user", c.a.state.User, "openid", "request_token"), struct{}{}, &v)
	if err != nil {
		return nil, fmt.Errorf("could not get an OpenID token: %w", loggedOut(err))
	}
	if len(v) == 0 || len(v) > maxOpenID {
		return nil, errors.New("could not get an OpenID token: the homeserver's answer is none")
	}
	return v, nil
}
