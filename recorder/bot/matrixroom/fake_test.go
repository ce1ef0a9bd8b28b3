package matrixroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/token"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// set sets a string of a type that only mautrix has.
func set[T ~string](to *T, s string) { *to = T(s) }

// caller returns a member of a call, by a state event.
func caller(name, device string, services ...string) matrix.Caller {
	var c matrix.Caller
	set(&c.User, "@"+name+":hs")
	set(&c.Device, device)
	set(&c.Master, "master of "+name)
	c.Name, c.Services, c.Standing = name, services, matrix.Signed
	c.Since = time.Now()
	c.Identities = []string{identityOf(c), "hash of " + identityOf(c)}
	return c
}

// A fakeCall is a call that a test plays.
type fakeCall struct {
	config  matrix.CallConfig
	failing chan error // of Run

	mu        sync.Mutex // see alter
	here      []matrix.Caller
	did       []string // by the recorder, in order
	entered   bool
	deaf      string // a user who joined the room later
	unwatched bool   // the homeserver has no delayed events
	gagged    error
	sticky    error            // why it is a member by a sticky event
	tokens    map[string]error // by service, why there is none
}

// alter has a test change what the call is like, beside the room, which looks at it.
func (c *fakeCall) alter(change func(c *fakeCall)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *fakeCall) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did = append(c.did, fmt.Sprintf(format, args...))
}

func (c *fakeCall) done() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.did)
}

func (c *fakeCall) Run(ctx context.Context) error {
	select {
	case err := <-c.failing:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *fakeCall) Members() []matrix.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.here)
}

func (c *fakeCall) Enter(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.here) == 0 {
		return matrix.ErrNobody
	}
	c.entered = true
	c.did = append(c.did, "enter")
	return nil
}

func (c *fakeCall) Leave(context.Context) error {
	c.note("leave")
	return nil
}

func (c *fakeCall) Own() (m rtc.Member, identity string, entered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.Services, m.Sticky = []string{"https://one.hs/jwt"}, c.sticky != nil
	return m, "own hash", c.entered
}

func (c *fakeCall) StickyOnly() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sticky
}

func (c *fakeCall) Token(_ context.Context, service string) (token.Token, error) {
	c.note("token of %s", service)
	c.mu.Lock()
	defer c.mu.Unlock()
	return token.Token{URL: "wss" + service[len("https"):], JWT: "jwt", Identity: "own hash"}, c.tokens[service]
}

func (c *fakeCall) Key() (int, []byte) { return 0, []byte("0123456789abcdef") }

func (c *fakeCall) Notice(_ context.Context, text string) (string, error) {
	c.note("notice %s", text)
	return "$" + text, c.MayNotice()
}

func (c *fakeCall) MayNotice() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gagged
}

func (c *fakeCall) heard(m matrix.Caller) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(m.User) != c.deaf
}

func (c *fakeCall) Watched() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.unwatched
}

func (c *fakeCall) SetName(_ context.Context, name string) error {
	c.note("name %s", name)
	return nil
}

// tell has something happen.
func (c *fakeCall) tell(kind matrix.CallEventKind, who matrix.Caller, change ...func(*matrix.CallEvent)) {
	e := matrix.CallEvent{At: time.Now(), Kind: kind, Caller: who}
	for _, f := range change {
		f(&e)
	}
	c.mu.Lock()
	same := func(m matrix.Caller) bool { return m.User == who.User && m.Device == who.Device }
	switch kind {
	case matrix.Came, matrix.Changed, matrix.Left, matrix.Stood:
		c.here = slices.DeleteFunc(c.here, same)
		if kind != matrix.Left {
			c.here = append(c.here, who)
		}
	}
	c.mu.Unlock()
	c.config.OnEvent(e)
}

// A fakeSFU is a LiveKit room that a test plays.
type fakeSFU struct {
	*roomtest.Room
	config livekit.Config
	roster *recorder.Roster

	mu         sync.Mutex
	told       []string
	sent       []string
	reviewed   []string
	publishing []string
	away       bool
	gagged     bool
	why        error // of its end
	once       sync.Once
}

