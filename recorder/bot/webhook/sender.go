package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/words"
)

const (
	tryTime   = 15 * time.Second      // for one request
	firstWait = time.Second           // after the first failure; each further one doubles it
	longWait  = 10 * time.Minute      // and this is the most
	heldWait  = 50 * time.Millisecond // until another process may have given a queue up
	maxAnswer = 4 << 10               // bytes of an answer that are read
)

// A Config says where events go.
type Config struct {
	// URL gets the requests. CheckURL says what it can be. Required.
	URL string
	// AllowHTTP lets it be a plain one that is not on this machine.
	AllowHTTP bool
	// Key signs them. Required.
	Key *Key
	// Dir is the folder where events wait. It is made if it is missing. Required.
	Dir string
	// Log gets what fails, without what is in URL but its host. Nil discards it.
	Log *slog.Logger
	// Wait returns how long to wait after so many failures in a row, from 1. Nil doubles
	// a second up to ten minutes, with some jitter.
	Wait func(failures int) time.Duration
	// Timeout is how long one request may take. 0 means 15 s.
	Timeout time.Duration
}

// CheckURL returns why webhooks cannot go to an address: it is not of https, and neither of
// this machine nor allowed to be plain, or it has a password in it.
func CheckURL(address string, allowHTTP bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "":
		return errors.New("not an address such as https://example.org/hook")
	case u.User != nil:
		return errors.New("it has a password or a name in it, which logs would show: whoever gets webhooks checks their signature")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return errors.New("not of https")
	case allowHTTP || isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("it is plain http, and not on this machine: whoever listens learns when you record")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c Config) complete() (Config, error) {
	if c.Key == nil || c.Dir == "" {
		return c, errors.New("webhook: Config without Key or Dir")
	}
	if err := CheckURL(c.URL, c.AllowHTTP); err != nil {
		return c, fmt.Errorf("webhook: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Timeout == 0 {
		c.Timeout = tryTime
	}
	if c.Wait == nil {
		c.Wait = backoff
	}
	return c, nil
}

// backoff is the Wait of a Config that has none.
func backoff(failures int) time.Duration {
	wait := firstWait << min(failures-1, 10)
	return min(wait, longWait)/2 + rand.N(min(wait, longWait)/2)
}

// A Sender posts the events of one recording. Its methods are safe for concurrent use.
type Sender struct {
	c         Config
	recording string
	client    *http.Client
	queue     *queue // set by Run

	mu      sync.Mutex
	pending []Event // are not on the disk yet
	lost    int     // holes that found no place among them
	news    chan struct{}
	stored  chan struct{}   // something was put into the queue
	closed  context.Context // ends when no event comes any more
	close   context.CancelFunc
}

// NewSender returns the Sender of a recording. Run delivers; Close ends that.
func NewSender(c Config, recording string) (*Sender, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	if !validID().MatchString(recording) {
		return nil, fmt.Errorf("webhook: %q is not the ID of a recording", recording)
	}
	s := &Sender{c: c, recording: recording, client: newClient(), news: make(chan struct{}, 1), stored: make(chan struct{}, 1)}
	s.closed, s.close = context.WithCancel(context.Background())
	return s, nil
}

// newClient returns a client that follows no redirects: a signed event goes where its
// owner said, and nowhere else.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10, MaxIdleConns: 1,
			IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Tell notes an event, which Run stores and delivers. It waits for nothing.
func (s *Sender) Tell(e Event) {
	s.mu.Lock()
	if e.Type == Hole && len(s.pending) >= maxQueued {
		s.lost++
	} else {
		e.Data.Dropped, s.lost = s.lost, 0
		s.pending = append(s.pending, e)
	}
	s.mu.Unlock()
	wake(s.news)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// keep stores what was told.
func (s *Sender) keep() {
	s.mu.Lock()
	events := s.pending
	s.pending = nil
	s.mu.Unlock()
	for _, e := range events {
		if err := s.queue.add(e); err != nil {
			s.c.Log.Warn("an event for the webhook could not be kept, and is lost", "type", e.Type, "err", err)
		}
	}
	if len(events) > 0 {
		wake(s.stored)
	}
}

// Run stores and delivers events in their order until ctx ends, or until Close was called
// and all are delivered. What is not delivered then waits for a Sweep.
func (s *Sender) Run(ctx context.Context) (err error) {
	for s.queue == nil {
		// A Sweep may have it for a moment.
		if s.queue, err = openQueue(s.c.Dir, s.recording); errors.Is(err, errHeld) {
			err = sleep(ctx, heldWait)
		}
		if err != nil {
			return err
		}
	}
	var keeping sync.WaitGroup
	keeping.Go(func() {
		for {
			s.keep()
			select {
			case <-s.news:
			case <-s.closed.Done():
				s.keep()
				return
			case <-ctx.Done():
				s.keep()
				return
			}
		}
	})
	s.deliver(ctx)
	keeping.Wait()
	return s.queue.close()
}

// Close tells Run that no event comes any more. It may be called twice.
func (s *Sender) Close() { s.close() }

// Closed returns a context that ends with Close.
func (s *Sender) Closed() context.Context { return s.closed }

// deliver posts what is in the queue, as Run does.
func (s *Sender) deliver(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-s.closed.Done():
			s.keep() // Run may not have come to it
			_, err := s.c.drain(ctx, s.client, s.queue)
			if err != nil && ctx.Err() == nil {
				s.c.Log.Warn("events for the webhook wait in their folder", "err", err)
			}
			return
		default:
		}
		if _, err := s.c.drain(ctx, s.client, s.queue); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("events for the webhook cannot be read", "err", err)
		}
		select {
		case <-s.stored:
		case <-s.closed.Done():
		case <-ctx.Done():
		}
	}
}

