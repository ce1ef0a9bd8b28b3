package calls

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"maunium.net/go/mautrix/crypto/canonicaljson"
)

// A Forgery is a device that a homeserver made up in a user's name, and cross-signing
// keys with which it is signed: see homeserver.Proxy's AddDevice and SwapKeys.
type Forgery struct {
	Device json.RawMessage
	// Keys are by the names of /keys/query: master_keys and self_signing_keys.
	Keys map[string]json.RawMessage
}

// Forge makes up a device of a user. All signatures are right, by keys that are not the
// user's.
func Forge(user, device string) (Forgery, error) {
	master, self, own := newSigner(), newSigner(), newSigner()
	identity, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Forgery{}, err
	}
	cross := func(usage string, k signer) map[string]any {
		return map[string]any{"user_id": user, "usage": []string{usage}, "keys": map[string]string{"ed25519:" + k.name: k.name}}
	}
	keys := map[string]any{"user_id": user, "device_id": device, "algorithms": []string{"m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"},
		"keys": map[string]string{"ed25519:" + device: own.name, "curve25519:" + device: encoding.EncodeToString(identity.PublicKey().Bytes())}}
	f := Forgery{Keys: make(map[string]json.RawMessage)}
	if f.Device, err = sign(keys, user, map[string]signer{device: own, self.name: self}); err != nil {
		return Forgery{}, err
	}
	if f.Keys["master_keys"], err = sign(cross("master", master), user, map[string]signer{master.name: master}); err != nil {
		return Forgery{}, err
	}
	f.Keys["self_signing_keys"], err = sign(cross("self_signing", self), user, map[string]signer{master.name: master})
	return f, err
}

var encoding = base64.RawStdEncoding

type signer struct {
	private ed25519.PrivateKey
	name    string // the public key
}

func newSigner() signer {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return signer{private, encoding.EncodeToString(public)}
}

// sign returns an object with signatures of a user's keys, by the names of the keys.
func sign(object map[string]any, user string, by map[string]signer) (json.RawMessage, error) {
	message, err := canonicaljson.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	signatures := make(map[string]string)
	for name, s := range by {
		signatures["ed25519:"+name] = encoding.EncodeToString(ed25519.Sign(s.private, message))
	}
	object["signatures"] = map[string]any{user: signatures}
	return json.Marshal(object)
}
