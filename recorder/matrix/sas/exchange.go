package sas

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"maunium.net/go/mautrix/crypto/canonicaljson"
	"maunium.net/go/mautrix/id"
)

// The one method and the one set of algorithms of "Short Authentication String
// (SAS) verification" that are known here.
const (
	sasMethod    = "m.sas.v1"
	sasAgreement = "curve25519-hkdf-sha256"
	sasHash      = "sha256"
	sasMAC       = "hkdf-hmac-sha256.v2"
	sasEmoji     = "emoji"
	sasDecimal   = "decimal"
)

// A Shown is what two people compare, by voice or side by side: the same on both
// sides, unless somebody is between them.
type Shown struct {
	Emoji   []Emoji // 7, or none where the other side cannot show them
	Decimal [3]int  // each from 1000 to 9191
}

// A Party is one end of a verification: a user with a device.
type Party struct {
	User    id.UserID
	Device  id.DeviceID
	Signing id.Ed25519 // the device's own key
	Master  id.Ed25519
}

// An exchange is a key agreement between two parties (X25519, RFC 7748).
type exchange struct {
	private *ecdh.PrivateKey
	secret  []byte // nil until the other's key came
}

func newExchange() (*exchange, error) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return &exchange{private: k}, nil
}

// public returns our key, as it is sent.
func (x *exchange) public() string {
	return base64.RawStdEncoding.EncodeToString(x.private.PublicKey().Bytes())
}

// agree takes the other's key. One that was made to force a secret is refused, and
// so is our own, sent back.
func (x *exchange) agree(key string) error {
	b, err := base64.RawStdEncoding.DecodeString(key)
	if err != nil || key == x.public() {
		return errors.New("that is no key")
	}
	public, err := ecdh.X25519().NewPublicKey(b)
	if err != nil {
		return err
	}
	x.secret, err = x.private.ECDH(public)
	return err
}

// commitment is what the accepting side sends before its key: so the other cannot
// choose a key that fits what is shown.
func commitment(key string, start json.RawMessage) (string, error) {
	canonical, err := canonicaljson.Marshal(start)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(key), canonical...))
	return base64.RawStdEncoding.EncodeToString(sum[:]), nil
}

// sas returns what is compared. starter is who sent the start that counts.
func (x *exchange) sas(starter, accepter Party, startKey, acceptKey, transaction string) (Shown, error) {
	info := strings.Join([]string{"MATRIX_KEY_VERIFICATION_SAS",
		string(starter.User), string(starter.Device), startKey,
		string(accepter.User), string(accepter.Device), acceptKey, transaction}, "|")
	b, err := hkdf.Key(sha256.New, x.secret, nil, info, 6)
	if err != nil {
		return Shown{}, err
	}
	return sasOf([6]byte(b)), nil
}

// sasOf makes of 48 bits seven emoji, six bits each, and three numbers, 13 bits
// each.
func sasOf(b [6]byte) (s Shown) {
	var all uint64
	for _, c := range b {
		all = all<<8 | uint64(c)
	}
	for i := range 7 {
		s.Emoji = append(s.Emoji, emojis[all>>(42-6*i)&63])
	}
	for i := range s.Decimal {
		s.Decimal[i] = int(all>>(35-13*i)&8191) + 1000
	}
	return s
}

// mac returns the code by which from shows to that it has a text: a key, under its
// name, or the list of those names.
func (x *exchange) mac(from, to Party, transaction, name, text string) (string, error) {
	key, err := hkdf.Key(sha256.New, x.secret, nil, "MATRIX_KEY_VERIFICATION_MAC"+string(from.User)+string(from.Device)+
		string(to.User)+string(to.Device)+transaction+name, sha256.Size)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil)), nil
}

// macs returns the codes of a party's keys, by their names, and that of the names.
func (x *exchange) macs(from, to Party, transaction string) (map[string]string, string, error) {
	codes := make(map[string]string)
	keys := map[string]id.Ed25519{"ed25519:" + string(from.Device): from.Signing}
	if from.Master != "" {
		keys["ed25519:"+string(from.Master)] = from.Master
	}
	for name, key := range keys {
		var err error
		if codes[name], err = x.mac(from, to, transaction, name, string(key)); err != nil {
			return nil, "", err
		}
	}
	list, err := x.mac(from, to, transaction, "KEY_IDS", names(codes))
	return codes, list, err
}

// names returns the names of keys in the form that has a code of its own.
func names(codes map[string]string) string {
	var list []string
	for name := range codes {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ",")
}

var errMAC = errors.New("a code is wrong")

// check checks a party's codes, and reports whether its master key is among them.
// Keys that are not known here count for nothing; without the device's own, or with
// one wrong code, nothing does. A device that is named as a master key is none: a
// code of one must not count for the other.
func (x *exchange) check(from, to Party, transaction string, codes map[string]string, list string) (master bool, err error) {
	if string(from.Device) == string(from.Master) {
		return false, errMAC
	}
	want, err := x.mac(from, to, transaction, "KEY_IDS", names(codes))
	if err != nil {
		return false, err
	}
	if !same(want, list) {
		return false, errMAC
	}
	right, _, err := x.macs(from, to, transaction)
	if err != nil {
		return false, err
	}
	for name, code := range right {
		if got, ok := codes[name]; ok && !same(got, code) {
			return false, errMAC
		}
	}
	if _, ok := codes["ed25519:"+string(from.Device)]; !ok {
		return false, errMAC
	}
	_, master = codes["ed25519:"+string(from.Master)]
	return master && from.Master != "", nil
}

// same compares codes; some write the padding of base64.
func same(a, b string) bool {
	return hmac.Equal([]byte(strings.TrimRight(a, "=")), []byte(strings.TrimRight(b, "=")))
}
