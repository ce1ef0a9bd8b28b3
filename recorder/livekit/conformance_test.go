package livekit_test

import (
	"errors"
	"testing"

	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/roomtest"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// The rooms of a real server keep the contract that the scripted ones do.
func TestConformance(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	n := 0
	roomtest.TestRoom(t, func(t *testing.T) roomtest.Meeting {
		n++
		room := string(rune('a' + n)) // each test has its own
		come := func(identity string, voice int) (*members.Member, error) {
			return members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret,
				Room: room, Identity: identity, Passphrase: passphrase, Audio: fixtures.Speech(voice)})
		}
		ada, err := come("ada", 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := ada.Leave(); err != nil {
				t.Error(err)
			}
		})
		bot, err := livekit.Join(ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: room,
			Identity: "bot", Passphrase: []byte(passphrase)})
		if err != nil {
			t.Fatal(err)
		}
		return roomtest.Meeting{Room: bot, Play: func(heard func(string)) error {
			ben, err := come("ben", 1)
			if err != nil {
				return err
			}
			heard("ben")
			return errors.Join(ben.Leave(), ada.Leave())
		}}
	})
}
