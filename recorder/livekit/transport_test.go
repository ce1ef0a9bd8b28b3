package livekit_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A recorder whose connection stood still does not hear that another took its place. As its
// connection comes back the server would give it that of the other, and take its leave for the
// other's: it leaves the room to that one, which goes on, and undisturbed where the recorder can
// ask the server before.
func TestResumesOverNobody(t *testing.T) {
	t.Parallel()
	ctx := sample.Context(t)
	s, n := impaired(t, ctx, servers.LiveKitConfig{})
	client := lksdk.NewRoomServiceClient(strings.Replace(s.URL, "ws", "http", 1), s.APIKey, s.APISecret)
	for _, tt := range []struct {
		room string
		asks bool
	}{{"asks", true}, {"is shown", false}} {
		t.Run(tt.room, func(t *testing.T) {
			t.Parallel()
			there := ways(t, n, tt.room, "ada", "bot", "other")
			someone(t, ctx, s, there["ada"].URL, tt.room, "ada")
			c := livekit.Config{URL: there["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: tt.room, Identity: "bot", Resume: soon, Yield: tt.asks,
				Attributes: map[string]string{"sealtape.key": "1"}}
			record := func(c livekit.Config, id string) *livekit.Room {
				r, err := livekit.Join(ctx, c)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { r.Close() })
				r.SetAttributes(map[string]string{"sealtape.recording": id})
				if err := r.Announce(ctx, "recording"); err != nil {
					t.Fatal(err)
				}
				r.SetState("recording")
				return r
			}
			listed := func() *lkproto.ParticipantInfo {
				p, err := client.GetParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: tt.room, Identity: "bot"})
				if err != nil {
					t.Fatalf("the server has no recorder: %v", err)
				}
				return p
			}
			c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
			first := record(c, "A")
			there["bot"].Cut()
			c.URL, c.Replace = there["other"].URL, true // else it would not join beside who shows that it records
			second := record(c, "B")
			var sid string
			for sid == "" {
				if p := listed(); p.GetAttributes()["sealtape.recording"] == "B" && p.GetAttributes()["sealtape.state"] == "recording" {
					sid = p.GetSid()
				} else if err := pauseFor(ctx, 100*time.Millisecond); err != nil {
					t.Fatal(err)
				}
			}
			there["bot"].Reset()
			there["bot"].Mend()
			for {
				_, err := first.Accept(ctx)
				if errors.Is(err, livekit.ErrReplaced) {
					if errors.Is(err, livekit.ErrOccupied) != tt.asks {
						t.Errorf("it left as of %v", err)
					}
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for begun := time.Now(); time.Since(begun) < 2*soon; {
				wait, stop := context.WithTimeout(ctx, soon)
				e, err := second.Accept(wait)
				stop()
				switch {
				case err != nil && wait.Err() == nil:
					t.Fatalf("who should stay: %v", err)
				case err == nil && (e.Type == media.EventLost || e.Type == media.EventReconnect && (tt.asks || e.Reason != media.ReconnectResume)):
					t.Errorf("who should stay was disturbed: %s, %s", e.Type, e.Reason)
				}
			}
			if p := listed(); p.GetSid() != sid || p.GetAttributes()["sealtape.recording"] != "B" {
				t.Errorf("the server has %s with %v, want %s", p.GetSid(), p.GetAttributes(), sid)
			}
		})
	}
}
