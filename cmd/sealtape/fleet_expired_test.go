//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys"
)

// TestExpiredFleet: what a fleet's key approved while its card counted counts for ever; what it
// approves later does not.
func TestExpiredFleet(t *testing.T) {
	t.Parallel()
	l := newDesk(t)
	open := func(name string, d keys.Description) (string, *keys.Identity, keys.Card) {
		t.Helper()
		home := filepath.Join(l.dir, name)
		h, err := keys.OpenHome(home)
		if err != nil {
			t.Fatal(err)
		}
		id, err := h.InitAs(d, nil)
		if err != nil {
			t.Fatal(err)
		}
		card, err := id.Card()
		if err != nil {
			t.Fatal(err)
		}
		return home, id, card
	}
	approve := func(device string, fleet *keys.Identity) (home, approved string) {
		t.Helper()
		home, _, card := open(device, keys.Description{Name: "Fleet", Device: device, Role: keys.Recorder})
		card, err := fleet.Approve(card)
		if err != nil {
			t.Fatal(err)
		}
		return home, writeCard(t, card)
	}
	// What happens while it counts happens in the year 2000, where a bubble's clock is.
	var bob, w1, approved1 string
	var fleet *keys.Identity
	var bobCard keys.Card
	synctest.Test(t, func(*testing.T) {
		var fleetCard keys.Card
		_, fleet, fleetCard = open("fleet", keys.Description{Name: "Fleet", Role: keys.Recorder, Expires: time.Now().Add(time.Minute)})
		bob, bobCard = l.person("Bob", fleetCard)
		w1, approved1 = approve("w1", fleet)
	})
	store := filepath.Join(l.dir, "store")
	record := func(home, approved string) string {
		t.Helper()
		l.must(home, "keys", "add", approved)
		return l.sealed(home, store, "-segments", "1", "-reader", writeCard(t, bobCard))
	}
	before := record(w1, approved1)
	after := record(approve("w2", fleet))
	l.must(bob, "verify", before, "--store", store)
	said, _, code := l.run(bob, nil, "verify", after, "--store", store)
	if code != 4 || !strings.Contains(said, "NOT TRUSTED: the approval by Fleet") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	if said, _, code := l.run(bob, nil, "info", after, "--store", store); code != 4 || !strings.Contains(said, "NOT TRUSTED") {
		t.Errorf("exit code %d\n%s", code, said)
	}
	if said := l.must(bob, "info", before, "--store", store); strings.Contains(said, "NOT TRUSTED") {
		t.Error(said)
	}
}
