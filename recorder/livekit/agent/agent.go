// Package agent registers a worker with a LiveKit server, and takes the jobs that the
// server dispatches to it by the name of an agent.
//
// A worker connects to /agent of the server by WebSocket, with a token that has the agent
// grant, and says its name and how busy it is. Of each job the server first asks a worker
// whether it takes it, and the worker must say so within 3 s: the server's call inside
// ends then, and asks nobody else. So a Handler decides from memory. Then the job is
// assigned, with a token for its room. The messages are WorkerMessage and ServerMessage of
// livekit_agent.proto in github.com/livekit/protocol.
//
// The server is a matchmaker, not a queue. What it offers when no worker is free is lost;
// it tries nothing again; and it forgets which worker has a job when the connection drops.
// A worker that connects again is a new one. So what a job does must not hang on this
// connection, and a job is not over because the server says so: it says so also when the
// member who was assigned only lost its own connection to the room.
//
// This package knows nothing of recording.
package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	lkproto "github.com/livekit/protocol/livekit"
	"google.golang.org/protobuf/proto"
)

// FullLoad is the load at which a server offers a worker nothing more, by its default
// (agents.target_load). A worker reports FullLoad times the share of its places that are
// taken: a server whose workers are all above it offers to nobody, whatever they say.
const FullLoad = 0.7

// Defaults, and bounds of what a server may send.
const (
	pingEvery   = 5 * time.Second
	pongWithin  = 10 * time.Second // after that the connection is dead
	statusEvery = 2500 * time.Millisecond
	answerTime  = 10 * time.Second // for dialing, for the answer to a registration, for a write
	firstWait   = 500 * time.Millisecond
	lastWait    = 30 * time.Second
	steadyAfter = time.Minute // a connection that lasted so long begins the waits anew
	maxMessage  = 2 << 20
	maxID       = 256
	maxRoom     = 1024
)

var (
	// ErrRefused: the server does not take the token as that of a worker.
	ErrRefused = errors.New("the server refused the worker's token")
	// errProtocol: what the server sent makes no sense.
	errProtocol = errors.New("the server sent no message of the worker protocol")
)

// A Job is one that the server has for a worker: something to do in a room.
type Job struct {
	// ID names the job, Dispatch what asked for it. Both are the server's.
	ID, Dispatch string
	// Room is the room's name. SID is the server's ID of this meeting in it.
	Room, SID string
	// Metadata is what who asked for the job says to the worker. Anybody with an API key
	// can ask.
	Metadata string
}

// An Answer to an offer.
type Answer struct {
	// Accept takes the job. The token that comes with it admits somebody with this
	// Identity, Name and Attributes.
	Accept         bool
	Identity, Name string
	Attributes     map[string]string
	// Done, without Accept, says that there is nothing left to do: the job counts as done,
	// and no other worker is asked.
	Done bool
}

// An Assignment is a job that was accepted.
type Assignment struct {
	Job
	// Token admits to the room, for an hour. It is marked as an agent's, and not as a
	// recorder's, whatever permissions were asked for.
	Token string
}

// A Load is how busy a worker is.
type Load struct {
	// Full: it takes nothing now.
	Full bool
	// Load is from 0 to 1; see FullLoad.
	Load float32
	Jobs int
}

// A Handler decides about jobs and does them. A Worker calls its methods one at a time, in the
// goroutine that reads what the server sends, but for Load. They must return at once.
type Handler interface {
	// Offered answers an offer, from memory.
	Offered(Job) Answer
	// Assigned is called with a job that was accepted.
	Assigned(Assignment)
	// Terminated is called when the server counts a job as over: somebody deleted the
	// dispatch, the room closed, or the member left the room or lost it for a while.
	Terminated(job string)
	// Load is called by any goroutine.
	Load() Load
}

// A Config says what a worker is. URL, Token, Name and Handler are required.
type Config struct {
	// URL of the server: ws, wss, http or https.
	URL string
	// Token returns a token with the agent grant, for each connection. ctx limits it.
	Token func(ctx context.Context) (string, error)
	// Name is that of the agent for whom jobs are dispatched. Version is the worker's.
	Name, Version string
	Handler       Handler
	// Log gets what happens, without names or tokens. Nil means no log.
	Log *slog.Logger

	// Times, which only a test sets. 0 means a ping after 5 s without one, its answer
	// within 10 s, the status each 2.5 s, and from 0.5 s to 30 s between connections.
	Ping, Pong, Status, FirstWait, LastWait time.Duration
}

// A State is how a worker stands with its server.
type State struct {
	// Registered: the server offers jobs. Since is when that changed last, ID the worker's
	// ID at the server, and Registrations how often it was registered.
	Registered    bool
	Since         time.Time
	ID            string
	Registrations int
	// Err is why it is not registered; nil before the first try.
	Err error
}

// A Worker is registered with one server. Its methods are safe for concurrent use.
type Worker struct {
	c    Config
	url  string
	wake chan struct{} // the load has changed

	mu    sync.Mutex // guards what follows
	conn  *connection
	state State
}

