package livekit_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const passphrase = "correct horse"

func server(t *testing.T) (*servers.LiveKit, context.Context) {
	t.Helper()
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s, ctx
}

func member(t *testing.T, ctx context.Context, s *servers.LiveKit, identity string, n int) *members.Member {
	t.Helper()
	m, err := members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret,
		Room: "r", Identity: identity, Name: strings.ToUpper(identity), Passphrase: passphrase,
		Audio: fixtures.Speech(n), Video: fixtures.Clock(n)})
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

func join(t *testing.T, ctx context.Context, s *servers.LiveKit) *livekit.Room {
	t.Helper()
	r, err := livekit.Join(ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r",
		Identity: "bot", Name: "The recorder", Attributes: map[string]string{"sealtape.state": "recording"},
		Passphrase: []byte(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// next accepts events until one fits.
func next(t *testing.T, ctx context.Context, r *livekit.Room, fits func(recorder.RoomEvent) bool) recorder.RoomEvent {
	t.Helper()
	for {
		e, err := r.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if fits(e) {
			return e
		}
	}
}

func is(typ media.EventType, identity string) func(recorder.RoomEvent) bool {
	return func(e recorder.RoomEvent) bool { return e.Type == typ && e.Participant == identity }
}

func TestRoom(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	ada := member(t, ctx, s, "ada", 0)
	r := join(t, ctx, s)
	if r.Name() != "r" {
		t.Errorf("the room is named %q", r.Name())
	}
	next(t, ctx, r, is(media.EventJoin, "ada"))

	const said = "This is recorded."
	if err := r.Announce(ctx, said); err != nil {
		t.Fatal(err)
	}
	// By the time Announce returns, and so before any media, the member has
	// the recorder in its list and the message in its chat.
	if !slices.Contains(ada.Participants(), "bot") || ada.Attributes("bot")["sealtape.state"] != "recording" {
		t.Errorf("ada sees %q with %v", ada.Participants(), ada.Attributes("bot"))
	}
	heard := func(m *members.Member, text string) func() bool {
		return func() bool {
			return slices.ContainsFunc(m.Messages(), func(x members.Message) bool { return x.Text == text && x.From == "bot" })
		}
	}
	if !heard(ada, said)() {
		t.Errorf("ada was told %v", ada.Messages())
	}

	tracks := make(map[media.Source]recorder.Track)
	ids := make(map[string]media.Source)
	for len(tracks) < 2 {
		e := next(t, ctx, r, is(media.EventTrack, "ada"))
		info := e.Track.Info()
		tracks[info.Source], ids[info.ID] = e.Track, info.Source
		if info.Participant != "ada" || info.Name != "ADA" || !info.Encrypted || len(info.SIFTrailer) == 0 {
			t.Errorf("track is %+v", info)
		}
	}
	if mic, cam := tracks[media.Microphone].Info(), tracks[media.Camera].Info(); mic.Codec != media.Opus || mic.ClockRate != 48000 ||
		mic.Channels != 2 || cam.Codec != media.VP8 || cam.ClockRate != 90000 || cam.Channels != 0 {
		t.Errorf("tracks are %+v and %+v", mic, cam)
	}
	var readers sync.WaitGroup
	defer readers.Wait()
	reports := make(chan recorder.SenderReport, 64)
	packets := make(chan struct{}, 1)
	for _, tr := range tracks {
		readers.Go(func() {
			for {
				p, err := tr.Read()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("reading %s: %v", tr.Info().Source, err)
					}
					return
				}
				for _, sr := range p.Reports {
					select {
					case reports <- sr:
					default:
					}
				}
				select {
				case packets <- struct{}{}:
				default:
				}
			}
		})
	}
	<-packets
	for range 2 {
		select {
		case sr := <-reports:
			if d := time.Since(sr.NTP).Abs(); d > time.Minute {
				t.Errorf("a sender report is %v from now", d)
			}
		case <-ctx.Done():
			t.Fatal("no sender report")
		}
	}

	before := ada.Published()
	// The server passes on one request a second at most, its own included.
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for keyRequests(ada) <= keyRequestsOf(before) {
		tracks[media.Camera].RequestKeyFrame()
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal("no request for a key frame arrived")
		}
	}

	ada.Mute(true)
	if e := next(t, ctx, r, is(media.EventMute, "ada")); ids[e.TrackID] != media.Microphone {
		t.Errorf("muted %q", e.TrackID)
	}
	ada.Unmute(true)
	next(t, ctx, r, is(media.EventUnmute, "ada"))

	ben := member(t, ctx, s, "ben", 1)
	next(t, ctx, r, is(media.EventJoin, "ben"))
	next(t, ctx, r, is(media.EventTrack, "ben"))
	if err := ben.Wait(ctx, heard(ben, said)); err != nil {
		t.Errorf("ben, who came later, was told %v", ben.Messages())
	}
	if err := r.Announce(ctx, "It is over."); err != nil {
		t.Fatal(err)
	}
	if err := ada.Wait(ctx, heard(ada, "It is over.")); err != nil {
		t.Errorf("ada was told %v", ada.Messages())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	readers.Wait()
}

func keyRequests(m *members.Member) int { return keyRequestsOf(m.Published()) }

func keyRequestsOf(p []members.Publication) (n int) {
	for _, p := range p {
		n += p.KeyFrameRequests
	}
	return n
}

// The recorder does not keep a room open: when the last member has left, it
// ends, and Accept says so.
func TestRoomEndsWhenTheMembersAreGone(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	ada := member(t, ctx, s, "ada", 0)
	r := join(t, ctx, s)
	if err := r.Announce(ctx, "This is recorded."); err != nil {
		t.Fatal(err)
	}
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	for {
		e, err := r.Accept(ctx)
		if errors.Is(err, recorder.ErrEnded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Track != nil {
			go drain(e.Track)
		}
	}
}

func drain(t recorder.Track) {
	for {
		if _, err := t.Read(); err != nil {
			return
		}
	}
}

func TestJoinErrors(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	good := livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r", Identity: "bot"}
	wrong := good
	wrong.APISecret = "not-the-secret-of-this-server-at-all"
	if _, err := livekit.Join(ctx, wrong); !errors.Is(err, livekit.ErrUnauthorized) {
		t.Errorf("wrong secret: %v", err)
	}
	nobody := good
	nobody.URL = "ws://127.0.0.1:1"
	if _, err := livekit.Join(ctx, nobody); !errors.Is(err, livekit.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := livekit.Join(done, good); err == nil {
		t.Error("joined although the context was over")
	}
}
