// Package homeserver stands before a Matrix homeserver, for tests, and gives it
// what it lacks for calls: delayed events (MSC4140, in memory) and sticky events
// (MSC4354, by marks on what /sync answers). And it can be told to be hostile: to
// show devices and master keys that nobody made, to drop or repeat what it should
// deliver once, to keep a member of a call listed who left.
//
// It is written from the texts of the MSCs, and no more than tests need: one
// process, and all is forgotten when it ends.
package homeserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Config says what a Proxy adds.
type Config struct {
	Plain bool // neither delayed nor sticky events: the homeserver as it is
	// MaxDelay is the longest delay that it takes, 24 h if 0.
	MaxDelay time.Duration
}

// A Proxy is a homeserver in front of another. Its methods may be called
// concurrently.
type Proxy struct {
	URL string // http://127.0.0.1:PORT

	config   Config
	upstream *url.URL
	reverse  *httputil.ReverseProxy
	server   *http.Server
	done     chan struct{}

	// What it asks the homeserver, for clients and by itself, goes on until Close.
	running   context.Context
	stop      context.CancelFunc
	answering sync.WaitGroup // added to under mu, and not after Close began

	// turn makes a /sync wait for sticky events that are being sent, as it marks
	// them by IDs that are known once they are.
	turn sync.RWMutex

	mu       sync.Mutex
	closed   bool
	users    map[string]string // by access token
	delayed  map[string]*delayedEvent
	number   int              // of delayed events ever
	sticky   map[string]int64 // milliseconds by event ID
	hostile  hostile
	signOn   signOn
	fallback fallbacks
}

// New starts a proxy for the homeserver at the URL, on a port of the loopback
// interface. Close ends it.
func New(upstream string, c Config) (*Proxy, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if c.MaxDelay <= 0 {
		c.MaxDelay = 24 * time.Hour
	}
	p := &Proxy{URL: "http://" + l.Addr().String(), config: c, upstream: u, done: make(chan struct{}),
		users: make(map[string]string), delayed: make(map[string]*delayedEvent), sticky: make(map[string]int64), hostile: newHostile()}
	p.running, p.stop = context.WithCancel(context.Background())
	p.reverse = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Header.Del("Accept-Encoding") // its answers are to be read
		},
		ModifyResponse: p.response,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			fail(w, http.StatusBadGateway, "M_UNKNOWN", err.Error())
		},
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(p.done)
		p.server.Serve(l)
	}()
	return p, nil
}

// lastAnswer is how long Close waits for the homeserver before it ends what was asked.
const lastAnswer = 10 * time.Second

// begin reports whether something may still be asked, and then wants answering.Done called.
func (p *Proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.answering.Add(1)
	return true
}

// Close ends the proxy, for its clients at once. It returns when the homeserver has answered what
// it was asked, or did not for ten seconds. Delayed events are lost.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for _, d := range p.delayed {
		d.timer.Stop()
	}
	clear(p.delayed)
	p.mu.Unlock()
	err := p.server.Close()
	<-p.done
	late := time.AfterFunc(lastAnswer, p.stop)
	p.answering.Wait()
	late.Stop()
	p.stop()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// longestSync is how long a /sync may wait: so that what a hostile homeserver
// makes up need not wait for something to happen.
const longestSync = time.Second

// longestAnswer is how long the homeserver may take.
const longestAnswer = 5 * time.Minute

