package homeserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	delayParameter    = "org.matrix.msc4140.delay" // milliseconds
	delayedEventsPath = "/org.matrix.msc4140/delayed_events"
)

// A delayedEvent is a request that waits to be passed on.
type delayedEvent struct {
	token string // whose it is
	req   *http.Request
	body  []byte
	since time.Time
	after time.Duration
	timer *time.Timer
}

// delay keeps a request to send an event, to pass it on later.
func (p *Proxy) delay(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ms, err := strconv.ParseInt(q.Get(delayParameter), 10, 64)
	if err != nil || ms <= 0 {
		fail(w, http.StatusBadRequest, "M_INVALID_PARAM", "the delay is no number of milliseconds")
		return
	}
	after := time.Duration(ms) * time.Millisecond
	if after > p.config.MaxDelay {
		answer(w, http.StatusBadRequest, map[string]any{"errcode": "M_UNKNOWN", "error": "the delay is too long",
			"org.matrix.msc4140.errcode": "M_MAX_DELAY_EXCEEDED", "org.matrix.msc4140.max_delay": p.config.MaxDelay.Milliseconds()})
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, http.StatusBadRequest, "M_NOT_JSON", err.Error())
		return
	}
	q.Del(delayParameter)
	out, err := http.NewRequest(http.MethodPut, p.upstream.ResolveReference(&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: q.Encode()}).String(), nil)
	if err != nil {
		fail(w, http.StatusBadRequest, "M_INVALID_PARAM", err.Error())
		return
	}
	out.Header.Set("Authorization", r.Header.Get("Authorization"))
	out.Header.Set("Content-Type", "application/json")

	p.mu.Lock()
	defer p.mu.Unlock()
	p.number++
	id := fmt.Sprintf("delay%d", p.number)
	p.delayed[id] = &delayedEvent{token: bearer(r), req: out, body: body, since: time.Now(), after: after,
		timer: time.AfterFunc(after, func() { p.due(id) })}
	answer(w, http.StatusOK, map[string]string{"delay_id": id})
}

// delayedEvents answers what is asked of delayed events: GET lists one's own; POST
// restarts, sends or cancels one, with the action in the path or in the body.
func (p *Proxy) delayedEvents(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := strings.Cut(r.URL.Path, delayedEventsPath)
	id, action, _ := strings.Cut(strings.Trim(rest, "/"), "/")
	switch r.Method {
	case http.MethodOptions:
		answer(w, http.StatusOK, struct{}{})
	case http.MethodGet:
		p.listDelayed(w, bearer(r))
	case http.MethodPost:
		if action == "" {
			var v struct{ Action string }
			if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
				fail(w, http.StatusBadRequest, "M_NOT_JSON", err.Error())
				return
			}
			action = v.Action
		}
		if err := p.act(id, action); err != nil {
			fail(w, http.StatusNotFound, "M_NOT_FOUND", err.Error())
			return
		}
		answer(w, http.StatusOK, struct{}{})
	default:
		fail(w, http.StatusMethodNotAllowed, "M_UNRECOGNIZED", "unknown method")
	}
}

func (p *Proxy) listDelayed(w http.ResponseWriter, token string) {
	list := []map[string]any{}
	p.mu.Lock()
	for id, d := range p.delayed {
		if d.token != token {
			continue
		}
		v := map[string]any{"delay_id": id, "delay": d.after.Milliseconds(), "running_since": d.since.UnixMilli(), "content": json.RawMessage(d.body)}
		// .../rooms/ROOM/state/TYPE/KEY or .../rooms/ROOM/send/TYPE/TRANSACTION
		parts := strings.Split(d.req.URL.EscapedPath(), "/")
		if i := slices.Index(parts, "rooms"); i >= 0 && len(parts) > i+4 {
			for j := range parts {
				parts[j], _ = url.PathUnescape(parts[j])
			}
			v["room_id"], v["type"] = parts[i+1], parts[i+3]
			if parts[i+2] == "state" {
				v["state_key"] = parts[i+4]
			}
		}
		list = append(list, v)
	}
	p.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"delayed_events": list})
}

var errNoDelayed = errors.New("there is no such delayed event")

func (p *Proxy) act(id, action string) error {
	p.mu.Lock()
	d := p.delayed[id]
	if d == nil {
		p.mu.Unlock()
		return errNoDelayed
	}
	switch action {
	case "restart":
		if d.timer.Stop() { // else it is being sent
			d.since = time.Now()
			d.timer.Reset(d.after)
		}
	case "cancel":
		d.timer.Stop()
		delete(p.delayed, id)
	}
	p.mu.Unlock()
	if action == "send" {
		p.fire(id)
	}
	return nil
}

// due passes a delayed event on whose time has come, unless the proxy is closed.
func (p *Proxy) due(id string) {
	if p.begin() {
		defer p.answering.Done()
		p.fire(id)
	}
}

// fire passes a delayed event on, if it was not before.
func (p *Proxy) fire(id string) {
	p.mu.Lock()
	d := p.delayed[id]
	delete(p.delayed, id)
	p.mu.Unlock()
	if d == nil {
		return
	}
	d.timer.Stop()
	p.turn.Lock()
	defer p.turn.Unlock()
	if v, err := p.send(d.req, d.body); err == nil {
		p.stuck(v, d.req.URL.Query())
	}
}

// Delayed returns how many events wait.
func (p *Proxy) Delayed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.delayed)
}
