package keys_test

import (
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
)

// TestTrust: what a home says of a key stands whether its card counts, was revoked, or
// was revoked and is not pinned any more.
func TestTrust(t *testing.T) {
	h := openHome(t, t.TempDir())
	own, err := h.InitAs(keys.Description{Name: "Ada", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ben, benCard, _ := generate(t, "Ben")
	cy, cyCard, _ := generate(t, "Cy")
	dan, danCard, _ := generate(t, "Dan")
	_, eveCard, _ := generate(t, "Eve")
	// Only a key that was revoked vouches for her phone.
	laptop, laptopCard, _ := generate(t, "Fay")
	phone, _, _ := generate(t, "Fay")
	phoneCard := approve(t, laptop, mustCard(t, phone))
	add(t, h, benCard, cyCard, danCard, laptopCard, phoneCard)
	for _, id := range []*keys.Identity{cy, dan, laptop} {
		r, err := id.Revoke(mustCard(t, id), "")
		if err == nil {
			err = h.Revoke(r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Remove("Dan", ""); err != nil {
		t.Fatal(err)
	}
	trust, err := h.Trust()
	if err != nil {
		t.Fatal(err)
	}
	has := func(vs note.Verifiers, c keys.Card) bool {
		v := c.Verifier()
		got, err := vs.Verifier(v.Name(), v.KeyHash())
		return err == nil && got.Name() == v.Name()
	}
	ownCard := mustCard(t, own)
	for _, tt := range []struct {
		card                                 keys.Card
		known, all, recorder, grants, former bool
	}{
		{ownCard, true, true, true, true, false},
		{mustCard(t, ben), true, true, false, true, false},
		{cyCard, true, true, false, false, true},
		{danCard, true, false, false, false, true},
		{phoneCard, true, true, false, false, true},
		{eveCard, false, false, false, false, false},
	} {
		name := tt.card.Name
		for _, key := range []string{tt.card.Key, tt.card.Verifier().Name()} {
			who, known := trust.Holder(key)
			if known != tt.known || known && (who.Name != name || who.Fingerprint != tt.card.Fingerprint() || who.Counts() == tt.former) {
				t.Errorf("%s: the holder is %+v, %t", name, who, known)
			}
			if got := trust.Distrusted(key); got != tt.former {
				t.Errorf("%s: distrusted is %t", name, got)
			}
		}
		for _, list := range []struct {
			name string
			vs   note.Verifiers
			want bool
		}{
			{"all", trust.All, tt.all}, {"recorders", trust.Recorders, tt.recorder},
			{"counting", trust.Counting(trust.All), tt.grants}, {"former", trust.Former, tt.former},
		} {
			if got := has(list.vs, tt.card); got != list.want {
				t.Errorf("%s among %s: %t", name, list.name, got)
			}
		}
	}
	if !slices.Equal(trust.Own, []string{ownCard.Key}) {
		t.Errorf("own keys: %q", trust.Own)
	}
}