// ServeHTTP implements http.Handler. The homeserver is not told of clients that go away: its SQLite
// is interrupted by that now and then in the middle of a transaction, and refuses all others from
// then on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.begin() {
		fail(w, http.StatusServiceUnavailable, "M_UNKNOWN", "the proxy is closed")
		return
	}
	defer p.answering.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), longestAnswer)
	defer cancel()
	defer context.AfterFunc(p.running, cancel)()
	r = r.WithContext(ctx)
	q := r.URL.Query()
	switch {
	case p.config.Plain:
	case q.Has(delayParameter) && r.Method == http.MethodPut:
		p.delay(w, r)
		return
	case strings.Contains(r.URL.Path, delayedEventsPath):
		p.delayedEvents(w, r)
		return
	case q.Has(stickyParameter) && r.Method == http.MethodPut:
		p.turn.Lock()
		defer p.turn.Unlock()
	}
	if p.single(w, r) {
		return
	}
	p.keepFallback(r)
	if strings.HasSuffix(r.URL.Path, "/keys/claim") {
		r = r.WithContext(context.WithValue(r.Context(), claimed{}, readBody(r)))
	}
	if isSync(r.URL.Path) {
		if ms, err := strconv.Atoi(q.Get("timeout")); err == nil && ms > int(longestSync.Milliseconds()) {
			q.Set("timeout", strconv.Itoa(int(longestSync.Milliseconds())))
			r.URL.RawQuery = q.Encode()
		}
	}
	p.reverse.ServeHTTP(w, r)
}

// claimed is where a request has what it asks for.
type claimed struct{}

func isSync(path string) bool { return strings.HasSuffix(path, "/sync") }

// response changes what the homeserver answers.
func (p *Proxy) response(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	r := resp.Request
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/_matrix/client/versions"):
		return edit(resp, func(v map[string]any) {
			f, _ := v["unstable_features"].(map[string]any)
			if f == nil {
				f = make(map[string]any)
			}
			f["org.matrix.msc4140"], f["org.matrix.msc4354"] = !p.config.Plain, !p.config.Plain
			v["unstable_features"] = f
		})
	case r.Method == http.MethodPost && (strings.HasSuffix(path, "/login") || strings.HasSuffix(path, "/register")):
		return edit(resp, func(v map[string]any) {
			token, _ := v["access_token"].(string)
			user, _ := v["user_id"].(string)
			p.mu.Lock()
			defer p.mu.Unlock()
			if token != "" {
				p.users[token] = user
				p.signedOn(r, token)
				if device, ok := v["device_id"].(string); ok && p.fallback.on {
					p.fallback.devices[token] = [2]string{user, device}
				}
			}
		})
	case isSync(path):
		p.turn.RLock()
		defer p.turn.RUnlock()
		return edit(resp, func(v map[string]any) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.markSticky(v)
			p.hostile.sync(p.users[bearer(r)], v)
			p.fallback.sync(bearer(r), v)
		})
	case strings.HasSuffix(path, "/keys/claim"):
		return edit(resp, func(v map[string]any) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if asked, ok := r.Context().Value(claimed{}).(map[string]any); ok {
				p.fallback.claim(asked, v)
			}
		})
	case strings.HasSuffix(path, "/keys/query"):
		return edit(resp, func(v map[string]any) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.hostile.keys(p.users[bearer(r)], v)
		})
	case r.Method == http.MethodPut && r.URL.Query().Has(stickyParameter):
		return edit(resp, func(v map[string]any) { p.stuck(v, r.URL.Query()) })
	}
	return nil
}

// bearer returns the access token of a request.
func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// edit lets f change the JSON object of an answer, which keeps its numbers.
func edit(resp *http.Response, f func(map[string]any)) error {
	b, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v map[string]any
	if d.Decode(&v) == nil {
		f(v)
		if b, err = json.Marshal(v); err != nil {
			return err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	resp.ContentLength = int64(len(b))
	resp.Header.Set("Content-Length", strconv.Itoa(len(b)))
	return nil
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Methods", "*")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, *")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func fail(w http.ResponseWriter, status int, code, text string) {
	answer(w, status, map[string]string{"errcode": code, "error": text})
}

// send passes a request of our own on, and returns what it answers.
func (p *Proxy) send(r *http.Request, body []byte) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(p.running, longestAnswer)
	defer cancel()
	out := r.Clone(ctx)
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var v map[string]any
	return v, json.NewDecoder(resp.Body).Decode(&v)
}
