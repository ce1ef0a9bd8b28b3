package keys_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

var update = flag.Bool("update", false, "write testdata/passkey.json anew")

// A passkey is a vector: what a passkey gives, and the identity that follows from it. Bytes
// are in hexadecimal.
type passkey struct {
	PRF, Nonce   string
	Created      time.Time
	Name, Device string

	Handle, Secret, Seed, Card string
	Refused                    int `json:",omitempty"` // how many other names were
}

const passkeyVectors = "testdata/passkey.json"

func readPasskeys(t *testing.T) []passkey {
	t.Helper()
	b, err := os.ReadFile(passkeyVectors)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []passkey
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	return vectors
}

func raw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors are as PROTOCOL.md says, and the card is one as any other.
func TestPasskeyVectors(t *testing.T) {
	for _, v := range readPasskeys(t) {
		derive := func(label string) []byte {
			b, err := hkdf.Key(sha256.New, raw(t, v.PRF), nil, "sealtape.v1/"+label, 32)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		id, err := age.ParseHybridIdentity(v.Secret)
		if err != nil {
			t.Fatal(err)
		}
		if got := bech32Bytes(v.Secret); !bytes.Equal(got, derive("passkey-age")) {
			t.Errorf("%s: the age seed is %x", v.Name, got)
		}
		seed := derive("passkey-signing")
		if hex.EncodeToString(seed) != v.Seed {
			t.Errorf("%s: the seed of the signing key is %x", v.Name, seed)
		}
		b64 := base64.StdEncoding.EncodeToString
		sum := sha256.Sum256(fmt.Appendf(nil, "sealtape.v1/passkey-card\nnonce: %s\nname: %s\ndevice: %s\n",
			b64(raw(t, v.Nonce)), b64([]byte(v.Name)), b64([]byte(v.Device))))
		handle := append([]byte{1}, raw(t, v.Nonce)...)
		handle = append(binary.BigEndian.AppendUint64(handle, uint64(v.Created.Unix())), sum[:8]...)
		if hex.EncodeToString(handle) != v.Handle {
			t.Errorf("%s: the handle is %x", v.Name, handle)
		}
		c, err := keys.ParseCard([]byte(v.Card))
		if err != nil {
			t.Fatal(err)
		}
		pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		if c.Name != v.Name || c.Device != v.Device || !c.Created.Equal(v.Created) || !c.Expires.IsZero() || c.Role != keys.Member ||
			!strings.HasSuffix(c.Key, "+"+b64(append([]byte{1}, pub...))) || len(c.Recipients) != 1 || c.Recipients[0] != id.Recipient().String() {
			t.Errorf("%s: the card is %+v", v.Name, c)
		}
	}
}

// bech32Bytes returns the bytes of an age identity whose form was checked.
func bech32Bytes(identity string) []byte {
	data := identity[strings.LastIndex(identity, "1")+1:]
	var out []byte
	var acc, n uint
	for _, r := range data[:len(data)-6] {
		acc, n = acc<<5|uint(strings.IndexRune("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", r)), n+5
		if n >= 8 {
			n -= 8
			out = append(out, byte(acc>>n))
		}
	}
	return out
}

// Browsers make the same identities of the same passkeys, and refuse other names.
func TestPasskeysInBrowsers(t *testing.T) {
	sample.Live(t)
	vectors := readPasskeys(t)
	in, err := json.Marshal(vectors)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/passkey.mjs")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	var got []passkey
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if got[i].Refused != 3 {
			t.Errorf("%s: %d of 3 other names were refused", got[i].Name, got[i].Refused)
		}
		got[i].Refused = 0
		if !*update && got[i] != vectors[i] {
			t.Errorf("a browser makes\n%+v\nwant\n%+v", got[i], vectors[i])
		}
	}
	if *update {
		b, err := json.MarshalIndent(got, "", "\t")
		if err == nil {
			err = os.WriteFile(passkeyVectors, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
