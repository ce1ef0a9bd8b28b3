package matrixroom

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix/token"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	firstRetry = time.Second // between attempts to join a server, doubled up to lastRetry
	lastRetry  = 15 * time.Second
	// linger is how long a server is kept to which nobody publishes any more: they may have
	// lost it for a moment.
	linger = 20 * time.Second
)

// A server is a LiveKit room of the call, while members publish to its service.
type server struct {
	r       *room
	service string // the URL of its token service
	name    string // as a recording has it
	number  int
	stop    context.CancelFunc
	tried   chan struct{} // closed when the first attempt to join is over

	// Guarded by room.mu:
	unwanted time.Time // since when nobody publishes there; zero: somebody does
	banned   error     // why the recorder may not be there; nil: it may

	mu       sync.Mutex
	at       sfu // nil: not joined
	told     bool
	err      error           // of the last attempt
	lost     time.Time       // since when it is not joined any more; zero: it is, or never was
	speakers []string        // who speaks there now
	missing  map[string]bool // who is declared as missing, because it is not joined
	late     time.Duration   // as the timeline has it; 0: it has not
}

// serviceName returns what a recording calls a service: its URL without the scheme.
func serviceName(service string) string {
	u, err := url.Parse(service)
	if err != nil {
		return service
	}
	return u.Host + u.Path
}

// serve keeps the recorder in the server's LiveKit room, until ctx ends.
func (s *server) serve(ctx context.Context) {
	first := sync.OnceFunc(func() { close(s.tried) })
	defer first()
	defer s.back() // if it is still lost: nobody publishes there any more
	for wait := firstRetry; ctx.Err() == nil; {
		at, err := s.join(ctx)
		if err == nil {
			err = s.joined(ctx, at)
			first()
		}
		if err == nil {
			begun := time.Now()
			err = s.accept(ctx, at)
			s.left(ctx, at)
			if time.Since(begun) > lastRetry { // else it may let us in to throw us out, without end
				wait = firstRetry
			}
		}
		first()
		if ctx.Err() != nil {
			return
		}
		s.failed(err)
		for _, last := range []error{livekit.ErrRemoved, livekit.ErrHid, livekit.ErrHidden} {
			if errors.Is(err, last) {
				s.r.ban(s, err)
				return
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, lastRetry)
	}
}

// join joins once.
func (s *server) join(ctx context.Context) (sfu, error) {
	got, err := s.token(ctx)
	if err != nil {
		return nil, err
	}
	r := s.r
	c := r.c.LiveKit
	c.URL, c.Token, c.Room = got.URL, got.JWT, ""
	c.TokenFunc = func(ctx context.Context) (string, error) {
		again, err := s.token(ctx)
		return again.JWT, err
	}
	c.APIKey, c.APISecret, c.Identity, c.Name, c.Yield, c.Clear, c.Passphrase = "", "", "", "", false, false, nil
	c.Told, c.Keys, c.Log = true, nil, r.log
	if r.rings != nil {
		c.Keys = atLiveKit{r}
	}
	c.Admit = func(alias string) bool {
		_, _, ok := s.publisher(alias)
		return ok
	}
	c.Reopen = func(bool) bool { return true } // while members publish there
	c.Answer, c.OnCall, c.OnData = nil, nil, s.data
	if r.p.Call != nil {
		c.OnCall = func(ctx context.Context, call livekit.Call) (string, bool, error) {
			identity, _, ok := r.identityAt(call.From)
			if !ok {
				return "", false, nil
			}
			return r.p.Call(ctx, call.Method, identity, call.Payload)
		}
	}
	r.mu.Lock()
	c.Attributes = maps.Clone(r.p.Attributes)
	if c.Attributes == nil {
		c.Attributes = make(map[string]string)
	}
	maps.Copy(c.Attributes, r.shown)
	r.mu.Unlock()
	return r.c.join(ctx, c)
}

// token gets a token, and notes what we are called under it.
func (s *server) token(ctx context.Context) (token.Token, error) {
	got, err := s.r.call.Token(ctx, s.service)
	if err != nil {
		return got, fmt.Errorf("%s: %w", s.name, err)
	}
	s.r.mu.Lock()
	s.r.own[got.Identity] = true
	s.r.mu.Unlock()
	return got, nil
}

// publisher returns who publishes there under a LiveKit identity, and what they are called. A
// server that a member chose is not believed about others, who publish elsewhere.
func (s *server) publisher(alias string) (identity, name string, ok bool) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	identity, ok = s.r.of[alias]
	m := s.r.members[identity]
	switch {
	case !ok || m == nil:
		return "", "", false
	case follows(m.caller):
		if _, led := s.r.led[s.service]; !led {
			return "", "", false
		}
	case m.caller.Services[0] != s.service:
		return "", "", false
	}
	return identity, m.caller.Name, true
}

