package livekit_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// A packet is a data packet that arrived.
type packet struct {
	topic, from string
	data        []byte
}

// Data goes to all, or to whom it is for, and arrives as it was sent.
func TestData(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	told := make(map[string]chan packet)
	rooms := make(map[string]*livekit.Room)
	for _, identity := range []string{"bot", "ada", "ben"} {
		in := make(chan packet, 64)
		told[identity] = in
		r, err := livekit.Join(ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r",
			Identity: identity, Passphrase: []byte(passphrase), OnData: func(topic, from string, data []byte) bool {
				if topic != "test" {
					return false
				}
				in <- packet{topic, from, bytes.Clone(data)}
				return true
			}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		rooms[identity] = r
	}
	long := bytes.Repeat([]byte("0123456789"), 1400)
	// A data channel may open after the join, and a busy machine loses a connection: say it
	// until it is heard.
	want := func(who string, data []byte, send func() error) {
		t.Helper()
		for {
			if err := send(); err != nil && !errors.Is(err, recorder.ErrAway) {
				t.Fatal(err)
			}
			select {
			case h := <-told[who]:
				if h.from != "bot" || !bytes.Equal(h.data, data) {
					t.Errorf("%s heard %d bytes from %q", who, len(h.data), h.from)
				}
				return
			case <-time.After(time.Second):
			case <-ctx.Done():
				t.Fatalf("%s hears nothing", who)
			}
		}
	}
	want("ada", long, func() error { return rooms["bot"].Send(ctx, "test", []string{"ada"}, long) })
	if len(told["ben"]) > 0 {
		t.Error("ben heard what was for ada")
	}
	want("ben", []byte("to all"), func() error { return rooms["bot"].Send(ctx, "test", nil, []byte("to all")) })
	if err := rooms["ada"].Close(); err != nil {
		t.Error(err)
	}
	if err := rooms["ada"].Send(ctx, "test", nil, []byte("after")); !errors.Is(err, recorder.ErrAway) {
		t.Errorf("sent from a room that was left: %v", err)
	}
}

// A recorder that the server hides, or silences, while it records has to stop.
func TestHiddenLater(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	admin := lksdk.NewRoomServiceClient(s.URL, s.APIKey, s.APISecret)
	for name, tt := range map[string]struct {
		p    *lkproto.ParticipantPermission
		want error
	}{
		"hidden":   {&lkproto.ParticipantPermission{CanSubscribe: true, CanPublishData: true, Hidden: true}, livekit.ErrHid},
		"silenced": {&lkproto.ParticipantPermission{CanSubscribe: true}, livekit.ErrGagged},
	} {
		r, err := livekit.Join(ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: name, Identity: "bot"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := admin.UpdateParticipant(ctx, &lkproto.UpdateParticipantRequest{Room: name, Identity: "bot", Permission: tt.p}); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Accept(ctx)
		}
		if !errors.Is(err, tt.want) || !errors.Is(err, recorder.ErrEnded) {
			t.Errorf("%s: the room ended with %v, want %v", name, err, tt.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
