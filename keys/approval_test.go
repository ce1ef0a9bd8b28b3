package keys_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
)

// approvals are the lines that stand beside what an identity signs heads with.
func approvals(id *keys.Identity) []note.Signer {
	if s, ok := id.Signer().(interface{ Approvals() []note.Signer }); ok {
		return s.Approvals()
	}
	return nil
}

func recorder(t *testing.T, name, device string) *keys.Identity {
	t.Helper()
	id, err := keys.GenerateAs(keys.Description{Name: name, Device: device, Role: keys.Recorder})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestApprovalTravels: the approval of a recorder's card stands beside what it signs, once
// its home has the card; a member's does not.
func TestApprovalTravels(t *testing.T) {
	fleet, second := recorder(t, "Acme", ""), recorder(t, "Acme", "spare")
	h := openHome(t, t.TempDir())
	worker, err := h.InitAs(keys.Description{Name: "Acme", Device: "w1", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	card := mustCard(t, worker)
	approved := approve(t, fleet, card)
	twice := approve(t, second, approved)
	if n := len(approved.Approvers()); n != 1 || len(approve(t, fleet, approved).Approvers()) != 1 || len(twice.Approvers()) != 2 {
		t.Errorf("approved by %d keys, then by %v", n, twice.Approvers())
	}
	if approved.Sum() != card.Sum() {
		t.Error("an approval changes the sum of the card")
	}
	b, err := twice.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\n— ")); n != 5 {
		t.Errorf("%d signature lines, want its own and two of each approver:\n%s", n, b)
	}
	if again, err := keys.ParseCard(b); err != nil || !again.ApprovedBy(fleet.Verifier()) || !again.ApprovedBy(second.Verifier()) {
		t.Errorf("it is not read as it was written: %v", err)
	}
	load := func() *keys.Identity {
		t.Helper()
		id, err := h.Load(nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if len(approvals(load())) != 0 {
		t.Error("an approval that the home does not have travels")
	}
	for i, c := range []keys.Card{approved, card, twice, approved} {
		if err := h.Add(c); err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if got, want := len(approvals(load())), []int{1, 1, 2, 2}[i]; got != want {
			t.Errorf("%d: %d approvals travel, want %d", i, got, want)
		}
	}
	// The approver's card has the name that is one's own: it is pinned once its words were
	// compared, and no other of the name is.
	if how, err := h.CanAdd(mustCard(t, fleet)); how != keys.Stranger || err != nil {
		t.Errorf("the card of who approved one's own: %s, %v", how, err)
	}
	if _, err := h.CanAdd(mustCard(t, recorder(t, "Acme", "w2"))); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("the card of a stranger of one's own name: %v", err)
	}
	if err := h.Add(mustCard(t, fleet)); err != nil {
		t.Fatal(err)
	}
	// Now an approval in its name that is of another card is none.
	other := openHome(t, t.TempDir())
	w2, err := other.InitAs(keys.Description{Name: "Acme", Device: "w2", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w2Card := approve(t, fleet, mustCard(t, w2))
	if err := other.Add(w2Card); err != nil {
		t.Fatal(err)
	}
	if err := other.Add(mustCard(t, fleet)); err != nil {
		t.Fatal(err)
	}
	forged, err := keys.WithApprovalsOf(mustCard(t, w2), approve(t, second, approve(t, fleet, card)))
	if err != nil {
		t.Fatal(err)
	}
	fresh := openHome(t, t.TempDir())
	if err := fresh.Add(mustCard(t, fleet)); err != nil {
		t.Fatal(err)
	}
	if how, err := fresh.CanAdd(forged); err == nil || how == keys.Approved {
		t.Errorf("approvals of another card count: %s, %v", how, err)
	}
	// Whoever takes the place of a key has its approval, which travels, too.
	next, err := fleet.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if all := approvals(next); len(all) != 1 || all[0].Name() != fleet.Verifier().Name() {
		t.Errorf("the successor has %v", all)
	}
	// A member's card has no such line.
	member, err := keys.GenerateAs(keys.Description{Name: "Acme", Device: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	b, err = approve(t, fleet, mustCard(t, member)).Marshal()
	if err != nil || bytes.Count(b, []byte("\n— ")) != 2 {
		t.Errorf("a member's card: %v\n%s", err, b)
	}
}

// TestApprover: which pinned card approves a card, now.
func TestApprover(t *testing.T) {
	fleet := recorder(t, "Acme", "")
	worker := mustCard(t, recorder(t, "Acme", "w1"))
	approved := approve(t, fleet, worker)
	short, err := keys.GenerateAs(keys.Description{Name: "Acme", Role: keys.Recorder, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	byShort := approve(t, short, worker)
	for _, tt := range []struct {
		name   string
		pinned keys.Card
		card   keys.Card
		revoke func(t *testing.T, h *keys.Home)
		now    time.Time
		want   bool
	}{
		{name: "approved", pinned: mustCard(t, fleet), card: approved, want: true},
		{name: "not approved", pinned: mustCard(t, fleet), card: worker},
		{name: "its approver is not pinned", pinned: mustCard(t, recorder(t, "Acme", "")), card: approved},
		{name: "of another name", pinned: mustCard(t, recorder(t, "Other", "")), card: approved},
		{name: "in time", pinned: mustCard(t, short), card: byShort, now: time.Now(), want: true},
		{name: "its approver's card expired", pinned: mustCard(t, short), card: byShort, now: time.Now().Add(2 * time.Hour)},
		{name: "its approver is revoked", pinned: mustCard(t, fleet), card: approved, revoke: func(t *testing.T, h *keys.Home) { revoke(t, h, fleet, mustCard(t, fleet)) }},
		{name: "it is itself the pinned one", pinned: mustCard(t, fleet), card: mustCard(t, fleet)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := openHome(t, t.TempDir())
			if err := h.Add(tt.pinned); err != nil {
				t.Fatal(err)
			}
			if tt.revoke != nil {
				tt.revoke(t, h)
			}
			pins, err := h.Pins()
			if err != nil {
				t.Fatal(err)
			}
			if tt.now.IsZero() {
				tt.now = time.Now()
			}
			p, ok := keys.Approver(pins, tt.card, tt.now)
			if ok != tt.want || ok && p.Key != tt.pinned.Key {
				t.Errorf("%v, %s", ok, p.Label())
			}
		})
	}
	// A worker that was revoked has none, though its approver counts.
	h := openHome(t, t.TempDir())
	for _, c := range []keys.Card{mustCard(t, fleet), approved} {
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	revoke(t, h, fleet, approved)
	pins, err := h.Pins()
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := keys.Approver(pins, approved, time.Now()); ok {
		t.Errorf("%s approves a card that was revoked", p.Label())
	}
	trust, err := h.Trust()
	if err != nil {
		t.Fatal(err)
	}
	if !trust.ApprovalCounts(fleet.Verifier().Name(), time.Now()) || trust.ApprovalCounts(worker.Verifier().Name(), time.Now()) ||
		trust.ApprovalCounts("sealtape.v1/unknown", time.Now()) {
		t.Error("not the approvals of the fleet alone count")
	}
}

// TestManyApprovals: a card has four approvals at most, each with the line that travels.
func TestManyApprovals(t *testing.T) {
	c := mustCard(t, recorder(t, "Acme", "w1"))
	var by []string
	for range 4 {
		id := recorder(t, "Acme", "")
		c = approve(t, id, c)
		by = append(by, id.Verifier().Name())
	}
	if !slices.Equal(c.Approvers(), by) {
		t.Errorf("approved by %v, want %v", c.Approvers(), by)
	}
	if _, err := recorder(t, "Acme", "").Approve(c); err == nil {
		t.Error("a fifth key approves it")
	}
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.ParseCard(b); err != nil {
		t.Error(err)
	}
}
