//go:build unix

package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/calls"
	"github.com/sealtape/sealtape/testdata/matrixjs"
)

// withCard gives a person a home and a card that binds their user to a master key, and
// pins it in the recorder's home.
func (g *matrixMeeting) withCard(p *callPerson, name, master string) (home string) {
	g.t.Helper()
	home, _ = g.personAs(keys.Description{Name: name}, g.card)
	h, err := keys.OpenHome(home)
	if err != nil {
		g.t.Fatal(err)
	}
	id, err := h.Load(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	g.until("the second after the one in which the first card was made", func() bool {
		other, err := id.WithMatrix(keys.MatrixAccount{User: p.User, Master: master})
		if err == nil {
			id = other
		}
		return err == nil
	})
	card, err := id.Card()
	if err != nil {
		g.t.Fatal(err)
	}
	g.must(g.home, "keys", "add", "--yes", writeCard(g.t, card))
	return home
}

func (g *matrixMeeting) master(p *callPerson) string {
	g.t.Helper()
	key, err := p.Master(g.ctx)
	if err != nil {
		g.t.Fatal(err)
	}
	return key
}

// epochs returns the readers of each epoch by its timeline.
func epochs(i *show.InfoJSON) []string {
	var list []string
	for _, e := range i.Timeline {
		if e.Type == media.EventEpoch {
			list = append(list, e.Text)
		}
	}
	return list
}

// Whose master key is on a pinned card becomes a reader, with Element's client as it is;
// who has none on a card is a claim. The homeserver swaps the key that is pinned for one,
// has another's changed in the middle, adds a device and keeps a leaver listed: it gets
// nobody in as a reader, and the recorder says of whom it does not use keys.
func TestMatrixTrust(t *testing.T) {
	g := newBrowserLab(t, someBrowsers).ownMatrix(calls.Config{}).meeting(false, "ada", "ben", "cat")
	ada, ben, cat := g.people[0], g.people[1], g.people[2]
	adaHome := g.withCard(ada, "Ada", g.master(ada))
	// To the recorder, Ben has another master key than on his card, from the beginning.
	forged, err := calls.Forge(ben.User, "GHOST-BEN")
	if err != nil {
		t.Fatal(err)
	}
	g.withCard(ben, "Ben", g.master(ben))
	g.Proxy.SwapKeys(ben.User, forged.Keys, g.bot.ID)
	g.Proxy.AddDevice(ben.User, "GHOST-BEN", forged.Device, g.bot.ID)
	rec := g.recordCall()
	g.enter(ada)
	g.enter(ben)
	g.enter(cat)
	rec.records()
	g.keeps(rec.id, ada, cat)
	g.informed(g.home, g.store, rec.id, "Ada as a reader", func(i *show.InfoJSON) bool {
		return slices.ContainsFunc(epochs(i), func(s string) bool { return strings.Contains(s, "Ada") })
	})
	if opened, _ := g.tryKey(adaHome, g.store, rec.id); len(opened) == 0 {
		t.Error("Ada opens nothing")
	}
	g.until("the recorder says that Ben's keys are not used", func() bool {
		return strings.Contains(rec.stderr(), ben.User) && strings.Contains(rec.stderr(), "master key")
	})

	// A device that is made up joins in Ada's name; Cat leaves, and is kept listed.
	ghost, err := calls.Forge(ada.User, "GHOST")
	if err != nil {
		t.Fatal(err)
	}
	g.Proxy.AddDevice(ada.User, "GHOST", ghost.Device, g.bot.ID)
	if err := g.owner.SetState(g.ctx, g.room, "org.matrix.msc3401.call.member", "_"+ada.User+"_GHOST_m.call", map[string]any{"application": "m.call", "call_id": "", "scope": "m.room",
		"device_id": "GHOST", "expires": time.Hour.Milliseconds(), "focus_active": map[string]any{"type": "livekit", "focus_selection": "multi_sfu"},
		"foci_preferred": []any{map[string]any{"type": "livekit", "livekit_service_url": g.service, "livekit_alias": g.room}}}); err != nil {
		t.Fatal(err)
	}
	g.informed(g.home, g.store, rec.id, "the ghost in the call", func(i *show.InfoJSON) bool {
		for _, p := range i.Participants {
			if p.Identity == ada.User+":GHOST" {
				return true
			}
		}
		return false
	})
	g.Proxy.KeepListed("org.matrix.msc3401.call.member", "_"+cat.User+"_"+cat.Device+"_m.call")
	g.leave(cat)

	// And then Ada's master key is another: from there on she is no reader.
	g.Proxy.SwapKeys(ada.User, ghost.Keys, g.bot.ID)
	i := g.informed(g.home, g.store, rec.id, "an epoch without Ada", func(i *show.InfoJSON) bool {
		list := epochs(i)
		return len(list) > 1 && !strings.Contains(list[len(list)-1], "Ada")
	})
	for _, readers := range epochs(i) {
		if strings.Contains(readers, "Ben") || strings.Contains(readers, "Cat") {
			t.Errorf("an epoch is sealed to %s", readers)
		}
	}
	g.until("the recorder says that Ada's key changed", func() bool { return strings.Contains(rec.stderr(), ada.User) })
	if s := g.sees(ben, "a notice about it", func(s matrixjs.State) bool { return len(s.Texts) > 1 }); !s.Texts[0].Encrypted {
		t.Error("a notice is not encrypted")
	}
	rec.stop(syscall.SIGINT)

	i = g.info(g.home, g.store, rec.id)
	standings := make(map[string]string)
	for _, p := range i.Participants {
		standings[p.Identity] = p.Identified
	}
	t.Logf("the recorder said:\n%s\nidentified: %v\nreaders: %q", rec.stderr(), standings, epochs(i))
	lost := make(map[string]bool)
	for _, h := range i.Holes {
		if h.Reason == media.HoleNoKey {
			who, _, _ := strings.Cut(h.Label, " (")
			lost[who] = true
		}
	}
	if !lost[ben.name] || lost[cat.name] {
		t.Errorf("keys lack of %v, want of %s", slices.Collect(maps.Keys(lost)), ben.name)
	}
	if ben.kept(i, "microphone") {
		t.Error("something of Ben's is recorded")
	}
	if b, err := json.Marshal(i.Participants); err != nil || strings.Contains(string(b), "GHOST-BEN") {
		t.Errorf("a device that is in no call is a participant: %s, %v", b, err)
	}
}
