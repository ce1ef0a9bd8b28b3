package calls_test

import (
	"slices"
	"testing"

	"github.com/sealtape/sealtape/testdata/calls"
	"github.com/sealtape/sealtape/testdata/sample"
)

const member = "org.matrix.msc3401.call.member"

// Rooms are as they are asked for: encrypted, and with the power that calls take.
func TestRooms(t *testing.T) {
	sample.Live(t)
	ctx := t.Context()
	s, err := calls.Start(ctx, calls.Config{Progress: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	var users []*calls.User
	for _, name := range []string{"Ada", "Ada"} {
		u, err := s.Register(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u)
	}
	ada, ben := users[0], users[1]
	for _, test := range []struct {
		name string
		room calls.Room
		call bool // Ben may be in it
	}{
		{"encrypted", calls.Room{}, true},
		{"clear, and no calls", calls.Room{Clear: true, CallPower: 50}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.room.Invite = []string{ben.ID}
			room, err := ada.CreateRoom(ctx, test.room)
			if err != nil {
				t.Fatal(err)
			}
			if err := ben.Join(ctx, room); err != nil {
				t.Fatal(err)
			}
			encrypted, err := ada.State(ctx, room, "m.room.encryption")
			if err != nil || (len(encrypted) > 0) == test.room.Clear {
				t.Errorf("encryption is %v, %v", encrypted, err)
			}
			key := "_" + ben.ID + "_DEVICE_m.call"
			err = ben.SetState(ctx, room, member, key, map[string]any{"application": "m.call"})
			if (err == nil) != test.call {
				t.Errorf("Ben joins the call: %v", err)
			}
			if err := ada.SetPower(ctx, room, ben.ID, test.room.CallPower); err != nil {
				t.Fatal(err)
			}
			if err := ben.SetState(ctx, room, member, key, map[string]any{"application": "m.call"}); err != nil {
				t.Errorf("Ben joins the call with the power for it: %v", err)
			}
			if in, err := ada.CallMembers(ctx, room); err != nil || !slices.Equal(in, []string{key}) {
				t.Errorf("in the call are %q, %v", in, err)
			}
			if err := ada.Kick(ctx, room, ben.ID); err != nil {
				t.Fatal(err)
			}
			if err := ben.SetState(ctx, room, member, key, struct{}{}); err == nil {
				t.Error("who is out of the room changes its state")
			}
		})
	}
}
