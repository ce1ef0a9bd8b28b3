package livekit_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/network"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// The server dies and comes back, as another room under the same name, with
// another trailer. The token of before has expired.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{EmptyTimeout: time.Minute, DepartureTimeout: time.Minute,
		Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	ada := someone(t, ctx, s, s.URL, "r", "ada")
	someone(t, ctx, s, s.URL, "r-2", "ada")
	someone(t, ctx, s, s.URL, "r-3", "ada")
	someone(t, ctx, s, s.URL, "r-4", "ada")
	var asked atomic.Int32
	tokens := livekit.Config{URL: s.URL, Room: "r", Resume: soon, TokenFunc: func(context.Context) (string, error) {
		asked.Add(1)
		return shortToken(t, s, "r", "bot"), nil
	}}
	l := live(t, ctx, tokens, recorder.Config{})
	// This one's token expires, but the server gives it others.
	expired := live(t, ctx, livekit.Config{URL: s.URL, Resume: soon, Token: shortToken(t, s, "r-2", "bot")}, recorder.Config{})
	// This one was told not to try.
	never := live(t, ctx, livekit.Config{URL: s.URL, Room: "r-3", APIKey: s.APIKey, APISecret: s.APISecret, Resume: soon, Rejoin: recorder.Never}, recorder.Config{})
	// This one is stopped while it is away.
	stopped := live(t, ctx, livekit.Config{URL: s.URL, Room: "r-4", APIKey: s.APIKey, APISecret: s.APISecret}, recorder.Config{})
	l.hears(0)
	expired.hears(0)
	never.hears(0)
	stopped.hears(0)
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	lost := func(_ []media.Frame, events []media.Event) bool { return len(kind(events, media.EventLost)) == 1 }
	stopped.until("word of the loss", lost)
	stopped.stop()
	stopped.wait()
	if r := stopped.report; r.Reason != "stopped" || r.Holes[media.HoleReconnect] == 0 {
		t.Errorf("a recorder that was stopped while it was away: %+v", r)
	}
	l.until("word of the loss", lost)
	if err := pauseFor(ctx, 6*time.Second); err != nil { // the tokens' life
		t.Fatal(err)
	}
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	l.hears(1)
	l.mu.Lock()
	if len(l.trailers) != 2 || l.trailers[""] {
		t.Errorf("the trailers of the two servers: %v", l.trailers)
	}
	l.mu.Unlock()
	if n := asked.Load(); n < 2 {
		t.Errorf("asked for %d tokens", n)
	}
	if err := ada.Wait(ctx, func() bool { return heard(ada, "This is recorded.") >= 2 }); err != nil {
		t.Errorf("ada was told %v", ada.Messages())
	}
	l.stop()
	l.wait()
	if came := l.check(media.HoleReconnect); len(came) != 1 || came[0].Reason != media.ReconnectRejoin || came[0].To-came[0].From < 5*time.Second {
		t.Errorf("reconnects: %v", came)
	}
	if !l.report.Incomplete || l.report.Holes[media.HoleReconnect] < 10*time.Second { // of two tracks
		t.Errorf("report: %+v", l.report)
	}
	expired.hears(1)
	expired.stop()
	expired.wait()
	if expired.report.Cause != nil {
		t.Errorf("a recorder whose token expired ended with %v", expired.report.Cause)
	}
	never.wait()
	if err := never.report.Cause; !errors.Is(err, livekit.ErrLost) || never.report.Holes[media.HoleReconnect] > 0 {
		t.Errorf("a recorder that is not to come back ended with %v, holes %v", err, never.report.Holes)
	}
}

