package matrix

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pacedServer is a homeserver that answers /sync at once, by the clock of a test, and notes
// when it was asked.
type pacedServer struct {
	mu    sync.Mutex
	away  bool
	asked []time.Time
}

// RoundTrip implements http.RoundTripper.
func (p *pacedServer) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !strings.HasSuffix(r.URL.Path, "/sync") {
		return nil, errors.New("nothing else is asked")
	}
	p.asked = append(p.asked, time.Now())
	if p.away || len(p.asked) > 1000 { // or the clock would stand still for who never waits
		return nil, errors.New("no route to host")
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"next_batch":"n","device_one_time_keys_count":{"signed_curve25519":50}}`))}, nil
}

// be makes the homeserver go away or come back, and returns when it was asked until now.
func (p *pacedServer) be(away bool) []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.away, p.asked = away, nil
	return asked
}

// longest returns the longest time between two.
func longest(times []time.Time) (most time.Duration) {
	for i := 1; i < len(times); i++ {
		most = max(most, times[i].Sub(times[i-1]))
	}
	return most
}

// A homeserver that does not wait is not asked without end. One that is away is asked about each
// second at first, as most are only started again, and seldom later.
func TestPace(t *testing.T) {
	home := newHome(t)
	s := aState(t)
	s.User, s.Device, s.Homeserver = "@bot:x", "D", "https://meet.test"
	synctest.Test(t, func(t *testing.T) {
		file, err := home.folder().Hold("@bot:x")
		if err != nil {
			t.Fatal(err)
		}
		a, err := newAccount(file, s, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		p := new(pacedServer)
		a.client.Client.Transport = p
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Sync(ctx, func(context.Context, *Batch) error { return nil }) }()

		const busy = 2 * time.Second
		time.Sleep(busy)
		if n := len(p.be(true)); n < 2 || n > 41 { // 20 a second
			t.Errorf("asked %d times in %v", n, busy)
		}
		time.Sleep(restartTime)
		// Each attempt asks again after one and two seconds.
		if first := p.be(true); longest(first) > 3*time.Second || len(first) > int(restartTime/time.Second) {
			t.Errorf("a homeserver that may be started again: asked %d times, once after %v only", len(first), longest(first))
		}
		time.Sleep(10 * time.Minute)
		if later := p.be(false); longest(later) < maxBackoff/2 || longest(later) > maxBackoff+maxBackoff/4 {
			t.Errorf("one that stays away: not asked for %v", longest(later))
		}
		for len(p.be(false)) == 0 {
			time.Sleep(100 * time.Millisecond)
		}
		p.be(true)
		time.Sleep(restartTime)
		if again := p.be(false); longest(again) > 3*time.Second {
			t.Errorf("once it was back: not asked for %v", longest(again))
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
