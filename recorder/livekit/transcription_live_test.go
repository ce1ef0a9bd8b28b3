package livekit_test

import (
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/native"
)

// An agent of LiveKit's own SDK writes down what a member says, in both forms, through a
// real server, in a room with keys and in one without. The server names the speaker in
// the first packet of a stream and the agent in the others.
func TestRoomHearsTranscriptions(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	for _, room := range []string{"sealed", "clear"} {
		sealed := ""
		if room == "sealed" {
			sealed = passphrase
		}
		ada, err := members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret,
			Room: room, Identity: "ada", Passphrase: sealed, Audio: fixtures.Speech(0)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := ada.Leave(); err != nil {
				t.Error(err)
			}
		})
		c := livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: room, Identity: "bot"}
		if sealed != "" {
			c.Passphrase = []byte(sealed)
		}
		r, err := livekit.Join(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
		if err := r.Announce(ctx, "recording"); err != nil {
			t.Fatal(err)
		}
		track := next(t, ctx, r, is(media.EventTrack, "ada")).Track
		go drain(track)
		token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: room, Identity: "scribe", Kind: members.Agent})
		if err != nil {
			t.Fatal(err)
		}
		scribe, err := native.Start(ctx, native.Config{URL: s.URL, Token: token, Passphrase: sealed})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := scribe.Leave(); err != nil {
				t.Error(err)
			}
		})
		next(t, ctx, r, is(media.EventJoin, "scribe"))
		words := native.Transcription{Track: track.Info().ID, Segment: "SG_1", Text: "Good mourning", As: "ada"}
		hear := func(publish func() error, text, segment string, interim bool) {
			t.Helper()
			if err := publish(); err != nil {
				t.Fatal(err)
			}
			e := next(t, ctx, r, func(e recorder.RoomEvent) bool { return e.Type == media.EventTranscription })
			if e.Participant != "ada" || e.By != "scribe" || e.Text != text || e.Segment != segment || e.Interim != interim || e.TrackID != words.Track {
				t.Errorf("%s: %+v, want %q of %s", room, e, text, segment)
			}
			// LiveKit encrypts streams, and has no form for the older messages encrypted.
			if older := segment == "L_1"; e.Encrypted != (sealed != "" && !older) {
				t.Errorf("%s: encrypted %v", room, e.Encrypted)
			}
		}
		older := words
		older.Segment, older.Text, older.Final = "L_1", "Good morning.", true
		hear(func() error { return scribe.PublishTranscription(ctx, older) }, "Good morning.", "L_1", false)
		hear(func() error { return scribe.Transcribe(ctx, words) }, "Good mourning", "SG_1", true)
		words.Text, words.Final = "Good morning, everyone.", true
		hear(func() error { return scribe.Transcribe(ctx, words) }, words.Text, "SG_1", false)
	}
}
