package livekit_test

import (
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
)

// A track that was postponed is not received, and comes again when it is asked for.
func TestPostpone(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	ada := member(t, ctx, s, "ada", 0)
	room, err := livekit.Join(ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret,
		Room: "r", Identity: "bot", Name: "Bot", Passphrase: []byte(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := room.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := room.Announce(ctx, "recorded"); err != nil {
		t.Fatal(err)
	}
	next := func(source media.Source) recorder.Postponer {
		t.Helper()
		for {
			e, err := room.Accept(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if e.Track != nil && e.Track.Info().Source == source {
				return e.Track.(recorder.Postponer)
			}
		}
	}
	mic := next(media.Microphone)
	if _, err := mic.Read(); err != nil {
		t.Fatal(err)
	}
	mic.Postpone()
	for err = nil; err == nil; {
		_, err = mic.Read()
	}
	if !mic.Published() {
		t.Error("a track that was postponed counts as unpublished")
	}
	mic.Again()
	again := next(media.Microphone)
	if again.Info().ID != mic.Info().ID {
		t.Errorf("track %s came in place of %s", again.Info().ID, mic.Info().ID)
	}
	for range 50 {
		if _, err := again.Read(); err != nil {
			t.Fatal(err)
		}
	}
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		_, err = again.Read()
	}
	for again.Published() { // Leave returns before the server tells
		if _, err := room.Accept(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
