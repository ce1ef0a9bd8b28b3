package livekit

import (
	"bytes"
	"errors"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/server-sdk-go/v2/e2ee"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// Data is opened under keys of each kind, as rotations and ratchets go on.
func TestDataKeys(t *testing.T) {
	for _, tt := range []struct {
		name       string
		size       int
		derivation frame.Derivation
	}{
		{"passphrase", 16, frame.PBKDF2}, {"raw", 16, frame.HKDF},
		{"passphrase, 256 bits", 32, frame.PBKDF2}, {"raw, 256 bits", 32, frame.HKDF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := frame.KeyOptions{Size: tt.size, RatchetWindow: 4}
			here, there := frame.NewKeyring(256, o), frame.NewKeyring(256, o)
			receiver, sender := e2ee.NewDataCryptor(dataKeys{here}), e2ee.NewDataCryptor(dataKeys{there})
			send := func() ([]byte, uint32, error) {
				t.Helper()
				p, err := sender.Encrypt(&lkproto.DataPacket{Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Payload: []byte("hello")}}})
				if err != nil {
					t.Fatal(err)
				}
				sealed := p.GetEncryptedPacket()
				got, err := receiver.Decrypt(sealed)
				if err != nil {
					return nil, sealed.KeyIndex, err
				}
				return got.GetUser().Payload, sealed.KeyIndex, nil
			}
			check := func(index uint32) {
				t.Helper()
				if got, i, err := send(); err != nil || !bytes.Equal(got, []byte("hello")) || i != index {
					t.Fatalf("got %q under index %d, %v", got, i, err)
				}
			}
			set := func(k *frame.Keyring, index int, key string) {
				t.Helper()
				if err := k.SetRaw(index, []byte(key), tt.derivation); err != nil {
					t.Fatal(err)
				}
			}
			set(there, 0, "one")
			if _, _, err := send(); !errors.Is(err, frame.ErrNoKey) {
				t.Fatalf("without a key: %v", err)
			}
			set(here, 0, "one")
			check(0)
			set(there, 200, "two")
			set(here, 200, "two")
			check(200)
			set(here, 200, "three")
			if _, _, err := send(); err == nil {
				t.Fatal("opened under another key")
			}
			set(there, 200, "three")
			check(200)
			for _, k := range []*frame.Keyring{here, there} {
				if err := k.Ratchet(200); err != nil {
					t.Fatal(err)
				}
			}
			check(200)
		})
	}
}

// Data names its key by 32 bits, of which a ring has eight.
func TestDataKeyIndexIsBounded(t *testing.T) {
	k := frame.NewKeyring(256, frame.KeyOptions{})
	if err := k.SetRaw(0, []byte("key"), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	for _, index := range []uint32{1, 255, 256, 1 << 16, 1 << 31, 1<<32 - 1} {
		if _, err := (dataKeys{k}).GetKey(index); !errors.Is(err, frame.ErrNoKey) {
			t.Errorf("index %d: %v", index, err)
		}
	}
}

func TestDataEncryptionNeedsAKeyOfOurs(t *testing.T) {
	if dataEncryption(nil, "bot") != nil {
		t.Error("a room without keys")
	}
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	if err := keys.Keyring("ada").SetRaw(0, []byte("key"), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	if dataEncryption(keys, "bot") != nil {
		t.Error("the recorder has no key of its own")
	}
	if dataEncryption(keys, "ada") == nil {
		t.Error("the recorder has a key")
	}
}
