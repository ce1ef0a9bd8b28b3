package livekit_test

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
)

// A recorder whose members are told of it elsewhere joins with a token that forbids data, and
// receives at once whom Admit lets in, for as long as it does.
func TestAdmit(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	member(t, ctx, s, "ada", 0)
	member(t, ctx, s, "eve", 1)
	no := false
	grant := &auth.VideoGrant{RoomJoin: true, Room: "r", CanPublish: &no, CanPublishData: &no}
	token, err := auth.NewAccessToken(s.APIKey, s.APISecret).SetVideoGrant(grant).SetIdentity("bot").SetValidFor(time.Hour).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := livekit.Join(ctx, livekit.Config{URL: s.URL, Token: token}); !errors.Is(err, livekit.ErrNoData) {
		t.Fatalf("joined with such a token: %v", err)
	}
	var admitted atomic.Value
	admitted.Store("ada")
	r, err := livekit.Join(ctx, livekit.Config{URL: s.URL, Token: token, Told: true,
		Admit: func(identity string) bool { return admitted.Load() == identity }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, text := range []string{"This meeting is recorded.", "By who is here."} {
		if err := r.Announce(ctx, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Tell(ctx, "Hello."); err != nil {
		t.Error(err)
	}
	if err := r.Send(ctx, "topic", nil, []byte("x")); !errors.Is(err, livekit.ErrNoData) {
		t.Errorf("sent, with %v", err)
	}
	track := next(t, ctx, r, func(e recorder.RoomEvent) bool {
		if e.Track != nil && e.Participant != "ada" {
			t.Fatalf("a track of %s, who was not admitted", e.Participant)
		}
		return e.Track != nil
	}).Track
	read(t, track)
	if r.RoundTrip() <= 0 {
		t.Error("the way to the server takes no time")
	}
	if got := r.Publishing(); len(got) != 2 {
		t.Errorf("%v publish, want two", got)
	}
	admitted.Store("eve")
	r.Review("ada")
	for {
		if _, err := track.Read(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if track.(recorder.Postponer).Published() {
		t.Error("who is not admitted any more would be asked for again")
	}
	r.Review("eve")
	read(t, next(t, ctx, r, is(media.EventTrack, "eve")).Track)
}

// read waits for a packet.
func read(t *testing.T, track recorder.Track) {
	t.Helper()
	if _, err := track.Read(); err != nil {
		t.Fatal(err)
	}
}
