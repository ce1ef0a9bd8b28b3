package members

import (
	"bytes"
	"context"
	"testing"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/e2ee/types"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/roomkeys"
)

var _ types.KeyProvider = (*roomkeys.Provider)(nil)

// LiveKit's SDK for Go encrypts and decrypts frames under keys that events install.
func TestRoomKeysInTheSDK(t *testing.T) {
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{16, 32} {
		missing := 0
		sending, err := roomkeys.NewRings(size, nil)
		if err != nil {
			t.Fatal(err)
		}
		receiving, err := roomkeys.NewRings(size, func(identity string, index int) { missing++ })
		if err != nil {
			t.Fatal(err)
		}
		both := func(e roomkeys.Event) {
			for _, r := range []*roomkeys.Rings{sending, receiving} {
				if err := r.Take(e); err != nil {
					t.Error(err)
				}
			}
		}
		// An exchange's own first key comes as others' do.
		if _, err := roomkeys.New(roomkeys.Config{Room: "weekly", Identity: "ada", Nonce: roomkeys.Nonce{1}, Card: roomkeys.Hash{1}, Signer: id.Signer(),
			Notify: both, Send: func(context.Context, string, []byte) error { return nil }}); err != nil {
			t.Fatal(err)
		}
		encryptor, err := lksdk.NewFrameEncryptor(sending.Provider("ada"), lksdk.CodecOpus)
		if err != nil {
			t.Fatal(err)
		}
		decryptor, err := lksdk.NewFrameDecryptor(receiving.Provider("ada"), lksdk.CodecOpus, nil)
		if err != nil {
			t.Fatal(err)
		}
		frame := []byte("a frame of some sound")
		cross := func(when string, opens bool) {
			t.Helper()
			sealed, err := encryptor.EncryptFrame(frame)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decryptor.DecryptFrame(sealed)
			if opened := err == nil && bytes.Equal(got, frame); opened != opens {
				t.Errorf("%s, %d bytes: opened %t: %v", when, size, opened, err)
			}
		}
		cross("at first", true)
		next := roomkeys.Event{Kind: roomkeys.Install, Identity: "ada", Index: 200, Key: bytes.Repeat([]byte{9}, roomkeys.KeySize)}
		if err := sending.Take(next); err != nil {
			t.Fatal(err)
		}
		both(roomkeys.Event{Kind: roomkeys.Use, Identity: "ada", Index: 200})
		if cross("a key that did not come", false); missing != 1 {
			t.Errorf("missing was told %d times", missing)
		}
		if err := receiving.Take(next); err != nil {
			t.Fatal(err)
		}
		cross("when it came", true)
		both(roomkeys.Event{Kind: roomkeys.Retire, Identity: "ada", Index: 200})
		cross("a key that is retired", false)
		if got := receiving.Provider("ben"); got.CurrentKeyIndex() != 0 {
			t.Error("another's index")
		}
	}
	if _, err := roomkeys.NewRings(24, nil); err == nil {
		t.Error("keys of 24 bytes")
	}
}
