package livekit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/network"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A life is a recording of a real room, kept in memory, from the beginning to
// the end.
type life struct {
	t      *testing.T
	ctx    context.Context
	rec    *recorder.Recorder
	stop   context.CancelFunc
	done   chan struct{}
	report recorder.Report

	mu       sync.Mutex
	trailers map[string]bool // of the frames that servers inject
	segments [][]byte
	grown    chan struct{} // closed and replaced with each segment
}

// Create implements recorder.Sink.
func (l *life) Create(k recorder.Kind) (recorder.Object, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &lifeObject{l: l, kind: k, n: len(l.segments)}, nil
}

type lifeObject struct {
	bytes.Buffer
	l    *life
	kind recorder.Kind
	n    int
}

func (o *lifeObject) Number() int  { return o.n }
func (o *lifeObject) Epoch() int   { return 1 }
func (o *lifeObject) Abort() error { return nil }
func (o *lifeObject) Commit() error {
	if o.kind == recorder.Segment {
		o.l.mu.Lock()
		o.l.segments = append(o.l.segments, o.Bytes())
		close(o.l.grown)
		o.l.grown = make(chan struct{})
		o.l.mu.Unlock()
	}
	return nil
}

// live joins and begins to record.
func live(t *testing.T, ctx context.Context, c livekit.Config, rc recorder.Config) *life {
	t.Helper()
	if c.Keys == nil {
		c.Passphrase = []byte(passphrase)
	}
	if c.Identity == "" {
		c.Identity = "bot"
	}
	room, err := livekit.Join(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	l := &life{t: t, ctx: ctx, stop: stop, done: make(chan struct{}), grown: make(chan struct{}), trailers: make(map[string]bool)}
	if rc.Keys = c.Keys; rc.Keys == nil {
		keys := frame.NewKeyring(0, frame.KeyOptions{})
		if err := keys.SetPassphrase(0, []byte(passphrase)); err != nil {
			t.Fatal(err)
		}
		rc.Keys = recorder.SharedKeys(keys)
	}
	rc.Recording, rc.Sink, rc.Segment = "LIFE", l, time.Second
	rc.Announcement = "This is recorded."
	l.rec = recorder.New(rc)
	go func() {
		defer close(l.done)
		var err error
		if l.report, err = l.rec.Record(run, spy{room, l}); err != nil {
			t.Errorf("Record: %v", err)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-l.done
	})
	return l
}

// A spy notes what a room says of its tracks.
type spy struct {
	*livekit.Room
	l *life
}

func (s spy) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := s.Room.Accept(ctx)
	if e.Track != nil {
		s.l.mu.Lock()
		s.l.trailers[string(e.Track.Info().SIFTrailer)] = true
		s.l.mu.Unlock()
	}
	return e, err
}

// read parses what was committed so far.
func (l *life) read() (frames []media.Frame, events []media.Event, tracks map[uint64]media.Track) {
	l.t.Helper()
	l.mu.Lock()
	segments := slices.Clone(l.segments)
	l.mu.Unlock()
	tracks = make(map[uint64]media.Track)
	for i, s := range segments {
		r, err := matroska.NewReader(bytes.NewReader(s))
		if err != nil {
			l.t.Fatalf("segment %d: %v", i, err)
		}
		for _, tr := range r.Header().Tracks {
			tracks[tr.UID] = tr
		}
		for {
			b, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				l.t.Fatalf("segment %d: %v", i, err)
			}
			if b.Event != nil {
				events = append(events, *b.Event)
			} else {
				frames = append(frames, b.Frame)
			}
		}
	}
	return frames, events, tracks
}

// until waits until what is committed is as wanted.
func (l *life) until(what string, fits func(frames []media.Frame, events []media.Event) bool) {
	l.t.Helper()
	for {
		l.mu.Lock()
		grown := l.grown
		l.mu.Unlock()
		frames, events, _ := l.read()
		if fits(frames, events) {
			return
		}
		select {
		case <-grown:
		case <-l.done:
			l.t.Fatalf("the recording ended (%s) before %s: %v", l.report.Reason, what, events)
		case <-l.ctx.Done():
			l.t.Fatalf("no %s: %v", what, events)
		}
	}
}

// wait waits until the recording is over.
func (l *life) wait() {
	l.t.Helper()
	select {
	case <-l.done:
	case <-l.ctx.Done():
		_, events, _ := l.read()
		l.t.Fatalf("the recording does not end: %v", events)
	}
}

func kind(events []media.Event, typ media.EventType) (out []media.Event) {
	for _, e := range events {
		if e.Type == typ {
			out = append(out, e)
		}
	}
	return out
}

