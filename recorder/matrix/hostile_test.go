package matrix

import (
	"encoding/json"
	"testing"

	"maunium.net/go/mautrix/id"
)

// A hostile homeserver cannot add a device, swap a master key, or make a message
// count twice, and none of it goes unsaid.
func TestHostile(t *testing.T) {
	p := server(t)
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	eve, _, _, _ := logIn(t)
	send(t, ada, bob, `{"n":1}`)
	first := messages(t, bob, 1)[0]
	p.Replay(string(bob.User()))
	send(t, ada, bob, `{"n":2}`)
	if got := messages(t, bob, 1); string(got[0].Content) != `{"n":2}` {
		t.Errorf("a message counts twice: %+v", got)
	}

	// Eve's device, under Ada's name: its own signature is right, and no user's.
	ghost := *eve.state
	ghost.User, ghost.Device, ghost.Seeds = ada.User(), "GHOST", seeds{}
	keys, err := (&Account{state: &ghost}).deviceKeys()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	p.AddDevice(string(ada.User()), "GHOST", raw, string(bob.User()))
	bob.mu.Lock()
	bob.state.Peers[ada.User()].Stale = true
	bob.mu.Unlock()
	if err := bob.Follow(t.Context(), ada.User()); err != nil {
		t.Fatal(err)
	}
	signing, identity, err := eve.state.account.IdentityKeys()
	if err != nil {
		t.Fatal(err)
	}
	if device, standing := bob.Standing(ada.User(), identity, signing); device != "GHOST" || standing != Unsigned {
		t.Errorf("a device that the homeserver added is %s, %s", device, standing)
	}
	if _, standing := bob.Standing(ada.User(), first.Identity, first.Signing); standing != Signed {
		t.Errorf("Ada's device is %s", standing)
	}

	// Other cross-signing keys, with which the ghost is signed.
	answer := make(map[string]json.RawMessage)
	forged := *eve.state
	forged.User, forged.Device = ada.User(), "GHOST"
	public, err := (&Account{state: &forged}).publicKeys()
	if err != nil {
		t.Fatal(err)
	}
	for field, kind := range map[string]string{"master_key": "master_keys", "self_signing_key": "self_signing_keys"} {
		if answer[kind], err = json.Marshal(public[field]); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err = (&Account{state: &forged}).deviceKeys(); err != nil {
		t.Fatal(err)
	}
	if raw, err = json.Marshal(keys); err != nil {
		t.Fatal(err)
	}
	p.AddDevice(string(ada.User()), "GHOST", raw)
	p.SwapKeys(string(ada.User()), answer)
	bob.mu.Lock()
	bob.state.Peers[ada.User()].Stale = true
	bob.mu.Unlock()
	if err := bob.Follow(t.Context(), ada.User()); err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		identity id.Curve25519
		signing  id.Ed25519
	}{{identity, signing}, {first.Identity, first.Signing}} {
		if device, standing := bob.Standing(ada.User(), d.identity, d.signing); standing != Unsigned {
			t.Errorf("under a swapped master key device %s is %s", device, standing)
		}
	}
	if now, then := bob.Master(ada.User()); now == then || now == "" {
		t.Errorf("the swap goes unsaid: %s, %s", now, then)
	}
}
