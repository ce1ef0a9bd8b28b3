package livekit_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
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
	sink   roomtest.Sink

	mu       sync.Mutex
	trailers map[string]bool // of the frames that servers inject
	grown    chan struct{}   // closed and replaced with each segment
}

// hasGrown wakes whoever waits for another segment.
func (l *life) hasGrown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.grown)
	l.grown = make(chan struct{})
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
	l.sink.OnSegment = l.hasGrown
	rc.Recording, rc.Sink, rc.Segment = "LIFE", &l.sink, time.Second
	rc.Notices.Start = "This is recorded."
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
	frames, events, tracks, err := l.sink.Read()
	if err != nil {
		l.t.Fatal(err)
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
	holes := kind(events, media.EventHole)
	for uid, tr := range tracks {
		end := time.Duration(-1)
		for _, f := range frames {
			if f.Track != uid {
				continue
			}
			if end >= 0 && f.Time-end > tolerated {
				missing := f.Time - end
				for _, g := range holes {
					if g.Track == uid {
						missing -= max(0, min(g.To, f.Time)-max(g.From, end))
					}
				}
				if missing > tolerated {
					l.t.Errorf("%s: nothing from %v to %v, of which %v are not declared: %v", tr.Label(), end, f.Time, missing, holes)
				}
			}
			end = f.Time
		}
	}
	for _, g := range holes {
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