// drain delivers what is in a queue, one after another, and tries each again until ctx ends.
// It returns how many were taken.
func (c *Config) drain(ctx context.Context, client *http.Client, q *queue) (taken int, err error) {
	for failures := 0; ; {
		w, ok, err := q.first()
		if err != nil || !ok {
			return taken, err
		}
		err = c.post(ctx, client, w)
		switch {
		case ctx.Err() != nil:
			return taken, ctx.Err()
		case err == nil:
			taken++
		case errors.Is(err, errGone), time.Since(w.at) > maxAge:
			c.Log.Warn("an event for the webhook is dropped", "id", w.id, "err", err)
		default:
			if failures++; failures == 1 {
				c.Log.Warn("the webhook does not take an event, which is tried again; further ones wait behind it", "err", err)
			}
			if err := sleep(ctx, c.Wait(failures)); err != nil {
				return taken, err
			}
			continue
		}
		failures = 0
		if err := q.remove(w); err != nil {
			return taken, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errGone: the receiver wants no webhooks any more (410).
var errGone = errors.New("its receiver is gone for good: 410")

// short returns a text as one that a log can have: it may be anybody's.
func short(text string) string {
	const most = 200 // bytes
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return words.Clean(text)
}

// post makes one try to deliver an event. The error has nothing of the URL but its host.
func (c *Config) post(ctx context.Context, client *http.Client, w waiting) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(w.body))
	if err != nil {
		return errors.New("the address of the webhook makes no request")
	}
	req.Header.Set("User-Agent", "sealtape")
	if err := c.Key.sign(req.Header, w.id, w.body, time.Now()); err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		var failed *url.Error // has the URL
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return fmt.Errorf("%s: %s", req.URL.Host, short(err.Error())) // which may repeat what came in place of an answer
	}
	// A connection is used again only if its answer was read; a long one is not.
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	_ = resp.Body.Close()
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGone:
		return errGone
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return fmt.Errorf("%s answers %d: redirects are not followed", req.URL.Host, resp.StatusCode)
	}
	return fmt.Errorf("%s answers %d", req.URL.Host, resp.StatusCode)
}
