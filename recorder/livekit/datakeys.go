package livekit

import (
	"fmt"

	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// dataKeys lets the SDK encrypt what the recorder sends to the room, with the
// keys of its media: AES-GCM with 128 or 256 bits, under the index that was set
// last (livekit-client, DataCryptor.ts). It follows rotations and ratchets.
// rotations and ratchets.
type dataKeys struct{ ring *frame.Keyring }

// GetKey implements the SDK's key provider.
func (d dataKeys) GetKey(index uint32) ([]byte, error) {
	if index < 256 {
		if key := d.ring.Key(int(index)); key != nil {
			return key, nil
		}
	}
	return nil, fmt.Errorf("data packet: %w", frame.ErrNoKey)
}

// CurrentKeyIndex implements the SDK's key provider.
func (d dataKeys) CurrentKeyIndex() uint32 {
	index, _ := d.ring.Newest()
	return uint32(index)
}

// dataEncryption returns the option that encrypts data. Nil means that the room
// has no keys, or the recorder has none of its own: then data is sent in the
// clear.
func dataEncryption(keys recorder.KeyProvider, identity string) lksdk.ConnectOption {
	if keys == nil {
		return nil
	}
	ring := keys.Keyring(identity)
	if _, ok := ring.Newest(); !ok {
		return nil
	}
	return lksdk.WithDataEncryption(&lksdk.EncryptionOptions{KeyProvider: dataKeys{ring}})
}
