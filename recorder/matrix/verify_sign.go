package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/id"
)

// A Comparison is a user whose master key was compared: their devices that it signs
// are Verified.
type Comparison struct {
	User   string    // @name:server
	Master string    // Ed25519, unpadded base64
	At     time.Time // zero if another device of the account did it
	// Changed says that the homeserver shows another master key by now: whoever has it
	// is not verified.
	Changed bool
}

// Compared returns the users whose master key was compared, by name.
func (a *Account) Compared() []Comparison {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Comparison
	for user, p := range a.state.Peers {
		switch {
		case user == a.state.User:
		case p.Verified && p.Master != p.Compared:
			out = append(out, Comparison{User: string(user), Master: string(p.Master)})
		case p.Compared != "":
			out = append(out, Comparison{User: string(user), Master: string(p.Compared), At: p.ComparedAt, Changed: p.Master != p.Compared})
		}
	}
	slices.SortFunc(out, func(a, b Comparison) int { return strings.Compare(a.User, b.User) })
	return out
}

// pin keeps in the state that the operator compared a user's master key.
func (a *Account) pin(user id.UserID, master id.Ed25519, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.state.Peers[user]
	if p == nil {
		return fmt.Errorf("there is no room left for %s in the Matrix state", user)
	}
	p.First, p.Compared, p.ComparedAt = master, master, now
	p.Verified = p.Master == master
	return a.save()
}

// errSwapped says that the homeserver shows another key than the one that was
// compared.
var errSwapped = errors.New("the homeserver shows another master key than the one that was compared")

// signUser publishes that our user-signing key vouches for a user's master key.
func (a *Account) signUser(ctx context.Context, user id.UserID, master id.Ed25519) error {
	answer, err := a.query(ctx, []id.UserID{user})
	if err != nil {
		return err
	}
	raw := answer.Master[user]
	if crossKey(raw, user, "master") != master {
		return errSwapped
	}
	a.mu.Lock()
	key, err := olm.NewPKSigningFromSeed(a.state.Seeds.User)
	a.mu.Unlock()
	if err != nil {
		return err
	}
	var object map[string]any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return err
	}
	delete(object, "signatures") // those of others stay where they are
	delete(object, "unsigned")
	if err := sign(object, a.state.User, string(key.PublicKey()), key.Sign); err != nil {
		return err
	}
	var failures struct {
		Failures map[string]map[string]json.RawMessage `json:"failures"`
	}
	_, err = a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "signatures", "upload"),
		map[id.UserID]map[string]any{user: {string(master): object}}, &failures)
	if err == nil && len(failures.Failures) > 0 {
		err = errors.New("the homeserver refused it")
	}
	if err != nil {
		return fmt.Errorf("could not publish the signature: %w", err)
	}
	return nil
}
