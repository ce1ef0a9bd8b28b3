package livekit_test

import (
	"slices"
	"strings"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// Chat comes from a real server, under the room's key.
func TestRoomHearsItsMembers(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	ada := member(t, ctx, s, "ada", 0)
	r := join(t, ctx, s)
	next(t, ctx, r, is(media.EventJoin, "ada"))
	if err := r.Announce(ctx, "recording"); err != nil {
		t.Fatal(err)
	}
	ada.Say("Can you hear me?")
	next(t, ctx, r, func(e recorder.RoomEvent) bool {
		return e.Type == media.EventChat && e.Participant == "ada" && e.Text == "Can you hear me?"
	})
	long := strings.Repeat("0123456789", 50_000)
	ada.Say(long)
	next(t, ctx, r, func(e recorder.RoomEvent) bool {
		return e.Type == media.EventChat && e.Participant == "ada" && e.Text == long
	})
	ada.SendFile("files", "plan.pdf", []byte(long))
	next(t, ctx, r, func(e recorder.RoomEvent) bool {
		return e.Type == media.EventStream && e.Participant == "ada" && e.Text == "plan.pdf" && e.Reason == "files" && e.Size == int64(len(long))
	})
}

// Names, hands and the room's metadata come from the server, as they change.
func TestRoomSeesWhatMembersShow(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	member(t, ctx, s, "ada", 0)
	r := join(t, ctx, s)
	next(t, ctx, r, is(media.EventJoin, "ada"))
	admin := lksdk.NewRoomServiceClient(s.URL, s.APIKey, s.APISecret)
	if _, err := admin.UpdateParticipant(ctx, &lkproto.UpdateParticipantRequest{Room: "r", Identity: "ada", Name: "Ada L.",
		Attributes: map[string]string{"handRaisedAt": "2026-01-02T03:04:05Z"}}); err != nil {
		t.Fatal(err)
	}
	name := next(t, ctx, r, is(media.EventName, "ada"))
	if name.Name != "Ada L." || name.Text != "ADA" {
		t.Errorf("%+v", name)
	}
	if hand := next(t, ctx, r, is(media.EventHand, "ada")); hand.Reason != media.HandRaised {
		t.Errorf("%+v", hand)
	}
	if _, err := admin.UpdateRoomMetadata(ctx, &lkproto.UpdateRoomMetadataRequest{Room: "r", Metadata: "item 2"}); err != nil {
		t.Fatal(err)
	}
	if data := next(t, ctx, r, is(media.EventMetadata, "")); data.Text != "item 2" {
		t.Errorf("%+v", data)
	}
}

// Who speaks comes from the server, which reads it off the packets' headers, and
// so does the quality of a member's connection, when it changes or
// a member comes.
func TestRoomHearsWhoSpeaks(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	member(t, ctx, s, "ada", 0)
	r := join(t, ctx, s)
	if err := r.Announce(ctx, "recording"); err != nil {
		t.Fatal(err)
	}
	member(t, ctx, s, "ben", 1)
	// The voices have a pause of a second and a half every ten.
	waiting := map[string]bool{"ada speaks": true, "ada pauses": true, "ben speaks": true, "ben pauses": true, "ada's connection": true}
	spoke := make(map[string]bool)
	for len(waiting) > 0 {
		e, err := r.Accept(ctx)
		if err != nil {
			t.Fatalf("still waiting for %v: %v", waiting, err)
		}
		switch e.Type {
		case media.EventTrack:
			go drain(e.Track)
		case media.EventQuality:
			if e.Reason == "" {
				t.Errorf("quality of nothing: %+v", e)
			}
			delete(waiting, e.Participant+"'s connection")
		case media.EventSpeaking:
			for _, who := range []string{"ada", "ben"} {
				if slices.Contains(e.Speakers, who) {
					spoke[who] = true
					delete(waiting, who+" speaks")
				} else if spoke[who] {
					delete(waiting, who+" pauses")
				}
			}
		}
	}
}