// after counts the frames of a track from a recording time on.
func after(frames []media.Frame, uid uint64, at time.Duration) (n int) {
	for _, f := range frames {
		if f.Track == uid && f.Time >= at {
			n++
		}
	}
	return n
}

// hears waits until some of each of two tracks was kept, after the last of n
// reconnects.
func (l *life) hears(n int) {
	l.t.Helper()
	l.until("media of both tracks", func(frames []media.Frame, events []media.Event) bool {
		came := kind(events, media.EventReconnect)
		if len(came) < n {
			return false
		}
		var at time.Duration
		if n > 0 {
			at = came[n-1].Time
		}
		return after(frames, 1, at) > 10 && after(frames, 2, at) > 10
	})
}

// check holds the recording of ada to its promises: two tracks that go on, no
// join or leave that was none, and where nothing was kept for longer than
// tolerated, a declared hole.
func (l *life) check(reason string) (reconnects []media.Event) {
	l.t.Helper()
	frames, events, tracks := l.read()
	others := func(participant string) bool { return participant != "ada" }
	maps.DeleteFunc(tracks, func(_ uint64, tr media.Track) bool { return others(tr.Participant) })
	if len(tracks) != 2 {
		l.t.Errorf("%d tracks, want two that go on: %v", len(tracks), tracks)
	}
	of := func(typ media.EventType) []media.Event {
		return slices.DeleteFunc(kind(events, typ), func(e media.Event) bool { return others(e.Participant) })
	}
	if joins, leaves := of(media.EventJoin), of(media.EventLeave); len(joins) != 1 || len(leaves) != 0 {
		l.t.Errorf("joins %v, leaves %v", joins, leaves)
	}
	const tolerated = 500 * time.Millisecond
	gaps := kind(events, media.EventGap)
	for uid, tr := range tracks {
		end := time.Duration(-1)
		for _, f := range frames {
			if f.Track != uid {
				continue
			}
			if end >= 0 && f.Time-end > tolerated {
				missing := f.Time - end
				for _, g := range gaps {
					if g.Track == uid {
						missing -= max(0, min(g.To, f.Time)-max(g.From, end))
					}
				}
				if missing > tolerated {
					l.t.Errorf("%s: nothing from %v to %v, of which %v are not declared: %v", tr.Label(), end, f.Time, missing, gaps)
				}
			}
			end = f.Time
		}
	}
	for _, g := range gaps {
		if !others(g.Participant) && g.To-g.From > 2*time.Second && reason != "" && g.Reason != reason {
			l.t.Errorf("a hole from %v to %v has the reason %s, want %s", g.From, g.To, g.Reason, reason)
		}
	}
	return kind(events, media.EventReconnect)
}

// noticed holds a recorder that came back to its word: a member who never saw it
// is not received before they had the time to.
func (l *life) noticed(identity string, back time.Duration) {
	l.t.Helper()
	frames, _, tracks := l.read()
	for _, f := range frames {
		if tracks[f.Track].Participant == identity {
			if f.Time < back+3*time.Second {
				l.t.Errorf("%s was received at %v, the recorder came back at %v", identity, f.Time, back)
			}
			return
		}
	}
	l.t.Errorf("%s was not received", identity)
}

