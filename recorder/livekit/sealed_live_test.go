package livekit

import (
	"testing"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// Two members write under keys of their own, at the same index; the recorder
// reads both, and answers under its own.
func TestEncryptedDataOfEachMember(t *testing.T) {
	t.Parallel()
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	const topic = chatTopic
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{Size: 32})
	heard := make(chan string, 8) // by the recorder
	told := make(chan string, 8)  // by eve
	listen := func(room *lksdk.Room, out chan string) {
		t.Helper()
		if err := room.RegisterTextStreamHandler(topic, func(r *lksdk.TextStreamReader, from string) {
			out <- from + ": " + r.ReadAll()
		}); err != nil {
			t.Fatal(err)
		}
	}
	members := make(map[string]*lksdk.Room)
	for _, identity := range []string{"ada", "bob", "bot"} {
		if err := keys.Keyring(identity).SetRaw(1, []byte("a key of 256 bits that is "+identity+"'s"), frame.HKDF); err != nil {
			t.Fatal(err)
		}
		if identity == "bot" {
			continue
		}
		own := frame.NewKeyring(256, frame.KeyOptions{Size: 32})
		if err := own.SetRaw(1, []byte("a key of 256 bits that is "+identity+"'s"), frame.HKDF); err != nil {
			t.Fatal(err)
		}
		m := lksdk.NewRoom(&lksdk.RoomCallback{})
		mine := dataKeys{own}
		if err := m.JoinWithContext(ctx, s.URL, lksdk.ConnectInfo{APIKey: s.APIKey, APISecret: s.APISecret, RoomName: "r", ParticipantIdentity: identity},
			lksdk.WithAutoSubscribe(false), lksdk.WithDataEncryption(&lksdk.EncryptionOptions{KeyProvider: mine})); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Disconnect)
		members[identity] = m
	}
	r, err := Join(ctx, Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r", Identity: "bot", Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	go func() {
		for {
			e, err := r.Accept(ctx)
			if err != nil {
				return
			}
			if e.Type == media.EventChat {
				heard <- e.Participant + ": " + e.Text
			}
		}
	}()
	// Data may come before its channel is there: say it until it is heard.
	for identity, m := range members {
		for done := false; !done; {
			m.LocalParticipant.SendText("from "+identity, lksdk.StreamTextOptions{Topic: topic})
			select {
			case got := <-heard:
				if got == identity+": from "+identity {
					done = true
				} else if got != "ada: from ada" && got != "bob: from bob" {
					t.Fatalf("the recorder heard %q", got)
				}
			case <-time.After(time.Second):
			case <-ctx.Done():
				t.Fatalf("the recorder does not hear %s", identity)
			}
		}
	}
	// Eve knows the bot's key and nothing else.
	eve := frame.NewKeyring(256, frame.KeyOptions{Size: 32})
	if err := eve.SetRaw(1, []byte("a key of 256 bits that is bot's"), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	other := lksdk.NewRoom(&lksdk.RoomCallback{})
	listen(other, told)
	if err := other.JoinWithContext(ctx, s.URL, lksdk.ConnectInfo{APIKey: s.APIKey, APISecret: s.APISecret, RoomName: "r", ParticipantIdentity: "eve"},
		lksdk.WithAutoSubscribe(false), lksdk.WithDataEncryption(&lksdk.EncryptionOptions{KeyProvider: dataKeys{eve}})); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Disconnect)
	for done := false; !done; {
		r.s.room.LocalParticipant.SendText("from bot", lksdk.StreamTextOptions{Topic: topic})
		select {
		case got := <-told:
			if got != "bot: from bot" {
				t.Fatalf("heard %q", got)
			}
			done = got == "bot: from bot"
		case <-time.After(time.Second):
		case <-ctx.Done():
			t.Fatal("the recorder is not heard")
		}
	}
}
