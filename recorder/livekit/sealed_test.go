package livekit

import (
	"bytes"
	"errors"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/server-sdk-go/v2/e2ee"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

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
		p, _, err := openData(keys, tt.message)
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
	if p, sealed, err := openData(keys, plain); err != nil || sealed || string(p.GetUser().GetPayload()) != "open" {
		t.Errorf("plain data: %v, %v", p, err)
	}
}

// FuzzReceive: whatever comes over a data channel is refused or heard, and what is
// sealed is heard only under keys that did seal it.
func FuzzReceive(f *testing.F) {
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{RatchetWindow: 2})
	if err := keys.Keyring("ada").SetRaw(0, []byte("key"), frame.HKDF); err != nil {
		f.Fatal(err)
	}
	f.Add(sealedData(f, "ada", keys.Keyring("ada"), "hello"))
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
	f.Fuzz(func(t *testing.T, message []byte) {
		s := alone(Config{Keys: keys})
		s.deliverOrPanic(message)
		p, sealed, err := openData(keys, message)
		if err != nil {
			if events := s.heard(); len(events) > 0 {
				t.Fatalf("heard %+v of what does not open", events)
			}
			return
		}
		if p.GetEncryptedPacket() != nil {
			t.Fatal("an encrypted packet was not opened")
		}
		if sealed && string(p.GetUser().GetPayload()) != "hello" {
			t.Fatalf("opened what nobody sealed: %v", p)
		}
	})
}

// deliverOrPanic does as receive, but for containing what goes wrong.
func (s *session) deliverOrPanic(message []byte) {
	if p, sealed, err := openData(s.r.c.Keys, message); err == nil {
		s.deliver(p, sealed)
	}
}
