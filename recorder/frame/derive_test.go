package frame

import (
	"encoding/hex"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The vectors come from the unit tests of server-sdk-go (encryption_test.go),
// of libwebrtc's frame crypto transformer and of livekit-client.
func TestDerive(t *testing.T) {
	for _, test := range []struct {
		name, material string
		hexMaterial    bool
		d              Derivation
		salt           string
		ratchets       int
		want           string
	}{
		{"passphrase", "12345", false, PBKDF2, defaultSalt, 0, "0f5ec6425dd3742e3761e879bde9e016"},
		{"passphrase 2", "password", false, PBKDF2, defaultSalt, 0, "421890b1557504a8ea1a90c253b419e4"},
		{"ratcheted", "password", false, PBKDF2, defaultSalt, 1, "9f3af7c94abca41d79f8c61e8dcff292"},
		{"bytes under another salt", "000102030405060708090a0b0c0d0e0f", true, PBKDF2, "\x00\x01\x02\x03\x04\x05\x06\x07", 0, "a658cd52efbacadfecdfe0a0dc574ec3"},
		{"raw", "2215bbca86cca83e056928f458", true, HKDF, defaultSalt, 0, "81e05d3e11cb638865239580bd98fb4c"},
		{"raw 2", "000102030405060708090a0b0c0d0e0f", true, HKDF, defaultSalt, 0, "4086b4641064e1ae8b63d4eb83ad3e7e"},
	} {
		t.Run(test.name, func(t *testing.T) {
			material := []byte(test.material)
			if test.hexMaterial {
				material = unhex(t, test.material)
			}
			for range test.ratchets {
				next, err := test.d.ratchet(material, test.salt)
				if err != nil {
					t.Fatal(err)
				}
				if len(next) != 32 {
					t.Fatalf("ratcheted material of %d bytes", len(next))
				}
				material = next
			}
			got, err := test.d.derive(material, test.salt, 16)
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(got) != test.want {
				t.Errorf("got %x, want %s", got, test.want)
			}
			long, err := test.d.derive(material, test.salt, 32)
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(long[:16]) != test.want {
				t.Errorf("the long key %x does not begin with the short one", long)
			}
		})
	}
	if _, err := Derivation(9).derive([]byte("x"), defaultSalt, 16); err == nil {
		t.Error("unknown derivation accepted")
	}
}
