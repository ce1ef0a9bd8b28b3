package main

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
)

// Two browsers make the keys of a room. The recorder gets the key of one, through a full
// reconnect, and of the other after a change of mind. All three show the same room code.
func TestBrowserMemberKeys(t *testing.T) {
	l := newBrowserLab(t, someBrowsers)
	home, recorderCard := l.person("Recorder")
	bot, err := recorderCard.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	room := l.room("weekly")
	member := func(identity, card string) browser.Config {
		return l.sharing(keyed, browser.Config{Token: l.token(members.Grant{Room: room, Identity: identity, Name: card}), Card: card, RoomKeys: true, Pins: [][]byte{bot}})
	}
	all := l.enter(member("ada", "Ada"), member("ben", "Ben"))
	ada, ben := all[0], all[1]
	wait := func(m *browser.Member, what string, cond func(browser.State) bool) browser.State {
		t.Helper()
		s, err := m.Wait(l.ctx, cond)
		if err != nil {
			t.Fatalf("%s: %v\n%+v\n%v", what, err, s.Membership, s.Errors)
		}
		return s
	}
	for m, other := range map[*browser.Member]*browser.Member{ada: ben, ben: ada} {
		s := wait(m, "an identity", func(s browser.State) bool { return s.Membership.Card != "" })
		card, err := keys.ParseCard([]byte(s.Membership.Card))
		if err != nil {
			t.Fatal(err)
		}
		l.must(home, "keys", "add", "--fingerprint", s.Membership.Fingerprint, writeCard(t, card))
		if err := other.Pin(l.ctx, []byte(s.Membership.Card), s.Membership.Fingerprint); err != nil {
			t.Fatal(err)
		}
	}
	store := filepath.Join(l.dir, "store")
	rec := l.record(home, "--room", room, "--room-keys", "members", "--store", store, "--reader", "Recorder", "--segment", "1s")
	answer := func(m *browser.Member, yes bool) {
		t.Helper()
		s := wait(m, "a recorder", func(s browser.State) bool {
			return slices.ContainsFunc(slices.Collect(maps.Values(s.Membership.Peers)), func(p browser.Peer) bool { return p.Recorder && p.State.Phase == "recording" })
		})
		for identity, p := range s.Membership.Peers {
			if p.Recorder {
				if err := m.Answer(l.ctx, identity, yes); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	kept := func(who string) func(*show.InfoJSON) bool {
		return func(i *show.InfoJSON) bool {
			return slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool { return tr.Participant == who && tr.Codec != "" })
		}
	}
	answer(ada, true)
	answer(ben, false)
	l.informed(home, store, rec.id, "ada's track", kept("ada"))
	if err := ada.Simulate(l.ctx, "full-reconnect"); err != nil {
		t.Fatal(err)
	}
	wait(ada, "to be connected again", func(s browser.State) bool { return s.Connected })
	if kept("ben")(l.info(home, store, rec.id)) {
		t.Error("ben, who said no, has a track")
	}
	answer(ben, true)
	l.informed(home, store, rec.id, "ben's track", kept("ben"))
	l.until("the room code", func() bool {
		codes := regexp.MustCompile(`room code, of 2 people: (\S+)`).FindAllStringSubmatch(rec.stderr(), -1)
		return len(codes) > 0 && !slices.ContainsFunc(all, func(m *browser.Member) bool {
			return m.State().Membership.RoomCode != codes[len(codes)-1][1]
		})
	})
	rec.accounts(rec.stop(syscall.SIGINT), home, store)

	i := l.info(home, store, rec.id)
	for _, p := range i.Participants {
		if len(p.Agreed) == 0 || len(p.Faults) > 0 {
			t.Errorf("%s agreed to %+v, faults %q", p.Identity, p.Agreed, p.Faults)
		}
	}
	refused := false
	for _, h := range i.Holes {
		refused = refused || strings.HasPrefix(h.Label, "Ben") && h.Reason == media.HoleConsent
	}
	if !refused {
		t.Errorf("ben's no is no hole: %+v", i.Holes)
	}
	out, errs, code := l.run(home, nil, "verify", rec.id, "--store", store, "--deep", "--json")
	var v show.VerifyJSON
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 && code != 3 || !v.OK || v.Deep == nil || v.Deep.Notes < 2 {
		t.Errorf("verify: exit code %d, %v\n%s%s", code, err, out, errs)
	}
	for _, m := range all {
		if s := m.State(); len(s.Membership.Troubles) > 0 || len(s.Errors) > 0 {
			t.Errorf("%s was told %v, %v", s.Identity, s.Membership.Troubles, s.Errors)
		}
	}
}
