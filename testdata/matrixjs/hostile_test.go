package matrixjs_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/testdata/calls"
	"github.com/sealtape/sealtape/testdata/matrixjs"
)

const memberEvent = "org.matrix.msc3401.call.member"

// A homeserver that adds a device, drops keys, repeats messages, keeps a leaver listed
// and swaps a master key gets a recorder to take nobody's key for another's, and the
// recorder tells whose it does not use.
func TestRecorderAtHostileHomeserver(t *testing.T) {
	m := newMeet(t)
	r := m.record()
	proxy := m.servers.Proxy
	entry := matrixjs.Entry{Service: m.service, Hz: 440}
	m.must(m.ada.Enter(m.ctx, m.room, entry))
	m.hears(r, matrix.Came, "Ada", of(m.ada))
	m.must(r.Enter(m.ctx))
	// The homeserver drops what comes for the recorder from Ben: his key is missing, and
	// nothing takes its place.
	var dropped atomic.Int32
	proxy.DropToDevice(func(to string, e map[string]any) bool {
		drop := to == r.user && e["sender"] == m.ben.User
		if drop {
			dropped.Add(1)
		}
		return drop
	})
	t.Cleanup(func() { proxy.DropToDevice(nil) })
	m.must(m.ben.Enter(m.ctx, m.room, entry))
	m.hears(r, matrix.Came, "Ben", of(m.ben))
	m.wait(m.ben, "a key that the homeserver drops", func(matrixjs.State) bool { return dropped.Load() > 0 })
	first := func(p *matrixjs.Person) matrixjs.Key {
		return m.wait(p, "a key of their own", func(s matrixjs.State) bool { return len(s.KeysOf(p.User)) > 0 }).KeysOf(p.User)[0]
	}
	m.wait(m.ada, "her key at the recorder", func(s matrixjs.State) bool {
		return slices.ContainsFunc(s.KeysOf(m.ada.User), r.has)
	})
	if len(r.told(matrix.Keyed)) == 0 || slices.ContainsFunc(r.told(matrix.Keyed), of(m.ben)) {
		t.Errorf("keys came of %v", r.told(matrix.Keyed))
	}
	proxy.DropToDevice(nil)

	// Everything once more changes nothing.
	given := len(r.told(matrix.Keyed))
	proxy.Replay(r.user)
	text, err := m.ada.Say(m.ctx, m.room, "after what was repeated", "")
	m.must(err)
	m.hears(r, matrix.Chat, "what Ada wrote", func(e matrix.CallEvent) bool { return e.ID == text })
	for _, e := range r.told(matrix.Keyed)[given:] {
		if of(m.ada)(e) && e.Index == first(m.ada).Index {
			t.Errorf("a key that was repeated counts again: %+v", e)
		}
	}

	// A device that the homeserver made up is in the call, and neither gets nor gives keys.
	forged, err := calls.Forge(m.ada.User, "GHOST")
	m.must(err)
	proxy.AddDevice(m.ada.User, "GHOST", forged.Device, r.user)
	m.must(m.owner.SetState(m.ctx, m.room, memberEvent, "_"+m.ada.User+"_GHOST_m.call", map[string]any{"application": "m.call", "call_id": "", "scope": "m.room",
		"device_id": "GHOST", "expires": time.Hour.Milliseconds(), "focus_active": map[string]any{"type": "livekit", "focus_selection": "multi_sfu"},
		"foci_preferred": []any{map[string]any{"type": "livekit", "livekit_service_url": m.service, "livekit_alias": m.room}}}))
	ghost := m.hears(r, matrix.Came, "the ghost", func(e matrix.CallEvent) bool { return e.Caller.Device == "GHOST" })
	if ghost.Caller.Standing != matrix.Unsigned {
		t.Errorf("the ghost is %s", ghost.Caller.Standing)
	}

	// Who left stays listed: the recorder is told nothing, and so is everybody.
	proxy.KeepListed(memberEvent, "_"+m.ben.User+"_"+m.ben.Device+"_m.call")
	m.must(m.ben.Leave(m.ctx))

	// Another master key, under which the ghost is signed: from here on nothing of Ada's
	// counts, neither of her device nor of the ghost.
	proxy.SwapKeys(m.ada.User, forged.Keys, r.user)
	stood := m.hears(r, matrix.Stood, "Ada's other master key", of(m.ada))
	if stood.Caller.Standing != matrix.Unsigned || !strings.Contains(stood.Reason, "master key") {
		t.Errorf("Ada stands as %s: %s", stood.Caller.Standing, stood.Reason)
	}
	given = len(r.told(matrix.Keyed))
	m.must(m.ada.Leave(m.ctx))
	m.hears(r, matrix.Left, "Ada", of(m.ada))
	m.must(m.ada.Enter(m.ctx, m.room, entry))
	refused := m.hears(r, matrix.Refused, "Ada's key that is not used", of(m.ada))
	if !strings.Contains(refused.Reason, "master key") || refused.Caller.Name == "" {
		t.Errorf("refused of %q: %s", refused.Caller.Name, refused.Reason)
	}
	for _, e := range r.told(matrix.Keyed)[given:] {
		if string(e.Caller.User) == m.ada.User {
			t.Errorf("a key counts under a swapped master key: %+v", e)
		}
	}
	for _, e := range r.told(matrix.Stood) {
		if e.Caller.Device == "GHOST" && e.Caller.Standing != matrix.Unsigned {
			t.Errorf("the ghost is %s", e.Caller.Standing)
		}
	}
	if slices.ContainsFunc(r.Members(), func(c matrix.Caller) bool { return c.Standing >= matrix.Signed && string(c.User) == m.ada.User }) {
		t.Errorf("Ada counts: %+v", r.Members())
	}
	proxy.SwapKeys(m.ada.User, map[string]json.RawMessage{})
	m.must(m.ada.Leave(m.ctx))
	m.must(r.Leave(m.ctx))
}
