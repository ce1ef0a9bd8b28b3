package member_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
)

// A pinning is a step of what happens to pinned cards: one of three.
type pinning struct {
	Add      string `json:"add,omitempty"`
	Revoke   string `json:"revoke,omitempty"`
	Standing string `json:"standing,omitempty"`
}

func text(t *testing.T, m interface{ Marshal() ([]byte, error) }) string {
	t.Helper()
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func card(t *testing.T, id *keys.Identity) keys.Card {
	t.Helper()
	c, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func home(t *testing.T, ids ...*keys.Identity) *keys.Home {
	t.Helper()
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := h.Add(card(t, id)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func approved(t *testing.T, by *keys.Identity, c keys.Card) keys.Card {
	t.Helper()
	c, err := by.Approve(c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pin does what the steps say, and returns what a Home says to each, in the words of
// pins.js.
func pin(t *testing.T, steps []pinning) (said []string) {
	t.Helper()
	h := home(t)
	for _, s := range steps {
		var how keys.Acquaintance
		var err error
		if s.Revoke != "" {
			var r keys.Revocation
			if r, err = keys.ParseRevocation([]byte(s.Revoke)); err == nil {
				how, err = "revoked", h.Revoke(r)
			}
		} else {
			var c keys.Card
			if c, err = keys.ParseCard([]byte(s.Add + s.Standing)); err == nil {
				how, err = h.CanAdd(c)
			}
			if err == nil && s.Add != "" {
				err = h.Add(c)
			}
		}
		switch {
		case errors.Is(err, keys.ErrNameTaken), errors.Is(err, keys.ErrKeyTaken):
			how = "taken"
		case err != nil:
			how = "refused"
		}
		said = append(said, string(how))
	}
	return said
}

// Both implementations end with a revoked key what counts by its approval alone.
func TestPinsAgree(t *testing.T) {
	stolen, tablet, phone, fresh := generate(t, "Ada"), generate(t, "Ada"), generate(t, "Ada"), generate(t, "ada")
	thief, err := stolen.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	unpinned, eve := generate(t, "ADA"), generate(t, "Eve")
	device := approved(t, thief, card(t, generate(t, "Ada")))
	revoke := func(by *keys.Identity, c keys.Card) string {
		r, err := by.Revoke(c, "stolen")
		if err != nil {
			t.Fatal(err)
		}
		return text(t, r)
	}
	phoneCard := approved(t, stolen, card(t, phone))
	steps := []pinning{
		{Add: text(t, card(t, stolen))},
		{Add: text(t, approved(t, stolen, card(t, tablet)))},
		{Add: text(t, phoneCard)},
		{Add: text(t, card(t, thief))},
		{Add: text(t, device)},
		{Standing: text(t, device)},
		{Standing: text(t, card(t, fresh))},
		{Revoke: revoke(fresh, card(t, stolen))},
		{Revoke: revoke(stolen, card(t, stolen))},
		{Standing: text(t, card(t, stolen))},
		{Standing: text(t, card(t, thief))},
		{Standing: text(t, device)},
		{Standing: text(t, phoneCard)},
		{Standing: text(t, card(t, fresh))},
		{Revoke: revoke(thief, card(t, phone))},
		{Add: text(t, phoneCard)}, // by its words
		{Standing: text(t, phoneCard)},
		{Standing: text(t, device)},
		{Standing: text(t, approved(t, phone, card(t, fresh)))},
		{Add: text(t, approved(t, phone, card(t, fresh)))},
		{Revoke: revoke(phone, phoneCard)},
		{Standing: text(t, card(t, fresh))},
		{Add: text(t, card(t, fresh))},
		{Standing: text(t, card(t, fresh))},
		{Revoke: revoke(fresh, card(t, unpinned))}, // of the name of who revokes it
		{Standing: text(t, card(t, unpinned))},
		{Revoke: revoke(eve, card(t, generate(t, "Eve")))},
	}
	want := []string{
		"stranger", "approved", "approved", "approved", "approved", "known", "taken", "refused", "revoked",
		"refused", "stranger", "stranger", "stranger", "stranger", "refused",
		"stranger", "known", "taken", "approved", "approved", "revoked", "stranger", "stranger", "known",
		"revoked", "refused", "refused",
	}
	if said := pin(t, steps); !slices.Equal(said, want) {
		t.Errorf("Go says\n%q, want\n%q", said, want)
	}
	var js struct{ Said []string }
	startScript(t, "room", "js").must("pinning", map[string]any{"steps": steps}, &js)
	if !slices.Equal(js.Said, want) {
		t.Errorf("JavaScript says\n%q, want\n%q", js.Said, want)
	}
}

// A member whose device counted by the approval of a key that was revoked is claimed
// in the room from then on, like a stranger.
func TestRevocationEndsApproval(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot, phone := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Ada")
		home := home(t, ada)
		if err := home.Add(approved(t, ada, card(t, phone))); err != nil {
			t.Fatal(err)
		}
		rec := r.join("bot", bot, home)
		r.join("ada", phone, pins(t, bot))
		pass(10 * time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
		taken, err := ada.Revoke(card(t, ada), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := home.Revoke(taken); err != nil {
			t.Fatal(err)
		}
		pass(40 * time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Claimed})
	})
}
