package members_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const passphrase = "what the members know"

func start(t *testing.T) (context.Context, *servers.LiveKit) {
	t.Helper()
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return ctx, s
}

func join(t *testing.T, ctx context.Context, s *servers.LiveKit, c members.Config) *members.Member {
	t.Helper()
	c.URL, c.APIKey, c.APISecret = s.URL, s.APIKey, s.APISecret
	if c.Room == "" {
		c.Room = t.Name()
	}
	m, err := members.Join(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Leave(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func TestMembersSeeEachOther(t *testing.T) {
	ctx, s := start(t)
	alice := join(t, ctx, s, members.Config{Identity: "alice"})
	token, err := auth.NewAccessToken(s.APIKey, s.APISecret).SetIdentity("bob").SetAttributes(map[string]string{"role": "guest"}).
		SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: t.Name()}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	bob := join(t, ctx, s, members.Config{Identity: "bob", Token: token})

	if got := bob.Participants(); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("bob joined and sees %q", got)
	}
	if err := alice.Wait(ctx, func() bool { return alice.Attributes("bob")["role"] == "guest" }); err != nil {
		t.Fatalf("alice does not see bob's role: %v", err)
	}
	bob.Say("hello")
	if err := alice.Wait(ctx, func() bool { return len(alice.Messages()) > 0 }); err != nil {
		t.Fatalf("alice does not get bob's message: %v", err)
	}
	if m := alice.Messages()[0]; m.From != "bob" || m.Text != "hello" {
		t.Errorf("alice got %+v", m)
	}
	if err := bob.Leave(); err != nil {
		t.Error(err)
	}
	if err := alice.Wait(ctx, func() bool { _, left, _ := alice.Seen("bob"); return !left.IsZero() }); err != nil {
		t.Fatalf("alice does not see bob go: %v", err)
	}
	if err := bob.Wait(ctx, func() bool { return false }); !errors.Is(err, members.ErrLeft) {
		t.Errorf("bob waits on after leaving: %v", err)
	}
}

// TestPublish has a subscriber open what a member sends.
func TestPublish(t *testing.T) {
	ctx, s := start(t)
	sub := subscribe(t, s, t.Name())
	m := join(t, ctx, s, members.Config{
		Identity: "alice", Passphrase: passphrase, Audio: fixtures.Speech(0), Video: fixtures.Clock(0), ScreenVideo: fixtures.Screen(),
	})
	pubs := m.Published()
	if len(pubs) != 3 {
		t.Fatalf("published %+v", pubs)
	}

	camera := sub.track(t, ctx, pubs[1].Track)
	key := func() frame.Unit {
		for {
			if u := camera.next(t, ctx); u.Key {
				return u
			}
		}
	}
	before := key()
	// Deltas follow at the pace of 20 frames a second: 4500 ticks of 90 kHz.
	const tick, loop = 4500, 40
	first := camera.next(t, ctx)
	second := camera.next(t, ctx)
	if first.Key || second.Timestamp-first.Timestamp != tick {
		t.Errorf("after a key frame came one of key %v, and the next %d ticks later", first.Key, second.Timestamp-first.Timestamp)
	}
	// A request brings a key frame before the loop does, unless that has one just then.
	asked := m.Published()[1].KeyFrameRequests
	for {
		camera.from.WritePLI(camera.remote.SSRC())
		now := key()
		if now.Timestamp-before.Timestamp < loop*tick && m.Published()[1].KeyFrameRequests > asked {
			break
		}
		before = now
	}

	mic := sub.track(t, ctx, pubs[0].Track)
	one := mic.next(t, ctx)
	if two := mic.next(t, ctx); two.Timestamp-one.Timestamp != 960 {
		t.Errorf("sound frames %d ticks apart, want 960", two.Timestamp-one.Timestamp)
	}
	screen := sub.track(t, ctx, pubs[2].Track)
	screen.next(t, ctx)

	m.Mute(true)
	sub.wait(t, ctx, "muted "+pubs[0].Track)
	m.Unmute(true)
	sub.wait(t, ctx, "unmuted "+pubs[0].Track)
	mic.next(t, ctx)

	if err := m.Unpublish(false); err != nil {
		t.Fatal(err)
	}
	sub.wait(t, ctx, "unpublished "+pubs[1].Track)
	sub.wait(t, ctx, "unpublished "+pubs[2].Track)
	if p := m.Published()[1]; p.Frames == 0 || !p.To.After(p.From) || p.KeyFrameRequests == 0 {
		t.Errorf("camera published as %+v", p)
	}
}

func TestJoinFails(t *testing.T) {
	ctx, s := start(t)
	for name, c := range map[string]members.Config{
		"bad token": {URL: s.URL, Token: "no token"},
		"bad key":   {URL: s.URL, APIKey: s.APIKey, APISecret: "not the secret of this server, but as long", Room: "r", Identity: "i"},
		"bad audio": {URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r", Identity: "i", Audio: []byte("OggS")},
	} {
		if m, err := members.Join(ctx, c); err == nil {
			t.Errorf("%s: joined", name)
			m.Leave()
		}
	}
}

// A subscriber receives and decrypts.
type subscriber struct {
	room   *lksdk.Room
	tracks chan *subscription
	seen   map[string]*subscription
	events chan string
	past   map[string]bool
}

type subscription struct {
	id     string
	remote *webrtc.TrackRemote
	from   *lksdk.RemoteParticipant
	frames chan frame.Unit
}

func subscribe(t *testing.T, s *servers.LiveKit, room string) *subscriber {
	t.Helper()
	sub := &subscriber{tracks: make(chan *subscription, 8), seen: map[string]*subscription{}, events: make(chan string, 64), past: map[string]bool{}}
	cb := lksdk.NewRoomCallback()
	keys := frame.NewKeyring(0, frame.KeyOptions{})
	if err := keys.SetPassphrase(0, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	cb.OnTrackSubscribed = func(remote *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, from *lksdk.RemoteParticipant) {
		n := &subscription{id: pub.SID(), remote: remote, from: from, frames: make(chan frame.Unit, 4096)}
		codec := media.Opus
		if remote.Kind() == webrtc.RTPCodecTypeVideo {
			codec = media.VP8
		}
		a := frame.NewAssembler(frame.AssemblerConfig{Codec: codec, SIFTrailer: sub.room.SifTrailer()})
		d := frame.NewDecrypter(codec, keys)
		sub.tracks <- n
		go n.read(t, a, d)
	}
	cb.OnTrackMuted = func(pub lksdk.TrackPublication, _ lksdk.Participant) { sub.events <- "muted " + pub.SID() }
	cb.OnTrackUnmuted = func(pub lksdk.TrackPublication, _ lksdk.Participant) { sub.events <- "unmuted " + pub.SID() }
	cb.OnTrackUnpublished = func(pub *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		sub.events <- "unpublished " + pub.SID()
	}
	sub.room = lksdk.NewRoom(cb)
	if err := sub.room.Join(s.URL, lksdk.ConnectInfo{APIKey: s.APIKey, APISecret: s.APISecret, RoomName: room, ParticipantIdentity: "subscriber"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.room.Disconnect)
	return sub
}

func (n *subscription) read(t *testing.T, a *frame.Assembler, d *frame.Decrypter) {
	defer close(n.frames)
	for {
		var p *rtp.Packet
		p, _, err := n.remote.ReadRTP()
		if err != nil {
			return
		}
		now := time.Now()
		a.Push(p, now)
		for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
			if u.Kind != frame.UnitFrame {
				continue
			}
			if u.Data, err = d.Decrypt(nil, u.Data); err != nil {
				t.Errorf("%s: %v", n.id, err)
				return
			}
			select {
			case n.frames <- u:
			default: // nobody looks any more
			}
		}
	}
}

func (n *subscription) next(t *testing.T, ctx context.Context) frame.Unit {
	t.Helper()
	select {
	case u, ok := <-n.frames:
		if !ok {
			t.Fatalf("%s has ended", n.id)
		}
		return u
	case <-ctx.Done():
		t.Fatalf("%s: no frame came", n.id)
		panic("unreachable")
	}
}

func (sub *subscriber) track(t *testing.T, ctx context.Context, id string) *subscription {
	t.Helper()
	for sub.seen[id] == nil {
		select {
		case n := <-sub.tracks:
			sub.seen[n.id] = n
		case <-ctx.Done():
			t.Fatalf("track %s did not come", id)
		}
	}
	return sub.seen[id]
}

func (sub *subscriber) wait(t *testing.T, ctx context.Context, event string) {
	t.Helper()
	for !sub.past[event] {
		select {
		case e := <-sub.events:
			sub.past[e] = true
		case <-ctx.Done():
			t.Fatalf("%q did not happen", event)
		}
	}
}
