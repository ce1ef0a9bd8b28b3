package member

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
)

// ForgeHello returns a hello with the fields of another, signed by id with its own
// card: what a server can make of one that passes through it.
func ForgeHello(t *testing.T, data []byte, id *keys.Identity) []byte {
	t.Helper()
	m, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	card, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	if m.card, err = card.Marshal(); err != nil {
		t.Fatal(err)
	}
	b, err := m.sign(id.Signer())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Pose lets the session say that it records, whatever its card says.
func (s *Session) Pose() { s.role = keys.Recorder }

// MaxRefusals is how many noes are remembered.
const MaxRefusals = maxRefusals

// RefuseAs notes a no of id's card under an identity.
func (s *Session) RefuseAs(identity string, id *keys.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals.add(identity, id.Verifier().Name(), refusal{number: 1, time: time.Now()})
}
