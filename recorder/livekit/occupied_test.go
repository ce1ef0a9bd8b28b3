package livekit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A recorder that was cut off comes back when another has taken its place: it leaves it to
// that one. Where nobody has, it comes back as ever.
func TestYieldsAfterAbsence(t *testing.T) {
	t.Parallel()
	ctx := sample.Context(t)
	s, n := impaired(t, ctx, servers.LiveKitConfig{})
	for _, tt := range []struct{ room, its, key string }{{"taken", "B", "1"}, {"ours", "A", "1"}, {"about to begin", "", "2"}} {
		t.Run(tt.room, func(t *testing.T) {
			t.Parallel()
			there := ways(t, n, tt.room, "ada", "bot", "other")
			someone(t, ctx, s, there["ada"].URL, tt.room, "ada")
			c := livekit.Config{URL: there["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: tt.room, Identity: "bot", Resume: soon, Yield: true,
				Attributes: map[string]string{"sealtape.key": "1"}}
			first, err := livekit.Join(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			first.SetAttributes(map[string]string{"sealtape.recording": "A"})
			if err := first.Announce(ctx, "recording"); err != nil {
				t.Fatal(err)
			}
			first.SetState("recording")
			there["bot"].CutSignal()
			there["bot"].Reset()
			c.URL, c.Yield, c.Attributes = there["other"].URL, false, map[string]string{"sealtape.key": tt.key}
			second, err := livekit.Join(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			second.SetAttributes(map[string]string{"sealtape.recording": tt.its})
			if err := second.Announce(ctx, "recording"); err != nil {
				t.Fatal(err)
			}
			second.SetState("recording")
			client := lksdk.NewRoomServiceClient(strings.Replace(s.URL, "ws", "http", 1), s.APIKey, s.APISecret)
			for {
				p, err := client.GetParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: tt.room, Identity: "bot"})
				if err == nil && p.GetAttributes()["sealtape.recording"] == tt.its && p.GetAttributes()["sealtape.key"] == tt.key && p.GetAttributes()["sealtape.state"] == "recording" {
					break
				}
				if err := pauseFor(ctx, 100*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			there["bot"].MendSignal()
			staying, leaving := second, first
			if tt.its == "A" { // what looks like the first one's own
				staying, leaving = first, second
			}
			for {
				_, err := leaving.Accept(ctx)
				if errors.Is(err, livekit.ErrReplaced) {
					if yields := leaving == first; errors.Is(err, livekit.ErrOccupied) != yields {
						t.Errorf("it left as of %v", err)
					}
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for begun := time.Now(); time.Since(begun) < soon; {
				wait, stop := context.WithTimeout(ctx, soon)
				_, err := staying.Accept(wait)
				stop()
				if err != nil && wait.Err() == nil {
					t.Fatalf("who should stay: %v", err)
				}
			}
		})
	}
}
