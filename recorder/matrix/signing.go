package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/canonicaljson"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/crypto/ssss"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

var (
	// ErrRecoveryKey says that the account is cross-signed already, and that its
	// recovery key is needed to sign this device. Making new keys would un-verify
	// the user for everybody.
	ErrRecoveryKey = errors.New("the account has cross-signing keys, and its recovery key was not given")
	// ErrWrongRecoveryKey says that a recovery key does not open what is stored.
	ErrWrongRecoveryKey = errors.New("that is not the account's recovery key")
)

// A signer is a key of a user that signs.
type signer struct {
	user id.UserID
	key  id.Ed25519
}

// userSigning is the account's own key that signs others' master keys; its key is
// "" if there is none. Called locked.
func (a *Account) userSigning() signer {
	k, err := olm.NewPKSigningFromSeed(a.state.Seeds.User)
	if !a.state.Seeds.complete() || err != nil {
		return signer{user: a.state.User}
	}
	return signer{user: a.state.User, key: k.PublicKey()}
}

// crossSign makes this device one of a cross-signed user: by new keys if the user
// has none, else by those that the recovery key opens. It returns the recovery key
// if it made one, also with an error.
func (a *Account) crossSign(ctx context.Context, o Login) (recovery string, err error) {
	answer, err := a.query(ctx, []id.UserID{a.state.User})
	if err != nil {
		return "", err
	}
	master := crossKey(answer.Master[a.state.User], a.state.User, "master")
	switch {
	case master == "":
		recovery, err = a.makeKeys(ctx, o)
	case len(o.RecoveryKey) == 0:
		return "", ErrRecoveryKey
	default:
		err = a.fetchKeys(ctx, string(o.RecoveryKey), master)
	}
	if err != nil {
		return recovery, err
	}
	return recovery, a.signDevice(ctx)
}

// secretNames are under which cross-signing keys lie in the secret storage, on the
// homeserver, encrypted under the recovery key.
func (s *seeds) secrets() map[event.Type]*[]byte {
	return map[event.Type]*[]byte{
		event.AccountDataCrossSigningMaster: &s.Master,
		event.AccountDataCrossSigningSelf:   &s.Self,
		event.AccountDataCrossSigningUser:   &s.User,
	}
}