func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// impaired starts a server behind a network that can be cut.
func impaired(t *testing.T, ctx context.Context, c servers.LiveKitConfig) (*servers.LiveKit, *network.Network) {
	t.Helper()
	sample.Live(t)
	c.Relayed, c.Progress = true, func(line string) { t.Log(line) }
	s, err := servers.StartLiveKit(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	n, err := network.Start(network.Config{Server: s.URL, Media: s.Media, Relay: s.Relay})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, n
}

// ways opens a way into a room for each of those who go there.
func ways(t *testing.T, n *network.Network, room string, who ...string) map[string]*network.Client {
	t.Helper()
	ways := make(map[string]*network.Client)
	for _, who := range who {
		var err error
		if ways[who], err = n.Client(room + "/" + who); err != nil {
			t.Fatal(err)
		}
	}
	return ways
}

// soon is a time to resume in that a test can wait for.
const soon = 3 * time.Second

// The recorder's network is cut, for all but the server's own life of a member.
// The longest cut outlasts the time for which the server keeps a member.
func TestCut(t *testing.T) {
	t.Parallel()
	ctx := sample.Context(t)
	s, n := impaired(t, ctx, servers.LiveKitConfig{})
	cut := func(way *network.Client) { way.Cut() }
	mend := func(way *network.Client) { way.Mend() }
	// All at the same time, in order of their ends: it is mostly waiting.
	type test struct {
		name   string
		lasts  time.Duration
		cut    func(way *network.Client)
		mend   func(way *network.Client)
		resume time.Duration
		// reason is that of the hole, how is how the recorder came back: "" if it
		// did not notice that it was gone, "either" if that is up to the server.
		reason, how string
	}
	tests := []test{
		// The connection of the signalling breaks, media flows.
		{"signal", 0, func(way *network.Client) { way.Reset() }, func(*network.Client) {}, time.Hour, "", media.ReconnectResume},
		{"2 s", 2 * time.Second, cut, mend, time.Hour, media.HoleLoss, ""},
		// It breaks and cannot be mended in time: the connection is given up while
		// the SDK still waits to resume it. Ben comes meanwhile.
		{"signal for long", soon + time.Second, func(way *network.Client) {
			way.CutSignal()
			way.Reset()
		}, func(way *network.Client) { way.MendSignal() }, soon, media.HoleReconnect, media.ReconnectRejoin},
	}
	if sample.All() {
		tests = append(tests, test{"20 s", 20 * time.Second, cut, mend, soon, media.HoleReconnect, "either"})
	}
	lives := make([]*life, len(tests))
	there := make([]map[string]*network.Client, len(tests))
	before := make([]time.Duration, len(tests))
	for i, tt := range tests {
		there[i] = ways(t, n, tt.name, "ada", "ben", "bot")
		someone(t, ctx, s, there[i]["ada"].URL, tt.name, "ada")
		lives[i] = live(t, ctx, livekit.Config{URL: there[i]["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: tt.name, Resume: tt.resume}, recorder.Config{})
	}
	for _, l := range lives {
		l.hears(0)
	}
	for i, tt := range tests {
		frames, _, _ := lives[i].read()
		before[i] = frames[len(frames)-1].Time
		tt.cut(there[i]["bot"])
	}
	start := time.Now()
	for i, tt := range tests {
		if tt.how == media.ReconnectRejoin {
			someone(t, ctx, s, there[i]["ben"].URL, tt.name, "ben")
		}
		if err := pauseFor(ctx, time.Until(start.Add(tt.lasts))); err != nil {
			t.Fatal(err)
		}
		tt.mend(there[i]["bot"])
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := lives[i]
			if tt.how == media.ReconnectRejoin {
				l.until("ben's media", func(frames []media.Frame, _ []media.Event) bool { return after(frames, 3, 0) > 10 })
			}
			if tt.how != "" {
				l.hears(1)
			} else {
				l.until("media after the cut", func(frames []media.Frame, _ []media.Event) bool {
					return after(frames, 1, before[i]+4*time.Second) > 10 && after(frames, 2, before[i]+4*time.Second) > 10
				})
			}
			l.stop()
			l.wait()
			came := l.check(tt.reason)
			// A signalling connection that was just made anew may break once more.
			again := len(came) > 1 && (tt.how != media.ReconnectRejoin || came[1].Reason != media.ReconnectResume || len(came) > 2)
			if tt.how == "" && len(came) != 0 || tt.how != "" && (len(came) == 0 || again || tt.how != "either" && came[0].Reason != tt.how) {
				t.Errorf("reconnects: %v", came)
			} else if tt.how == media.ReconnectRejoin {
				l.noticed("ben", came[0].To)
			}
			t.Logf("came back %v, holes %v", came, l.report.Holes)
		})
	}
}

// What the server says at the end decides whether the recorder comes back.
func TestEnds(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	service := lksdk.NewRoomServiceClient(strings.Replace(s.URL, "ws", "http", 1), s.APIKey, s.APISecret)
	tests := []struct {
		name   string
		grace  time.Duration
		end    func(t *testing.T, room string, ada *members.Member) error
		cause  error
		reason string
	}{
		{name: "deleted", end: func(_ *testing.T, room string, _ *members.Member) error {
			_, err := service.DeleteRoom(ctx, &lkproto.DeleteRoomRequest{Room: room})
			return err
		}, cause: recorder.ErrEnded, reason: "deleted"},
		{name: "removed", end: func(_ *testing.T, room string, _ *members.Member) error {
			_, err := service.RemoveParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: room, Identity: "bot"})
			return err
		}, cause: livekit.ErrRemoved, reason: "removed"},
		{name: "replaced", end: func(t *testing.T, room string, _ *members.Member) error {
			someone(t, ctx, s, s.URL, room, "bot")
			return nil
		}, cause: livekit.ErrReplaced, reason: "identity"},
		{name: "left", grace: 1, end: func(_ *testing.T, _ string, ada *members.Member) error {
			return ada.Leave()
		}, reason: "everybody has left"},
	}
	lives := make([]*life, len(tests))
	adas := make([]*members.Member, len(tests))
	for i, tt := range tests {
		adas[i] = someone(t, ctx, s, s.URL, tt.name, "ada")
		lives[i] = live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: tt.name}, recorder.Config{Grace: tt.grace})
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := lives[i]
			l.hears(0)
			if err := tt.end(t, tt.name, adas[i]); err != nil {
				t.Fatal(err)
			}
			l.wait()
			if !errors.Is(l.report.Cause, tt.cause) || !strings.Contains(l.report.Reason, tt.reason) {
				t.Errorf("ended with %q, %v", l.report.Reason, l.report.Cause)
			}
			if _, events, _ := l.read(); len(kind(events, media.EventLost)) != 0 || len(kind(events, media.EventStop)) != 1 {
				t.Errorf("the timeline: %v", events)
			}
		})
	}
}

