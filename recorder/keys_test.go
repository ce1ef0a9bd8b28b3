package recorder_test

import (
	"fmt"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

func TestParticipantKeys(t *testing.T) {
	p := recorder.NewParticipantKeys(256, frame.KeyOptions{})
	ada := p.Keyring("ada")
	if ada == nil || p.Keyring("ada") != ada || p.Keyring("bob") == ada {
		t.Fatal("each participant has one ring of their own")
	}
	if err := ada.SetRaw(255, []byte("a key"), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	if !p.Keyring("ada").Has(255) || p.Keyring("bob").Has(255) {
		t.Error("ada's key is not where it belongs")
	}
	// The server makes up identities: those without end get rings, but none is kept.
	for i := range 5000 {
		if p.Keyring(fmt.Sprint(i)) == nil {
			t.Fatal("no ring")
		}
	}
	if another := p.Keyring("another"); another == p.Keyring("another") {
		t.Error("rings are kept without bound")
	}
	if p.Keyring("ada") != ada {
		t.Error("a flood of identities replaced a ring")
	}
	if p.Lookup("nobody") != nil || p.Lookup("ada") != ada {
		t.Error("a look makes a ring, or finds none")
	}
	bob := p.Keyring("bob")
	if err := bob.SetRaw(0, []byte("a key"), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	p.Forget("bob")
	p.Forget("nobody")
	if bob.Has(0) || p.Lookup("bob") != nil {
		t.Error("a ring is kept that was given up")
	}
	if cyd := p.Keyring("cyd"); p.Keyring("cyd") != cyd {
		t.Error("its place is not somebody else's")
	}
	p.Clear()
	if ada.Has(255) {
		t.Error("keys outlive Clear")
	}
}

// A room kind that learns keys while the meeting runs fills the rings as they
// come; what was sent before its key arrives is waited for.
func ExampleParticipantKeys() {
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{RatchetWindow: 10})
	learned := func(identity string, index int, key []byte) error {
		return keys.Keyring(identity).SetRaw(index, key, frame.HKDF)
	}
	changed := keys.Keyring("@ada:example.org").Changed()
	if err := learned("@ada:example.org", 3, []byte("sixteen bytes, 1")); err != nil {
		fmt.Println(err)
	}
	<-changed
	config := recorder.Config{Keys: keys} // and what else there is to say
	fmt.Println(config.Keys.Keyring("@ada:example.org").Has(3), config.Keys.Keyring("@bob:example.org").Has(3))
	// Output: true false
}
