package livekit

import (
	"bytes"
	"errors"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/e2ee"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// The SDK's engine has to be where it is looked for.
func TestEngineOf(t *testing.T) {
	if engineOf(lksdk.NewRoom(&lksdk.RoomCallback{})) == nil {
		t.Error("the SDK has changed: there is no engine")
	}
}

// sealedData is what a member with this ring sends.
func sealedData(t testing.TB, from string, ring *frame.Keyring, text string) []byte {
	t.Helper()
	p, err := e2ee.NewDataCryptor(dataKeys{ring}).Encrypt(&lkproto.DataPacket{ParticipantIdentity: from,
		Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Payload: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenDataOfEachMember(t *testing.T) {
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{})
	for _, identity := range []string{"ada", "bob"} { // under the same index
		if err := keys.Keyring(identity).SetRaw(3, []byte(identity+"'s key"), frame.HKDF); err != nil {
			t.Fatal(err)
		}
	}
	ada := sealedData(t, "ada", keys.Keyring("ada"), "hello")
	for _, tt := range []struct {
		name    string
		message []byte
		want    error
	}{
		{"ada's", ada, nil},
		{"bob's", sealedData(t, "bob", keys.Keyring("bob"), "hello"), nil},
		{"bob's as if from ada", sealedData(t, "ada", keys.Keyring("bob"), "hello"), frame.ErrAuth},
		{"from someone without a key", sealedData(t, "eve", keys.Keyring("ada"), "hello"), frame.ErrNoKey},
		{"cut", ada[:len(ada)-1], errData},
		{"noise", []byte("noise"), errData},
	} {
		p, err := openData(keys, tt.message)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err == nil && !bytes.Equal(p.GetUser().GetPayload(), []byte("hello")) {
			t.Errorf("%s: %v", tt.name, p)
		}
	}
	plain, err := proto.Marshal(&lkproto.DataPacket{Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Payload: []byte("open")}}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := openData(keys, plain); err != nil || string(p.GetUser().GetPayload()) != "open" {
		t.Errorf("plain data: %v, %v", p, err)
	}
}

// FuzzOpenData: whatever comes over a data channel is refused or delivered, and
// nothing encrypted comes out under keys that did not seal it.
func FuzzOpenData(f *testing.F) {
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{RatchetWindow: 2})
	if err := keys.Keyring("ada").SetRaw(0, []byte("key"), frame.HKDF); err != nil {
		f.Fatal(err)
	}
	real := sealedData(f, "ada", keys.Keyring("ada"), "hello")
	f.Add(real)
	for _, p := range []*lkproto.DataPacket{
		{Value: &lkproto.DataPacket_User{User: &lkproto.UserPacket{Payload: []byte("x")}}},
		{Value: &lkproto.DataPacket_StreamHeader{StreamHeader: &lkproto.DataStream_Header{StreamId: "s", Topic: "lk.chat"}}},
		{Value: &lkproto.DataPacket_StreamChunk{StreamChunk: &lkproto.DataStream_Chunk{StreamId: "s", Content: []byte("x")}}},
		{Value: &lkproto.DataPacket_EncryptedPacket{EncryptedPacket: &lkproto.EncryptedPacket{KeyIndex: 1 << 31, Iv: make([]byte, 12), EncryptedValue: make([]byte, 16)}}},
	} {
		b, err := proto.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	room := lksdk.NewRoom(&lksdk.RoomCallback{})
	f.Fuzz(func(t *testing.T, message []byte) {
		p, err := openData(keys, message)
		if err != nil {
			return
		}
		if p.GetEncryptedPacket() != nil {
			t.Fatal("an encrypted packet was not opened")
		}
		before := new(lkproto.DataPacket)
		if proto.Unmarshal(message, before) == nil && before.GetEncryptedPacket() != nil && string(p.GetUser().GetPayload()) != "hello" {
			t.Fatalf("opened what nobody sealed: %v", p)
		}
		deliver(room, p)
	})
}