// The members see the state, and hear of it.
func TestPauseIsSeen(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	ada := someone(t, ctx, s, s.URL, "r", "ada")
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r",
		Attributes: map[string]string{"sealtape.state": "recording"}}, recorder.Config{Notices: recorder.Notices{Paused: "It is paused.", Resumed: "It goes on."}})
	l.hears(0)
	sees := func(state, text string) {
		t.Helper()
		if err := ada.Wait(ctx, func() bool { return ada.Attributes("bot")["sealtape.state"] == state && heard(ada, text) == 1 }); err != nil {
			t.Fatalf("ada sees %v and was told %v", ada.Attributes("bot"), ada.Messages())
		}
	}
	if err := l.rec.Pause(ctx, "asked to"); err != nil {
		t.Fatal(err)
	}
	sees("paused", "It is paused.")
	ben := someone(t, ctx, s, s.URL, "r", "ben")
	if err := ben.Wait(ctx, func() bool { return heard(ben, "This is recorded.") == 1 && heard(ben, "It is paused.") == 1 }); err != nil {
		t.Errorf("ben, who came in the pause, was told %v", ben.Messages())
	}
	if err := l.rec.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	sees("recording", "It goes on.")
	l.until("media after the pause", func(frames []media.Frame, events []media.Event) bool {
		on := kind(events, media.EventResume)
		return len(on) == 1 && after(frames, 1, on[0].Time) > 10 && after(frames, 2, on[0].Time) > 10
	})
	l.stop()
	l.wait()
	frames, events, _ := l.read()
	from, to := kind(events, media.EventPause)[0].Time, kind(events, media.EventResume)[0].Time
	// What came just before the pause may be placed a little later than it came, and what came
	// just after it a little earlier.
	for _, f := range frames {
		if f.Time >= from+20*time.Millisecond && f.Time < to-20*time.Millisecond {
			t.Errorf("a frame of %v was kept, in the pause from %v to %v", f.Time, from, to)
		}
	}
	if l.report.Holes[media.HolePaused] == 0 {
		t.Errorf("holes: %v", l.report.Holes)
	}
}
