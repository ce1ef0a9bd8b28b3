package matrix

import (
	"context"
	"fmt"
	"net/http"

	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/id"
)

// algorithms are what this device can do.
var algorithms = []id.Algorithm{id.AlgorithmOlmV1, id.AlgorithmMegolmV1}

// deviceKeys returns this device's keys, signed by the device, and by the
// self-signing key if there is one. Called locked.
func (a *Account) deviceKeys() (map[string]any, error) {
	s := a.state
	signing, identity, err := s.account.IdentityKeys()
	if err != nil {
		return nil, err
	}
	keys := map[string]any{"user_id": s.User, "device_id": s.Device, "algorithms": algorithms, "keys": map[string]string{
		"curve25519:" + string(s.Device): string(identity), "ed25519:" + string(s.Device): string(signing)}}
	if err := sign(keys, s.User, string(s.Device), s.account.Sign); err != nil {
		return nil, err
	}
	if s.Seeds.complete() {
		self, err := olm.NewPKSigningFromSeed(s.Seeds.Self)
		if err != nil {
			return nil, err
		}
		if err := sign(keys, s.User, string(self.PublicKey()), self.Sign); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// upload publishes this device's keys, once, and one-time keys, so that half of
// what the account can hold is at the homeserver, where left are. The new ones are
// saved before, as others may use them at once.
func (a *Account) upload(ctx context.Context, left int) error {
	a.mu.Lock()
	request, err := a.newKeys(left)
	if err == nil {
		err = a.save()
	}
	a.mu.Unlock()
	if err != nil || len(request) == 0 {
		return err
	}
	if _, err := a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "upload"), request, nil); err != nil {
		return fmt.Errorf("could not upload this device's keys: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state.account.MarkKeysAsPublished()
	a.state.Uploaded = true
	return a.save()
}

// newKeys returns what is to be uploaded. One-time keys whose upload failed are
// among them again. Called locked.
func (a *Account) newKeys(left int) (map[string]any, error) {
	s := a.state
	request := make(map[string]any)
	if !s.Uploaded {
		keys, err := a.deviceKeys()
		if err != nil {
			return nil, err
		}
		request["device_keys"] = keys
	}
	waiting, err := s.account.OneTimeKeys()
	if err != nil {
		return nil, err
	}
	if more := int(s.account.MaxNumberOfOneTimeKeys())/2 - left - len(waiting); more > 0 {
		if err := s.account.GenOneTimeKeys(uint(more)); err != nil {
			return nil, err
		}
		if waiting, err = s.account.OneTimeKeys(); err != nil {
			return nil, err
		}
	}
	oneTime := make(map[string]any)
	for name, key := range waiting {
		object := map[string]any{"key": string(key)}
		if err := sign(object, s.User, string(s.Device), s.account.Sign); err != nil {
			return nil, err
		}
		oneTime["signed_curve25519:"+name] = object
	}
	if len(oneTime) > 0 {
		request["one_time_keys"] = oneTime
	}
	fallback, err := s.fallbackKeys()
	if err != nil {
		return nil, err
	}
	if len(fallback) > 0 {
		request["fallback_keys"] = fallback
	}
	return request, nil
}
