package matrix

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// A fallbackKeeper is an Olm account with a fallback key: one that others get when
// the one-time keys at the homeserver are used up, and which may serve several.
// mautrix's interface lacks it.
type fallbackKeeper interface {
	GenFallbackKey() error
	FallbackKeyUnpublished() map[string]id.Curve25519
	ForgetOldFallbackKey()
}

// forgetAfter is how long the last fallback key is kept after another took its place:
// messages that were encrypted to it may be on the way.
const (
	forgetAfter = time.Hour
	renewAfter  = time.Minute
)

// wantsFallback reports whether an answer to /sync says that the homeserver takes
// fallback keys, and has none that nobody got.
func wantsFallback(resp *mautrix.RespSync) bool {
	if resp.FallbackKeys == nil { // it has no such thing
		return false
	}
	for _, k := range resp.FallbackKeys {
		if k == id.KeyAlgorithmSignedCurve25519 {
			return false
		}
	}
	return true
}

// keepFallback makes another fallback key if the homeserver wants one, forgets the
// last but one in time, and reports whether there is one to be uploaded. A homeserver
// that always wants one gets one every renewAfter.
func (a *Account) keepFallback(wanted bool, now time.Time) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.state
	k, ok := s.account.(fallbackKeeper)
	if !ok {
		return false, nil
	}
	if !s.Fallback.IsZero() && now.Sub(s.Fallback) > forgetAfter {
		k.ForgetOldFallbackKey()
	}
	if !s.Fallback.IsZero() && len(k.FallbackKeyUnpublished()) > 0 {
		return true, nil // its upload failed
	}
	if !wanted || now.Sub(s.Fallback) < renewAfter {
		return false, nil
	}
	if err := k.GenFallbackKey(); err != nil {
		return false, err
	}
	s.Fallback = now
	return true, nil
}

// fallbackKeys returns the fallback key that is to be uploaded, if there is one.
// Called locked.
func (s *state) fallbackKeys() (map[string]any, error) {
	k, ok := s.account.(fallbackKeeper)
	if !ok || s.Fallback.IsZero() {
		return nil, nil
	}
	out := make(map[string]any)
	for name, key := range k.FallbackKeyUnpublished() {
		object := map[string]any{"key": string(key), "fallback": true}
		if err := sign(object, s.User, string(s.Device), s.account.Sign); err != nil {
			return nil, err
		}
		out["signed_curve25519:"+name] = object
	}
	return out, nil
}

// Stock sees to it that enough one-time keys are at the homeserver, as before a call:
// each member who joins takes one.
func (a *Account) Stock(ctx context.Context) error {
	left, err := a.oneTimeKeys(ctx)
	if err != nil || left >= minOneTime {
		return err
	}
	return a.upload(ctx, left)
}

// oneTimeKeys returns how many one-time keys of this device the homeserver has.
func (a *Account) oneTimeKeys(ctx context.Context) (int, error) {
	var answer struct {
		Counts mautrix.OTKCount `json:"one_time_key_counts"`
	}
	// Nothing new is uploaded, which is the way to ask.
	if _, err := a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "upload"), struct{}{}, &answer); err != nil {
		return 0, fmt.Errorf("could not ask for this device's one-time keys: %w", loggedOut(err))
	}
	return answer.Counts.SignedCurve25519, nil
}
