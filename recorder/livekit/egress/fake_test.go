package egress

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/webhook"

	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/testdata/sample"
)

const (
	testKey    = "APItest"
	testSecret = "a-secret-of-some-length-for-these-tests"
)

// A fakeServer is a LiveKit server with one room, in which recorders come and go as a test
// says.
type fakeServer struct {
	mu         sync.Mutex
	sid        string // "" while the room is closed
	dispatches []*lkproto.AgentDispatch
	recorder   string // its state; "" for none
	removed    []string
	n          int
}

func (s *fakeServer) Rooms(context.Context) ([]*lkproto.Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sid == "" {
		return nil, nil
	}
	return []*lkproto.Room{{Name: "board room/1", Sid: s.sid, CreationTimeMs: time.Now().UnixMilli()}}, nil
}

func (s *fakeServer) Participants(context.Context, string) ([]*lkproto.ParticipantInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []*lkproto.ParticipantInfo{{Identity: "ada"}}
	if s.recorder != "" {
		shown := map[string]string{"sealtape.state": s.recorder}
		if s.recorder == "recording" {
			shown["sealtape.recording"] = "F2JE7ZY04P971PR0YHVBFNECP0"
		}
		all = append(all, &lkproto.ParticipantInfo{Identity: "rec", Permission: &lkproto.ParticipantPermission{Recorder: true}, Attributes: shown})
	}
	return all, nil
}

func (s *fakeServer) Dispatches(context.Context, string) ([]*lkproto.AgentDispatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dispatches), nil
}

func (s *fakeServer) Dispatch(_ context.Context, _, agent, metadata string) (*lkproto.AgentDispatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	d := &lkproto.AgentDispatch{Id: fmt.Sprintf("AD_%d", s.n), AgentName: agent, Metadata: metadata, State: &lkproto.AgentDispatchState{CreatedAt: time.Now().UnixNano()}}
	s.dispatches = append(s.dispatches, d)
	return d, nil
}

func (s *fakeServer) Answers(context.Context, string, string) (bool, error) { return true, nil }
func (s *fakeServer) Precede(context.Context, string, string, string) error { return nil }

func (s *fakeServer) Delete(_ context.Context, _, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dispatches = slices.DeleteFunc(s.dispatches, func(d *lkproto.AgentDispatch) bool { return d.Id == id })
	return nil
}

func (s *fakeServer) Remove(_ context.Context, _, identity string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, identity)
	return nil
}

// set changes the server.
func (s *fakeServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// agents are those that were dispatched, with their metadata.
func (s *fakeServer) agents() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.dispatches {
		all = append(all, d.AgentName+d.Metadata)
	}
	return all
}

// A stage is a front before a fakeServer, and an application that it tells.
type stage struct {
	server *fakeServer
	front  *Front
	url    string
	events chan *lkproto.WebhookEvent
}

func newStage(t *testing.T, texts map[string]string, change func(*Config)) *stage {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := fleet.ReadPolicies(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{server: &fakeServer{sid: "RM_1"}, events: make(chan *lkproto.WebhookEvent, 16)}
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e, err := webhook.ReceiveWebhookEvent(r, auth.NewSimpleKeyProvider(testKey, testSecret))
		if err != nil {
			t.Errorf("a webhook: %v", err)
			return
		}
		s.events <- e
	}))
	t.Cleanup(app.Close)
	c := Config{Server: s.server, Key: testKey, Secret: testSecret, Policies: func() *fleet.Policies { return p }}
	teller, err := NewTeller(testKey, testSecret, []string{app.URL}, c.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(teller.Close)
	c.Tell = teller.Tell
	if change != nil {
		change(&c)
	}
	if s.front, err = New(c); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.front.Handler())
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

// turn has the front look once.
func (s *stage) turn(t *testing.T) {
	t.Helper()
	seen, err := s.front.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.front.follow(t.Context(), seen, true)
}

// hears returns the next event.
func (s *stage) hears(t *testing.T) *lkproto.WebhookEvent {
	t.Helper()
	select {
	case e := <-s.events:
		return e
	case <-sample.Context(t).Done():
		t.Fatal("no webhook")
		return nil
	}
}