func someone(t *testing.T, ctx context.Context, s *servers.LiveKit, url, room, identity string) *members.Member {
	t.Helper()
	m, err := members.Join(ctx, members.Config{URL: url, APIKey: s.APIKey, APISecret: s.APISecret,
		Room: room, Identity: identity, Name: strings.ToUpper(identity), Passphrase: passphrase,
		Audio: fixtures.Speech(0), Video: fixtures.Clock(0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Leave() }) // its server may be gone
	return m
}

func heard(m *members.Member, text string) (n int) {
	for _, x := range m.Messages() {
		if x.Text == text && x.From == "bot" {
			n++
		}
	}
	return n
}

// shortToken makes a token that is good for 5 s.
func shortToken(t *testing.T, s *servers.LiveKit, room, identity string) string {
	t.Helper()
	grant := &auth.VideoGrant{RoomJoin: true, Room: room, Recorder: true}
	grant.SetCanPublishData(true)
	token, err := auth.NewAccessToken(s.APIKey, s.APISecret).SetVideoGrant(grant).SetIdentity(identity).SetValidFor(5 * time.Second).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// The server dies and comes back, as another room under the same name, with
// another trailer. The token of before has expired.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
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
	tokens := livekit.Config{URL: s.URL, Room: "r", TokenFunc: func(context.Context) (string, error) {
		asked.Add(1)
		return shortToken(t, s, "r", "bot"), nil
	}}
	l := live(t, ctx, tokens, recorder.Config{})
	// These two have no way back: one has but a token that expires, the other
	// was told not to try.
	expired := live(t, ctx, livekit.Config{URL: s.URL, Token: shortToken(t, s, "r-2", "bot")}, recorder.Config{})
	never := live(t, ctx, livekit.Config{URL: s.URL, Room: "r-3", APIKey: s.APIKey, APISecret: s.APISecret, Rejoin: -1}, recorder.Config{})
	// This one is stopped while it is away.
	stopped := live(t, ctx, livekit.Config{URL: s.URL, Room: "r-4", APIKey: s.APIKey, APISecret: s.APISecret}, recorder.Config{})
	l.hears(0)
	expired.hears(0)
	never.hears(0)
	stopped.hears(0)
	crashed := time.Now()
	if err := s.Crash(); err != nil {
		t.Fatal(err)
	}
	stopped.until("word of the loss", func(_ []media.Frame, events []media.Event) bool { return len(kind(events, media.EventLost)) == 1 })
	stopped.stop()
	stopped.wait()
	if r := stopped.report; r.Reason != "stopped" || r.Holes[media.GapReconnect] == 0 {
		t.Errorf("a recorder that was stopped while it was away: %+v", r)
	}
	if err := pauseFor(ctx, time.Until(crashed.Add(6*time.Second))); err != nil { // the tokens' life
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
	if came := l.check(media.GapReconnect); len(came) != 1 || came[0].Reason != media.ReconnectRejoin || came[0].To-came[0].From < 5*time.Second {
		t.Errorf("reconnects: %v", came)
	}
	if !l.report.Incomplete || l.report.Holes[media.GapReconnect] < 10*time.Second { // of two tracks
		t.Errorf("report: %+v", l.report)
	}
	expired.wait()
	if err := expired.report.Cause; !errors.Is(err, livekit.ErrLost) || !errors.Is(err, livekit.ErrToken) {
		t.Errorf("a recorder whose token expired ended with %v", err)
	}
	never.wait()
	if err := never.report.Cause; !errors.Is(err, livekit.ErrLost) || never.report.Holes[media.GapReconnect] > 0 {
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
func impaired(t *testing.T, ctx context.Context) (*servers.LiveKit, *network.Network) {
	t.Helper()
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{Relayed: true, Progress: func(line string) { t.Log(line) }})
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

// The recorder's network is cut, for all but the server's own life of a member.
func TestCut(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	s, n := impaired(t, ctx)
	cut := func(way *network.Client) { way.Cut() }
	mend := func(way *network.Client) { way.Mend() }
	// All at the same time, in order of their ends: it is mostly waiting.
	tests := []struct {
		name  string
		lasts time.Duration
		cut   func(way *network.Client)
		mend  func(way *network.Client)
		// reason is that of the hole, how is how the recorder came back: "" if it
		// did not notice that it was gone, "either" if that is up to the server.
		reason, how string
	}{
		// The connection of the signalling breaks, media flows.
		{"signal", 0, func(way *network.Client) { way.Reset() }, func(*network.Client) {}, "", media.ReconnectResume},
		{"2 s", 2 * time.Second, cut, mend, media.GapLoss, ""},
		// It breaks and cannot be mended in time: the connection is given up while
		// the SDK still waits to resume it. Ben comes meanwhile.
		{"signal for long", 13 * time.Second, func(way *network.Client) {
			way.CutSignal()
			way.Reset()
		}, func(way *network.Client) { way.MendSignal() }, media.GapReconnect, media.ReconnectRejoin},
		{"20 s", 20 * time.Second, cut, mend, media.GapReconnect, "either"},
	}
	lives := make([]*life, len(tests))
	there := make([]map[string]*network.Client, len(tests))
	before := make([]time.Duration, len(tests))
	for i, tt := range tests {
		there[i] = ways(t, n, tt.name, "ada", "ben", "bot")
		someone(t, ctx, s, there[i]["ada"].URL, tt.name, "ada")
		lives[i] = live(t, ctx, livekit.Config{URL: there[i]["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: tt.name}, recorder.Config{})
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
			if tt.how == "" && len(came) != 0 || tt.how != "" && (len(came) != 1 || tt.how != "either" && came[0].Reason != tt.how) {
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
		{name: "left", grace: -1, end: func(_ *testing.T, _ string, ada *members.Member) error {
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
		Attributes: map[string]string{"sealtape.state": "recording"}}, recorder.Config{PauseNotice: "It is paused.", ResumeNotice: "It goes on."})
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
	for _, f := range frames {
		if f.Time >= from && f.Time < to {
			t.Errorf("a frame of %v was kept, in the pause from %v to %v", f.Time, from, to)
		}
	}
	if l.report.Holes[media.GapPaused] == 0 {
		t.Errorf("holes: %v", l.report.Holes)
	}
}
