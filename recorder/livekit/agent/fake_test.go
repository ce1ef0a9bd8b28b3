package agent

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	lkproto "github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/testdata/sample"
)

// A fakeServer does what a real one cannot be made to do: it says what a test has it say.
type fakeServer struct {
	t      *testing.T
	http   *httptest.Server
	refuse int // so many connections get 401
	mute   bool

	mu    sync.Mutex
	paths []string
	auth  []string

	conns chan *fakeConn
}

// A fakeConn is a connection of a worker that has registered.
type fakeConn struct {
	t        *testing.T
	ws       *websocket.Conn
	register *lkproto.RegisterWorkerRequest
	from     chan *lkproto.WorkerMessage // closed at its end
}

// newFakeServer starts a server. mute has it not answer pings.
func newFakeServer(t *testing.T) *fakeServer {
	s := &fakeServer{t: t, conns: make(chan *fakeConn, 16)}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.http.Close)
	return s
}

func (s *fakeServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.paths, s.auth = append(s.paths, r.URL.String()), append(s.auth, r.Header.Get("Authorization"))
	refused := len(s.paths) <= s.refuse
	s.mu.Unlock()
	if refused {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer ws.Close()
	c := &fakeConn{t: s.t, ws: ws, from: make(chan *lkproto.WorkerMessage, 1024)}
	defer close(c.from)
	for {
		_, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		m := new(lkproto.WorkerMessage)
		if err := proto.Unmarshal(b, m); err != nil {
			s.t.Error(err)
			return
		}
		switch x := m.Message.(type) {
		case *lkproto.WorkerMessage_Register:
			c.register = x.Register
			c.say(&lkproto.ServerMessage{Message: &lkproto.ServerMessage_Register{Register: &lkproto.RegisterWorkerResponse{WorkerId: "AW_1"}}})
			s.conns <- c
		case *lkproto.WorkerMessage_Ping:
			if !s.mute {
				c.say(&lkproto.ServerMessage{Message: &lkproto.ServerMessage_Pong{Pong: &lkproto.WorkerPong{LastTimestamp: x.Ping.Timestamp}}})
			}
		default:
			c.from <- m
		}
	}
}

// next returns the next connection that registered.
func (s *fakeServer) next(ctx context.Context) *fakeConn {
	s.t.Helper()
	select {
	case c := <-s.conns:
		return c
	case <-ctx.Done():
		s.t.Fatal("no worker registered")
		return nil
	}
}

// say sends a message. It is called by one goroutine at a time: the test's, once the worker
// has registered, but for pongs, which no test has beside its own messages.
func (c *fakeConn) say(m *lkproto.ServerMessage) {
	b, err := proto.Marshal(m)
	if err == nil {
		err = c.ws.WriteMessage(websocket.BinaryMessage, b)
	}
	if err != nil {
		c.t.Log("the fake server could not say:", err)
	}
}

// hears returns the first message for which want is true.
func (c *fakeConn) hears(ctx context.Context, what string, want func(*lkproto.WorkerMessage) bool) *lkproto.WorkerMessage {
	c.t.Helper()
	for {
		select {
		case m, ok := <-c.from:
			if !ok {
				c.t.Fatalf("the worker left and did not say: %s", what)
			}
			if want(m) {
				return m
			}
		case <-ctx.Done():
			c.t.Fatalf("the worker did not say: %s", what)
		}
	}
}

func (c *fakeConn) offer(j *lkproto.Job) {
	c.say(&lkproto.ServerMessage{Message: &lkproto.ServerMessage_Availability{Availability: &lkproto.AvailabilityRequest{Job: j}}})
}

// answer returns the answer to an offer.
func (c *fakeConn) answer(ctx context.Context, job string) *lkproto.AvailabilityResponse {
	c.t.Helper()
	m := c.hears(ctx, "the answer to "+job, func(m *lkproto.WorkerMessage) bool { return m.GetAvailability().GetJobId() == job })
	return m.GetAvailability()
}

// hands notes what a worker is handed.
type hands struct {
	mu         sync.Mutex
	offered    []Job
	assigned   []Assignment
	terminated []string
	answer     Answer
	load       Load
	got        chan struct{}
}

func newHands() *hands { return &hands{got: make(chan struct{}, 64)} }

func (h *hands) note(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	select {
	case h.got <- struct{}{}:
	default:
	}
}

func (h *hands) Offered(j Job) (a Answer) {
	h.note(func() { h.offered = append(h.offered, j); a = h.answer })
	return a
}
func (h *hands) Assigned(a Assignment) { h.note(func() { h.assigned = append(h.assigned, a) }) }
func (h *hands) Terminated(id string)  { h.note(func() { h.terminated = append(h.terminated, id) }) }
func (h *hands) Load() Load {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.load
}

// begin runs a worker until the test ends.
func begin(t *testing.T, s *fakeServer, h *hands, change func(*Config)) (*Worker, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(sample.Context(t))
	c := Config{URL: s.http.URL + "/base/", Name: "sealtape", Version: "v1", Handler: h,
		Token: func(context.Context) (string, error) { return "a-token", nil },
		Ping:  50 * time.Millisecond, Status: 20 * time.Millisecond, FirstWait: 5 * time.Millisecond, LastWait: 20 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); err != ctx.Err() {
			t.Errorf("Run: %v", err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w, ctx
}