// data takes a data message of a member.
func (s *server) data(topic, from string, data []byte) bool {
	identity, _, ok := s.r.identityAt(from)
	return !ok || s.r.p.Receive != nil && s.r.p.Receive(topic, identity, data)
}

// joined begins to receive, if everybody was told by now.
func (s *server) joined(ctx context.Context, at sfu) error {
	s.mu.Lock()
	s.at, s.told, s.err, s.missing = at, false, nil, nil
	s.mu.Unlock()
	s.back()
	r := s.r
	r.mu.Lock()
	receiving, state := r.receiving, r.state
	r.mu.Unlock()
	if state != "" {
		at.SetState(state)
	}
	if !receiving {
		return nil
	}
	if err := s.receive(ctx); err != nil {
		s.left(ctx, at)
		return err
	}
	return nil
}

// receive begins to receive what members publish there.
func (s *server) receive(ctx context.Context) error {
	s.mu.Lock()
	at, told := s.at, s.told
	s.told = at != nil
	s.mu.Unlock()
	if at == nil || told {
		return nil
	}
	s.r.mu.Lock()
	announced, standing := s.r.announced, s.r.standing
	s.r.mu.Unlock()
	if err := at.Announce(ctx, announced); err != nil && !errors.Is(err, recorder.ErrEnded) {
		return err
	}
	if standing != "" {
		if err := at.Change(ctx, standing, standing); err != nil && ctx.Err() == nil {
			s.r.log.Debug("not told at a LiveKit server", "err", err)
		}
	}
	return nil
}

// receives reports whether the members there were told.
func (s *server) receives() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at != nil && s.told
}

// back ends an absence from the server, if there is one.
func (s *server) back() {
	s.mu.Lock()
	since := s.lost
	s.lost = time.Time{}
	s.mu.Unlock()
	if !since.IsZero() {
		s.r.events.put(recorder.RoomEvent{Type: media.EventReconnect, Server: s.name, Since: since, Reason: media.ReconnectRejoin})
	}
}

// left gives up a room that is over. If it was not given up on purpose, it was lost.
func (s *server) left(ctx context.Context, at sfu) {
	now := time.Now()
	s.mu.Lock()
	s.at, s.speakers = nil, nil
	if s.lost.IsZero() && ctx.Err() == nil {
		s.lost = now
		s.r.events.put(recorder.RoomEvent{At: now, Type: media.EventLost, Server: s.name})
	}
	s.mu.Unlock()
	if err := at.Close(); err != nil {
		s.r.log.Warn("a LiveKit room could not be left", "err", err)
	}
}

// failed says why the server is not joined, and declares who is missing for it. Each time
// that begins it says so once.
func (s *server) failed(err error) {
	s.r.log.Warn("a LiveKit server cannot be joined", "err", err)
	publishers := s.r.publishersAt(s.service)
	s.mu.Lock()
	news := s.missing == nil
	if news {
		s.missing = make(map[string]bool)
	}
	s.err = err
	var missing []string
	for _, identity := range publishers {
		if !s.missing[identity] {
			s.missing[identity] = true
			missing = append(missing, identity)
		}
	}
	s.mu.Unlock()
	if news {
		s.r.c.Say(fmt.Sprintf("who sends by %s is not received: %v", s.name, err))
	}
	for _, identity := range missing {
		s.r.events.put(recorder.RoomEvent{Type: media.EventHole, Participant: identity, Reason: media.HoleReconnect})
	}
}

// room returns the LiveKit room, nil if it is not joined.
func (s *server) room() sfu {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// accept hands on what happens there, until the room is over or ctx ends.
func (s *server) accept(ctx context.Context, at sfu) error {
	for {
		e, err := at.Accept(ctx)
		if err != nil {
			return err
		}
		if !s.translate(&e) {
			continue
		}
		select {
		case s.r.media <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
