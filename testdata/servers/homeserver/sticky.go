package homeserver

import (
	"net/url"
	"strconv"
)

const stickyParameter = "org.matrix.msc4354.sticky_duration_ms"

// stuck remembers an event that was just sent as sticky, if its query says so.
func (p *Proxy) stuck(answer map[string]any, q url.Values) {
	ms, err := strconv.ParseInt(q.Get(stickyParameter), 10, 64)
	id, _ := answer["event_id"].(string)
	if err != nil || id == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sticky[id] = ms
}

// markSticky marks the sticky events in the answer to a /sync. Called locked.
func (p *Proxy) markSticky(v map[string]any) {
	for _, event := range timeline(v) {
		id, _ := event["event_id"].(string)
		if ms, ok := p.sticky[id]; ok {
			event["msc4354_sticky"] = map[string]any{"duration_ms": ms}
		}
	}
}

// timeline returns the events of all timelines in the answer to a /sync.
func timeline(v map[string]any) []map[string]any {
	var list []map[string]any
	for _, room := range object(object(v, "rooms"), "join") {
		room, _ := room.(map[string]any)
		list = append(list, objects(object(room, "timeline"), "events")...)
	}
	return list
}

func object(v map[string]any, key string) map[string]any {
	o, _ := v[key].(map[string]any)
	return o
}

func objects(v map[string]any, key string) []map[string]any {
	var list []map[string]any
	all, _ := v[key].([]any)
	for _, e := range all {
		if e, ok := e.(map[string]any); ok {
			list = append(list, e)
		}
	}
	return list
}