func (s *fakeSFU) Roster() *recorder.Roster        { return s.roster }
func (s *fakeSFU) Identity() string                { return "own hash" }
func (s *fakeSFU) SID() string                     { return "RM_" + s.config.URL }
func (s *fakeSFU) SetAttributes(map[string]string) {}
func (s *fakeSFU) RoundTrip() time.Duration {
	return time.Duration(len(s.config.URL)) * time.Millisecond
}
func (s *fakeSFU) Waiting() []recorder.TrackInfo { return nil }

func (s *fakeSFU) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.away
}

// fail ends the LiveKit room with an error.
func (s *fakeSFU) fail(why error) {
	s.mu.Lock()
	s.why = why
	s.mu.Unlock()
	s.End("")
}

func (s *fakeSFU) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := s.Room.Accept(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.why != nil {
		err = fmt.Errorf("%w: %w", err, s.why)
	}
	return e, err
}

func (s *fakeSFU) Close() error {
	s.once.Do(func() { _ = s.Room.Close() })
	return nil
}

func (s *fakeSFU) Tell(_ context.Context, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, text)
	return nil
}

func (s *fakeSFU) Change(ctx context.Context, news, _ string) error { return s.Tell(ctx, news) }

func (s *fakeSFU) Send(_ context.Context, _ string, to []string, _ []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gagged {
		return livekit.ErrNoData
	}
	s.sent = append(s.sent, fmt.Sprint(to))
	return nil
}

func (s *fakeSFU) Review(identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reviewed = append(s.reviewed, identity)
}

func (s *fakeSFU) Publishing() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.publishing)
}

// A stage is a room over a fake call and fake servers.
type stage struct {
	*room
	t    *testing.T
	call *fakeCall

	mu   sync.Mutex
	sfus map[string]*fakeSFU // by URL, the last that was joined
	said []string
	down map[string]bool // URLs that cannot be joined
}

// newStage returns a stage; nobody is in the call.
func newStage(t *testing.T, change func(*Config)) *stage {
	s := &stage{t: t, sfus: make(map[string]*fakeSFU), down: make(map[string]bool)}
	s.call = &fakeCall{failing: make(chan error), tokens: make(map[string]error)}
	c := Config{Room: "#weekly:hs",
		Say: func(text string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.said = append(s.said, text)
		},
		open: func(_ context.Context, config matrix.CallConfig) (call, string, error) {
			s.call.config = config
			return s.call, "@bot:hs:BOT", nil
		},
		join: func(_ context.Context, c livekit.Config) (sfu, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.down[c.URL] {
				return nil, livekit.ErrUnreachable
			}
			at := &fakeSFU{Room: roomtest.New("hash"), config: c, roster: recorder.NewRoster()}
			s.sfus[c.URL] = at
			return at, nil
		}}
	if change != nil {
		change(&c)
	}
	m := Meeting(c)
	joined := make(chan bot.Room, 1)
	go func() {
		r, err := m.Join(t.Context(), bot.Presence{})
		if err != nil {
			t.Error(err)
			close(joined)
			return
		}
		joined <- r
	}()
	time.Sleep(time.Second)
	s.call.tell(matrix.Came, caller("ada", "A", "https://one.hs/jwt"))
	r, ok := <-joined
	if !ok {
		t.FailNow()
	}
	s.room = r.(*room)
	return s
}

func (s *stage) sfu(url string) *fakeSFU {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sfus[url]
}

func (s *stage) says() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said)
}

// next accepts events until one fits.
func (s *stage) next(fits func(recorder.RoomEvent) bool) recorder.RoomEvent {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for {
		e, err := s.Accept(ctx)
		if err != nil {
			s.t.Fatalf("Accept: %v", err)
		}
		if fits(e) {
			return e
		}
	}
}

// none reports events of a type within some seconds as errors.
func (s *stage) none(typ media.EventType) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	for {
		e, err := s.Accept(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			return
		} else if err != nil {
			s.t.Fatal(err)
		}
		if e.Type == typ {
			s.t.Errorf("%+v", e)
		}
	}
}

func is(typ media.EventType, identity string) func(recorder.RoomEvent) bool {
	return func(e recorder.RoomEvent) bool { return e.Type == typ && e.Participant == identity }
}
