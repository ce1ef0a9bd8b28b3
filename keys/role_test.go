package keys_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
)

// A key keeps its role: no card of a member's key makes a recorder of it, or of
// another key.
func TestRoles(t *testing.T) {
	make := func(name string, role keys.Role) (*keys.Identity, keys.Card) {
		t.Helper()
		id, err := keys.GenerateAs(keys.Description{Name: name, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		c, err := id.Card()
		if err != nil {
			t.Fatal(err)
		}
		return id, c
	}
	bot, botCard := make("Bot", keys.Recorder)
	ada, adaCard := make("Ada", keys.Member)
	b, err := botCard.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := keys.ParseCard(b); err != nil || got.Role != keys.Recorder || !strings.Contains(string(b), "\nrole: recorder\n") {
		t.Errorf("%q is read as %+v, %v", b, got, err)
	}
	for _, bad := range []string{"role: member", "role: ", "role: Recorder", "role: recorder\nrole: recorder"} {
		if _, err := keys.ParseCard([]byte(strings.Replace(string(b), "role: recorder", bad, 1))); err == nil {
			t.Errorf("a card with %q passes", bad)
		}
	}
	next, err := bot.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := next.Card(); err != nil || c.Role != keys.Recorder {
		t.Errorf("the successor is a %s: %v", c.Role, err)
	}

	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []keys.Card{botCard, adaCard} {
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	recorders, err := h.Recorders()
	if err != nil {
		t.Fatal(err)
	}
	all, err := h.Verifiers()
	if err != nil {
		t.Fatal(err)
	}
	has := func(vs note.Verifiers, c keys.Card) bool {
		v, err := vs.Verifier(c.Verifier().Name(), c.Verifier().KeyHash())
		return err == nil && v != nil
	}
	if !has(recorders, botCard) || has(recorders, adaCard) || !has(all, botCard) || !has(all, adaCard) {
		t.Error("not the recorders, or not all, are told apart")
	}
	// Ada's key approves no recorder, not even under her name; and hers does not become one.
	_, posing := make("Ada", keys.Recorder)
	if _, err := ada.Approve(posing); !errors.Is(err, keys.ErrOtherRole) {
		t.Errorf("a member's key approved a recorder: %v", err)
	}
	forged := keys.ForgeApproval(t, ada, posing)
	if how, err := h.CanAdd(forged); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("a member's approval of a recorder counts: %s, %v", how, err)
	}
	changed, err := ada.Forge(func(c *keys.Card) { c.Created, c.Role = c.Created.Add(time.Second), keys.Recorder })
	if err != nil {
		t.Fatal(err)
	}
	if how, err := h.CanAdd(changed); !errors.Is(err, keys.ErrOtherRole) {
		t.Errorf("a member's key becomes a recorder's: %s, %v", how, err)
	}
	// A recorder approves the member's card of the same person.
	_, phone := make("Bot", keys.Member)
	approved, err := bot.Approve(phone)
	if err != nil {
		t.Fatal(err)
	}
	if how, err := h.CanAdd(approved); how != keys.Approved || err != nil {
		t.Errorf("a recorder's approval of a member: %s, %v", how, err)
	}
}
