package homeserver

import (
	"encoding/json"
	"slices"
)

// hostile is what a homeserver does that it should not.
type hostile struct {
	devices   map[string]map[string]json.RawMessage // by user and device
	masters   map[string]map[string]json.RawMessage // by user: master_keys, self_signing_keys, user_signing_keys
	announced map[string][]string                   // to whom its devices are yet to be announced as changed
	drop      func(to string, event map[string]any) bool
	seen      map[string][]any // to-device events, by whom they went to
	again     map[string]bool  // who is to get them again
	listed    map[[2]string]bool
}

func newHostile() hostile {
	return hostile{devices: make(map[string]map[string]json.RawMessage), masters: make(map[string]map[string]json.RawMessage),
		announced: make(map[string][]string), seen: make(map[string][]any), again: make(map[string]bool), listed: make(map[[2]string]bool)}
}

// maxSeen bounds how many to-device events are kept for each user.
const maxSeen = 1000

// AddDevice shows everybody another device of a user, with the device_keys that
// are given, and tells those in tell that something changed.
func (p *Proxy) AddDevice(user, device string, keys json.RawMessage, tell ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hostile.devices[user] == nil {
		p.hostile.devices[user] = make(map[string]json.RawMessage)
	}
	p.hostile.devices[user][device] = keys
	p.hostile.announce(user, tell)
}

// SwapKeys shows everybody but the user other cross-signing keys of the user: by
// the names of /keys/query, master_keys, self_signing_keys and user_signing_keys.
// Those in tell are told that something changed.
func (p *Proxy) SwapKeys(user string, keys map[string]json.RawMessage, tell ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hostile.masters[user] = keys
	p.hostile.announce(user, tell)
}

// DropToDevice loses each to-device event of which f says so, nil for none. f is
// called from several goroutines, one at a time.
func (p *Proxy) DropToDevice(f func(to string, event map[string]any) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hostile.drop = f
}

// Replay delivers all to-device events that a user got so far once more.
func (p *Proxy) Replay(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hostile.again[user] = true
}

// KeepListed hides from everybody that a member's state event of that type and
// key became empty: whoever left a call stays in it.
func (p *Proxy) KeepListed(eventType, stateKey string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hostile.listed[[2]string{eventType, stateKey}] = true
}

func (h *hostile) announce(user string, tell []string) {
	for _, to := range tell {
		h.announced[to] = append(h.announced[to], user)
	}
}

// keys changes the answer to a /keys/query of a user. Called locked.
func (h *hostile) keys(asker string, v map[string]any) {
	for user, devices := range object(v, "device_keys") {
		if devices, ok := devices.(map[string]any); ok {
			for device, keys := range h.devices[user] {
				devices[device] = keys
			}
		}
		if user == asker {
			continue
		}
		for kind, keys := range h.masters[user] {
			all := object(v, kind)
			if all == nil {
				all = make(map[string]any)
				v[kind] = all
			}
			all[user] = keys
		}
	}
}

// sync changes the answer to a /sync of a user. Called locked.
func (h *hostile) sync(to string, v map[string]any) {
	if users := h.announced[to]; len(users) > 0 {
		lists := object(v, "device_lists")
		if lists == nil {
			lists = make(map[string]any)
			v["device_lists"] = lists
		}
		changed, _ := lists["changed"].([]any)
		for _, user := range users {
			changed = append(changed, user)
		}
		lists["changed"] = changed
		delete(h.announced, to)
	}
	h.toDevice(to, v)
	for _, room := range object(object(v, "rooms"), "join") {
		room, _ := room.(map[string]any)
		for _, part := range []string{"timeline", "state"} {
			events, _ := object(room, part)["events"].([]any)
			if len(events) > 0 {
				object(room, part)["events"] = slices.DeleteFunc(events, h.hidden)
			}
		}
	}
}

// hidden reports whether an event tells of a leave that is kept from all.
func (h *hostile) hidden(event any) bool {
	e, _ := event.(map[string]any)
	kind, _ := e["type"].(string)
	key, ok := e["state_key"].(string)
	return ok && h.listed[[2]string{kind, key}] && len(object(e, "content")) == 0
}

func (h *hostile) toDevice(to string, v map[string]any) {
	part := object(v, "to_device")
	events, _ := part["events"].([]any)
	events = slices.DeleteFunc(events, func(e any) bool {
		event, _ := e.(map[string]any)
		return h.drop != nil && h.drop(to, event)
	})
	var again []any
	if h.again[to] {
		again = slices.Clone(h.seen[to])
		delete(h.again, to)
	}
	h.seen[to] = append(h.seen[to], events...)
	h.seen[to] = h.seen[to][max(0, len(h.seen[to])-maxSeen):]
	if events = append(again, events...); part == nil && len(events) > 0 {
		part = make(map[string]any)
		v["to_device"] = part
	}
	if part != nil {
		part["events"] = events
	}
}
