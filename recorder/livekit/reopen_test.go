package livekit_test

import (
	"strings"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A room that its server closes because everybody has left, or because nobody has
// come, is recorded on until the grace is over, or the wait: one recording, in which
// nothing is missing, of all who come back.
func TestRoomsThatTheServerCloses(t *testing.T) {
	t.Parallel()
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{EmptyTimeout: 8 * time.Second, DepartureTimeout: time.Second,
		Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	always := func(bool) bool { return true }
	config := func(room string, reopen func(bool) bool) livekit.Config {
		return livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: room, Reopen: reopen}
	}
	attended := make(chan bool, 1)
	never := live(t, ctx, config("never", func(came bool) bool {
		attended <- came
		return false
	}), recorder.Config{})
	const wait, grace = 16 * time.Second, 8 * time.Second // each more than what the server closes a room after
	nobody := live(t, ctx, config("nobody", always), recorder.Config{Wait: wait})
	ben := someone(t, ctx, s, s.URL, "deserted", "ben")
	deserted := live(t, ctx, config("deserted", always), recorder.Config{Grace: grace})
	ada := someone(t, ctx, s, s.URL, "r", "ada")
	l := live(t, ctx, config("r", always), recorder.Config{Grace: time.Hour}) // more than she takes to come back
	l.hears(0)
	deserted.hears(0)
	left := time.Now()
	if err := ben.Leave(); err != nil {
		t.Fatal(err)
	}

	service := lksdk.NewRoomServiceClient(strings.Replace(s.URL, "ws", "http", 1), s.APIKey, s.APISecret)
	sid := func() string {
		rooms, err := service.ListRooms(ctx, &lkproto.ListRoomsRequest{Names: []string{"r"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rooms.GetRooms() {
			return r.GetSid()
		}
		return ""
	}
	first := sid()
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	for now := first; now == first || now == ""; now = sid() {
		if err := pauseFor(ctx, 100*time.Millisecond); err != nil {
			t.Fatalf("the server does not close the room, or the recorder does not come back: %v", err)
		}
	}
	ada = someone(t, ctx, s, s.URL, "r", "ada")
	l.until("media of her return", func(frames []media.Frame, events []media.Event) bool {
		came := kind(events, media.EventJoin)
		return len(came) == 2 && after(frames, 1, came[1].Time) > 10 && after(frames, 2, came[1].Time) > 10
	})
	if heard(ada, "This is recorded.") == 0 { // twice, if she came as the recorder did
		t.Error("ada was told nothing when she came back")
	}
	l.stop()
	l.wait()
	_, events, tracks := l.read()
	if leaves := kind(events, media.EventLeave); len(tracks) != 2 || l.report.Tracks != 2 || len(leaves) != 1 {
		t.Errorf("tracks %v, leaves %v, report %+v", tracks, leaves, l.report)
	}
	for _, g := range kind(events, media.EventHole) {
		switch g.Reason {
		case media.HoleStart, media.HoleLoss, media.HoleKeyFrame: // as a busy machine has it
		default:
			if g.To-g.From > time.Second {
				t.Errorf("a hole: %+v", g)
			}
		}
	}
	deserted.wait()
	if r := deserted.report; r.Reason != "everybody has left" || r.Holes[media.HoleReconnect] > time.Second || time.Since(left) < grace {
		t.Errorf("ended %v after all had left: %+v", time.Since(left), r)
	}
	nobody.wait()
	if r := nobody.report; r.Reason != "nobody came" || r.Duration < wait-time.Second {
		t.Errorf("where nobody came it ended after %v: %s", r.Duration, r.Reason)
	}
	never.wait()
	if r := never.report; !strings.Contains(r.Reason, "all others have left") || <-attended {
		t.Errorf("where it is not to come back it ended with %s", r.Reason)
	}
}

// Somebody is killed, and back before the server knew that they were gone: that is
// another visit, and each of their media is one track.
func TestBackBeforeTheServerKnew(t *testing.T) {
	t.Parallel()
	ctx := sample.Context(t)
	s, n := impaired(t, ctx, servers.LiveKitConfig{})
	there := ways(t, n, "r", "ada", "ada again", "bot")
	someone(t, ctx, s, there["ada"].URL, "r", "ada")
	l := live(t, ctx, livekit.Config{URL: there["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{})
	l.hears(0)
	there["ada"].Cut()
	ada := someone(t, ctx, s, there["ada again"].URL, "r", "ada")
	l.until("her second visit", func(frames []media.Frame, events []media.Event) bool {
		came := kind(events, media.EventJoin)
		if len(came) < 2 {
			return false
		}
		n := 0
		for _, f := range frames {
			if f.Time > came[1].Time+time.Second {
				n++
			}
		}
		return n > 100
	})
	l.stop()
	l.wait()
	_, events, tracks := l.read()
	if joins, leaves := kind(events, media.EventJoin), kind(events, media.EventLeave); len(joins) != 2 || len(leaves) != 1 {
		t.Errorf("joins %v, leaves %v", joins, leaves)
	}
	if len(tracks) != 2 || l.report.Tracks != 2 || l.report.Participants != 1 {
		t.Errorf("tracks %v, report %+v", tracks, l.report)
	}
	if heard(ada, "This is recorded.") == 0 {
		t.Error("she was told nothing")
	}
}

// A room that its server closes while the recorder joins it is joined again.
func TestJoinOfARoomThatIsClosed(t *testing.T) {
	t.Parallel()
	ctx := sample.Context(t)
	s, n := impaired(t, ctx, servers.LiveKitConfig{})
	way := ways(t, n, "r", "bot")["bot"]
	way.CutMedia() // so that it takes its time
	joined := make(chan error, 1)
	go func() {
		room, err := livekit.Join(ctx, livekit.Config{URL: way.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r", Identity: "bot"})
		if err == nil {
			err = room.Close()
		}
		joined <- err
	}()
	service := lksdk.NewRoomServiceClient(strings.Replace(s.URL, "ws", "http", 1), s.APIKey, s.APISecret)
	for {
		if _, err := service.GetParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: "r", Identity: "bot"}); err == nil {
			break
		}
		if err := pauseFor(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("the recorder does not join: %v", err)
		}
	}
	if _, err := service.DeleteRoom(ctx, &lkproto.DeleteRoomRequest{Room: "r"}); err != nil {
		t.Fatal(err)
	}
	way.MendMedia()
	if err := <-joined; err != nil {
		t.Error(err)
	}
}
