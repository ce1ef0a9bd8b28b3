package homeserver

import (
	"net/http"
	"strings"
)

// fallbacks are the fallback keys of devices: what others get when the one-time keys
// of a device are used up.
type fallbacks struct {
	on      bool
	devices map[string][2]string         // user and device by access token
	keys    map[[2]string]map[string]any // by user and device: the key, by its name
	used    map[[2]string]bool           // somebody got it
	given   map[[2]string]int            // how often
}

// KeepFallbackKeys has the homeserver take fallback keys from devices that log in from
// now on.
func (p *Proxy) KeepFallbackKeys() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fallback = fallbacks{on: true, devices: make(map[string][2]string), keys: make(map[[2]string]map[string]any),
		used: make(map[[2]string]bool), given: make(map[[2]string]int)}
}

// FallbackKey returns the name of a device's fallback key, "" for none, and how often
// others got one.
func (p *Proxy) FallbackKey(user, device string) (name string, given int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := [2]string{user, device}
	for name = range p.fallback.keys[d] {
	}
	return name, p.fallback.given[d]
}

// keepFallback keeps the fallback keys of an upload.
func (p *Proxy) keepFallback(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.fallback.devices[bearer(r)]
	if !ok || !strings.HasSuffix(r.URL.Path, "/keys/upload") {
		return
	}
	if keys := object(readBody(r), "fallback_keys"); len(keys) > 0 {
		p.fallback.keys[d], p.fallback.used[d] = keys, false
	}
}

// claim gives out fallback keys of devices that have no other left. Called locked.
func (f *fallbacks) claim(asked, v map[string]any) {
	for user, devices := range object(asked, "one_time_keys") {
		devices, _ := devices.(map[string]any)
		for device := range devices {
			d := [2]string{user, device}
			all := object(v, "one_time_keys")
			if all == nil {
				all = make(map[string]any)
				v["one_time_keys"] = all
			}
			of := object(all, user)
			if of == nil {
				of = make(map[string]any)
				all[user] = of
			}
			if len(object(of, device)) == 0 && len(f.keys[d]) > 0 {
				of[device] = f.keys[d]
				f.used[d] = true
				f.given[d]++
			}
		}
	}
}

// sync says which fallback keys a device has that nobody got. Called locked.
func (f *fallbacks) sync(token string, v map[string]any) {
	d, ok := f.devices[token]
	if !ok {
		return
	}
	unused := []string{}
	if len(f.keys[d]) > 0 && !f.used[d] {
		unused = append(unused, "signed_curve25519")
	}
	v["device_unused_fallback_key_types"] = unused
}
