package livekit_test

import (
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// Chat comes from a real server, under the room's key.
func TestRoomHearsItsMembers(t *testing.T) {
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
}
