package matrix

import (
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// A device gives the homeserver a fallback key, by which others reach it when its
// one-time keys are used up, and then another one.
func TestFallback(t *testing.T) {
	p := own(t)
	p.KeepFallbackKeys()
	o := newUser(t)
	o.Homeserver = p.URL
	ada, home, _ := accountOf(t, o)
	for range 2 { // the first answer says that there is none
		if _, err := ada.step(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	first, given := p.FallbackKey(string(ada.User()), string(ada.Device()))
	if first == "" || given != 0 {
		t.Fatalf("the homeserver has %q, given %d times", first, given)
	}
	// All one-time keys go; the fallback key serves two who ask later.
	u := newUser(t)
	u.Homeserver = p.URL
	bob, _, _ := accountOf(t, u)
	if err := bob.Follow(t.Context(), ada.User()); err != nil {
		t.Fatal(err)
	}
	for {
		if err := bob.begin(t.Context(), true, Target{ada.User(), ada.Device()}); err != nil {
			t.Fatal(err)
		}
		if _, given = p.FallbackKey(string(ada.User()), string(ada.Device())); given > 0 {
			break
		}
	}
	send(t, bob, ada, `{"n":1}`)
	w := newUser(t)
	w.Homeserver = p.URL
	eve, _, _ := accountOf(t, w)
	send(t, eve, ada, `{"n":2}`)
	if err := ada.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := home.Open(string(ada.User()), logger())
	if err != nil {
		t.Fatal(err)
	}
	*ada = Account{client: again.client, file: again.file, log: again.log, state: again.state, unwedged: again.unwedged}
	ada.mu.Lock()
	ada.state.Fallback = ada.state.Fallback.Add(-renewAfter)
	ada.mu.Unlock()
	if got := messages(t, ada, 2); len(got) != 2 {
		t.Errorf("Ada got %v", got)
	}
	for second := first; second == first; second, _ = p.FallbackKey(string(ada.User()), string(ada.Device())) {
		if _, err := ada.step(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	// Before a call there are enough others.
	for range 20 {
		if err := bob.begin(t.Context(), true, Target{ada.User(), ada.Device()}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := ada.oneTimeKeys(t.Context()); err != nil || n >= minOneTime {
		t.Fatalf("%d one-time keys are left: %v", n, err)
	}
	if err := ada.Stock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := ada.oneTimeKeys(t.Context()); err != nil || n < minOneTime {
		t.Errorf("%d one-time keys are left: %v", n, err)
	}
}

// A homeserver that knows no fallback keys gets none.
func TestWantsFallback(t *testing.T) {
	for _, c := range []struct {
		in   []id.KeyAlgorithm
		want bool
	}{{nil, false}, {[]id.KeyAlgorithm{}, true}, {[]id.KeyAlgorithm{"signed_curve25519"}, false}, {[]id.KeyAlgorithm{"other"}, true}} {
		if got := wantsFallback(&mautrix.RespSync{FallbackKeys: c.in}); got != c.want {
			t.Errorf("%v: %t", c.in, got)
		}
	}
	a := &Account{state: aState(t)}
	if renew, err := a.keepFallback(true, noon); err != nil || !renew {
		t.Errorf("none is made: %v", err)
	}
	b, err := a.state.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if a.state, err = parseState(b); err != nil {
		t.Fatal(err)
	}
	keys, err := a.newKeys(50)
	if err != nil || len(keys["fallback_keys"].(map[string]any)) != 1 {
		t.Errorf("a key that was not uploaded is forgotten: %v, %v", keys["fallback_keys"], err)
	}
	a.state.account.MarkKeysAsPublished()
	for _, at := range []time.Time{noon.Add(time.Second), noon.Add(renewAfter)} {
		if renew, err := a.keepFallback(true, at); err != nil || renew != (at.Sub(noon) >= renewAfter) {
			t.Errorf("at %v: %t, %v", at, renew, err)
		}
	}
}