// fetchKeys gets the cross-signing keys from the secret storage, and compares them
// with the master key that others see.
func (a *Account) fetchKeys(ctx context.Context, recovery string, master id.Ed25519) error {
	store := ssss.NewSSSSMachine(a.client)
	name, data, err := store.GetDefaultKeyData(ctx)
	if err != nil {
		return fmt.Errorf("could not read the secret storage: %w", err)
	}
	key, err := data.VerifyRecoveryKey(name, recovery)
	if err != nil {
		return ErrWrongRecoveryKey
	}
	var s seeds
	for kind, seed := range s.secrets() {
		if *seed, err = store.GetDecryptedAccountData(ctx, kind, key); err != nil {
			return fmt.Errorf("could not read the secret storage: %w", err)
		}
	}
	k, err := olm.NewPKSigningFromSeed(s.Master)
	if !s.complete() || err != nil || k.PublicKey() != master {
		return fmt.Errorf("the master key in the secret storage is not the one that others see: %w", ErrWrongRecoveryKey)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state.Seeds = s
	return a.save()
}

// makeKeys makes cross-signing keys. They are put into the secret storage first:
// once published, they must not be lost. So the recovery key is returned with an error,
// too, if it opens something by then.
func (a *Account) makeKeys(ctx context.Context, o Login) (recovery string, err error) {
	store := ssss.NewSSSSMachine(a.client)
	var key *ssss.Key
	name, data, err := store.GetDefaultKeyData(ctx)
	switch {
	case errors.Is(err, ssss.ErrNoDefaultKeyAccountDataEvent):
		if key, err = store.GenerateAndUploadKey(ctx, ""); err != nil {
			return "", fmt.Errorf("could not write the secret storage: %w", err)
		}
		recovery = key.RecoveryKey() // else they have it
	case err != nil:
		return "", fmt.Errorf("could not read the secret storage: %w", err)
	case len(o.RecoveryKey) == 0:
		return "", ErrRecoveryKey // something else lies there
	default:
		if key, err = data.VerifyRecoveryKey(name, string(o.RecoveryKey)); err != nil {
			return "", ErrWrongRecoveryKey
		}
	}
	s := seeds{Master: random(32), Self: random(32), User: random(32)}
	for kind, seed := range s.secrets() {
		if err := store.SetEncryptedAccountData(ctx, kind, *seed, key); err != nil {
			return recovery, fmt.Errorf("could not write the secret storage: %w", err)
		}
	}
	if err := store.SetDefaultKeyID(ctx, key.ID); err != nil {
		return recovery, fmt.Errorf("could not write the secret storage: %w", err)
	}
	a.mu.Lock()
	a.state.Seeds = s
	err = a.save()
	a.mu.Unlock()
	if err != nil {
		return recovery, err
	}
	request, err := a.publicKeys()
	if err != nil {
		return recovery, err
	}
	if err := a.authorized(ctx, o, a.client.BuildClientURL("v3", "keys", "device_signing", "upload"), request); err != nil {
		return recovery, fmt.Errorf("could not publish cross-signing keys: %w", err)
	}
	return recovery, nil
}

// publicKeys returns the three public keys, signed as others want to see them.
func (a *Account) publicKeys() (map[string]any, error) {
	request := make(map[string]any)
	master, err := olm.NewPKSigningFromSeed(a.state.Seeds.Master)
	if err != nil {
		return nil, err
	}
	for _, k := range []struct {
		field, usage string
		seed         []byte
	}{{"master_key", "master", a.state.Seeds.Master}, {"self_signing_key", "self_signing", a.state.Seeds.Self}, {"user_signing_key", "user_signing", a.state.Seeds.User}} {
		key, err := olm.NewPKSigningFromSeed(k.seed)
		if err != nil {
			return nil, err
		}
		public := string(key.PublicKey())
		object := map[string]any{"user_id": a.state.User, "usage": []string{k.usage}, "keys": map[string]string{"ed25519:" + public: public}}
		if k.usage == "master" {
			err = sign(object, a.state.User, string(a.state.Device), a.state.account.Sign)
		} else {
			err = sign(object, a.state.User, string(master.PublicKey()), master.Sign)
		}
		if err != nil {
			return nil, err
		}
		request[k.field] = object
	}
	return request, nil
}

// signDevice uploads this device's keys with the signature of the self-signing key.
func (a *Account) signDevice(ctx context.Context) error {
	a.mu.Lock()
	keys, err := a.deviceKeys()
	a.mu.Unlock()
	if err != nil {
		return err
	}
	var answer struct {
		Failures map[string]json.RawMessage `json:"failures"`
	}
	_, err = a.client.MakeRequest(ctx, http.MethodPost, a.client.BuildClientURL("v3", "keys", "signatures", "upload"),
		map[id.UserID]map[id.DeviceID]any{a.state.User: {a.state.Device: keys}}, &answer)
	if err == nil && len(answer.Failures) > 0 {
		err = errors.New("the homeserver refused it")
	}
	if err != nil {
		return fmt.Errorf("could not sign this device: %w", err)
	}
	return nil
}

// sign adds a signature to an object.
func sign(object map[string]any, user id.UserID, name string, by func([]byte) ([]byte, error)) error {
	bare := make(map[string]any)
	for k, v := range object {
		if k != "signatures" && k != "unsigned" {
			bare[k] = v
		}
	}
	message, err := canonicaljson.Marshal(bare)
	if err != nil {
		return err
	}
	signature, err := by(message)
	if err != nil {
		return err
	}
	all, _ := object["signatures"].(map[id.UserID]map[string]string)
	if all == nil {
		all = map[id.UserID]map[string]string{user: {}}
		object["signatures"] = all
	}
	all[user]["ed25519:"+name] = string(signature)
	return nil
}

// authorized makes a request for which the homeserver may want the operator again:
// by password, or in a browser.
func (a *Account) authorized(ctx context.Context, o Login, url string, request map[string]any) error {
	params := mautrix.FullRequest{Method: http.MethodPost, URL: url, RequestJSON: request, SensitiveContent: true}
	content, err := a.client.MakeFullRequest(ctx, params)
	if e, ok := errors.AsType[mautrix.HTTPError](err); !ok || !e.IsStatus(http.StatusUnauthorized) {
		return err
	}
	var ask mautrix.RespUserInteractive
	if json.Unmarshal(content, &ask) != nil || ask.Session == "" {
		return err
	}
	switch {
	case len(o.Password) > 0 && ask.HasSingleStageFlow(mautrix.AuthTypePassword):
		request["auth"] = map[string]any{"type": mautrix.AuthTypePassword, "session": ask.Session, "password": string(o.Password),
			"identifier": map[string]any{"type": "m.id.user", "user": a.state.User}}
	case o.Browser != nil && len(ask.Flows) > 0 && len(ask.Flows[0].Stages) > 0:
		stage := ask.Flows[0].Stages[0]
		page := a.client.BuildURLWithQuery(mautrix.ClientURLPath{"v3", "auth", stage, "fallback", "web"}, map[string]string{"session": ask.Session})
		if err := o.Browser(ctx, page); err != nil {
			return err
		}
		request["auth"] = map[string]any{"session": ask.Session}
		return a.confirmed(ctx, params)
	default:
		return err
	}
	_, err = a.client.MakeFullRequest(ctx, params)
	return err
}

// publicMaster returns the user's own master key. Called locked.
func (a *Account) publicMaster() (id.Ed25519, error) {
	if !a.state.Seeds.complete() {
		return "", nil
	}
	k, err := olm.NewPKSigningFromSeed(a.state.Seeds.Master)
	if err != nil {
		return "", err
	}
	return k.PublicKey(), nil
}
