package member

import (
	"testing"

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