// New checks c and returns a Worker, which does nothing before Run.
func New(c Config) (*Worker, error) {
	if c.Token == nil || c.Name == "" || c.Handler == nil {
		return nil, errors.New("agent: Config without Token, Name or Handler")
	}
	u, err := address(c.URL)
	if err != nil {
		return nil, err
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.Ping, c.Pong, c.Status = cmp.Or(c.Ping, pingEvery), cmp.Or(c.Pong, pongWithin), cmp.Or(c.Status, statusEvery)
	c.FirstWait, c.LastWait = cmp.Or(c.FirstWait, firstWait), cmp.Or(c.LastWait, lastWait)
	return &Worker{c: c, url: u, wake: make(chan struct{}, 1), state: State{Since: time.Now()}}, nil
}

// address returns where workers connect to a server.
func address(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return "", errors.New("agent: the server's URL is none")
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return "", errors.New("agent: the server's URL does not begin with wss, ws, https or http")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/agent"
	u.RawQuery, u.Fragment = "protocol=1", ""
	return u.String(), nil
}

// Run keeps the worker registered until ctx ends. It connects again for ever, after a time
// that grows to half a minute, with jitter, so that the workers of a server that was away
// do not all come at once. It returns the error of ctx. Jobs go on without it.
func (w *Worker) Run(ctx context.Context) error {
	wait := w.c.FirstWait
	for {
		begun := time.Now()
		err := w.serve(ctx)
		if ctx.Err() != nil {
			w.left(ctx.Err())
			return ctx.Err()
		}
		if w.left(err) && time.Since(begun) >= steadyAfter {
			wait = w.c.FirstWait
		}
		w.c.Log.Warn("not registered with the server, trying again", "agent", w.c.Name, "err", err)
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		wait = min(2*wait, w.c.LastWait)
	}
}

// State returns how the worker stands with its server.
func (w *Worker) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// Changed has the server told soon that the Load has changed.
func (w *Worker) Changed() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Running tells the server that a job was begun.
func (w *Worker) Running(job string) { w.report(job, lkproto.JobStatus_JS_RUNNING, "") }

// Finished tells the server that a job is over. failure says why it failed, in words that
// everyone with an API key may read; "" means that it did not. A server that has forgotten
// the job ignores it.
func (w *Worker) Finished(job, failure string) {
	status := lkproto.JobStatus_JS_SUCCESS
	if failure != "" {
		status = lkproto.JobStatus_JS_FAILED
	}
	w.report(job, status, failure)
}

func (w *Worker) report(job string, status lkproto.JobStatus, text string) {
	w.mu.Lock()
	conn := w.conn
	w.mu.Unlock()
	if conn == nil {
		return // and the next connection is another worker to the server
	}
	err := conn.send(&lkproto.WorkerMessage{Message: &lkproto.WorkerMessage_UpdateJob{
		UpdateJob: &lkproto.UpdateJobStatus{JobId: job, Status: status, Error: text}}})
	if err != nil {
		w.c.Log.Debug("the server was not told of a job", "job", job, "err", err)
	}
}

// registered notes that a connection serves.
func (w *Worker) registered(conn *connection, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn = conn
	w.state = State{Registered: true, Since: time.Now(), ID: id, Registrations: w.state.Registrations + 1}
}

// left notes that none does, and reports whether one did.
func (w *Worker) left(err error) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conn, was = nil, w.state.Registered
	if was {
		w.state.Registered, w.state.Since, w.state.ID = false, time.Now(), ""
	}
	w.state.Err = err
	return was
}

// dial connects to the server.
func (w *Worker) dial(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*answerTime)
	defer cancel()
	token, err := w.c.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("the worker's token: %w", err)
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: answerTime}
	ws, resp, err := dialer.DialContext(ctx, w.url, http.Header{"Authorization": {"Bearer " + token}})
	switch {
	case err == nil:
	case resp != nil && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden):
		return nil, fmt.Errorf("%w: %s", ErrRefused, resp.Status)
	case resp != nil:
		return nil, fmt.Errorf("no worker can register there: %s", resp.Status)
	default:
		return nil, fmt.Errorf("the server cannot be reached: %w", err)
	}
	ws.SetReadLimit(maxMessage)
	return &connection{ws: ws}, nil
}

// A connection is one WebSocket. Any goroutine may send.
type connection struct {
	ws *websocket.Conn
	mu sync.Mutex // held while something is written
}

func (c *connection) send(m *lkproto.WorkerMessage) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.BinaryMessage, b)
}

// receive returns the next message, which must come within so long.
func (c *connection) receive(within time.Duration) (*lkproto.ServerMessage, error) {
	if err := c.ws.SetReadDeadline(time.Now().Add(within)); err != nil {
		return nil, err
	}
	kind, b, err := c.ws.ReadMessage()
	if err != nil {
		return nil, err
	}
	m := new(lkproto.ServerMessage)
	if kind != websocket.BinaryMessage || proto.Unmarshal(b, m) != nil {
		return nil, errProtocol
	}
	return m, nil
}
