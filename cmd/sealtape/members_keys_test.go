//go:build unix

package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// keyMaker joins a room as a member who makes a key of its own.
func (l *lab) keyMaker(home string, c members.Config) *members.Member {
	l.t.Helper()
	h, id := l.identity(home)
	c.RoomKeys, c.Key, c.Judge = true, id, h
	return l.join(c)
}

// TestRecordMemberKeys: with --room-keys members nobody types a passphrase. Who agrees is
// recorded, also who comes late; who does not is a hole that makes nothing incomplete.
// While the recorder is paused its key is taken from it, and when it leaves all change
// theirs. The recording says who signed what. A room with a passphrase beside it is
// recorded as before.
func TestRecordMemberKeys(t *testing.T) {
	l := newLab(t)
	begun := time.Now().Truncate(time.Second)
	home, recorderCard := l.person("Recorder")
	adaHome, adaCard := l.person("Ada", recorderCard)
	benHome, benCard := l.person("Ben", recorderCard, adaCard)
	cyHome, cyCard := l.person("Cy", recorderCard, adaCard, benCard)
	l.must(adaHome, "keys", "add", "--yes", writeCard(t, benCard))
	l.must(adaHome, "keys", "add", "--yes", writeCard(t, cyCard))
	l.must(benHome, "keys", "add", "--yes", writeCard(t, cyCard))
	for _, card := range []string{writeCard(t, adaCard), writeCard(t, benCard), writeCard(t, cyCard)} {
		l.must(home, "keys", "add", "--yes", card)
	}
	store, beside := filepath.Join(l.dir, "store"), filepath.Join(l.dir, "beside")
	room := l.room("weekly")
	l.publisher(l.room("beside"), "speaker", "Speaker")
	other := l.record(home, "--room", l.room("beside"), "--store", beside, "--reader", "Recorder", "--segment", "1s")
	rec := l.record(home, "--room", room, "--room-keys", "members", "--store", store, "--reader", "Recorder", "--segment", "1s")
	ada := l.keyMaker(adaHome, members.Config{Room: room, Identity: "ada", Name: "Ada", Audio: fixtures.Speech(0)})
	ben := l.keyMaker(benHome, members.Config{Room: room, Identity: "ben", Name: "Ben", Audio: fixtures.Speech(1)})
	recording := func(p member.Peer) bool { return p.State.Phase == "recording" }
	bot := l.recorderSeen(ada, recording).Identity
	l.recorderSeen(ben, recording)
	answer := func(m *members.Member, yes bool) {
		t.Helper()
		if err := m.Answer(l.ctx, bot, yes); err != nil {
			t.Fatal(err)
		}
	}
	answer(ada, true)
	answer(ben, false)
	kept := func(i *show.InfoJSON, who string) bool {
		return slices.ContainsFunc(i.Tracks, func(tr show.InfoTrackJSON) bool { return tr.Participant == who && tr.Codec != "" })
	}
	l.informed(home, store, rec.id, "ada's track", func(i *show.InfoJSON) bool { return kept(i, "ada") })

	// Who comes late is admitted by a step, of which nobody else hears.
	cy := l.keyMaker(cyHome, members.Config{Room: room, Identity: "cy", Name: "Cy", Audio: fixtures.Speech(0)})
	l.recorderSeen(cy, recording)
	answer(cy, true)
	l.informed(home, store, rec.id, "cy's track", func(i *show.InfoJSON) bool { return kept(i, "cy") })

	// A pause takes the keys from the recorder: the others get fresh ones.
	before := cy.Given("ada").Chains
	rec.signal(syscall.SIGUSR1)
	if err := cy.Wait(l.ctx, func() bool { return cy.Session().Peer(bot).State.Phase == "paused" }); err != nil {
		t.Fatal(err)
	}
	l.until("ada gives cy another key", func() bool { return cy.Given("ada").Chains > before })
	rec.signal(syscall.SIGUSR1)
	l.recorderSeen(ada, recording)
	spans := func(i *show.InfoJSON, who string) int {
		for _, p := range i.Participants {
			if p.Identity == who {
				return len(p.Agreed)
			}
		}
		return 0
	}
	l.informed(home, store, rec.id, "ada's key after the pause", func(i *show.InfoJSON) bool { return spans(i, "ada") == 2 && spans(i, "cy") == 2 })
	l.until("the room code", func() bool { return strings.Contains(rec.stderr(), "room code, of 3 people: ") })
	codes := regexp.MustCompile(`room code, of 3 people: (\S+)`).FindAllStringSubmatch(rec.stderr(), -1)
	peer := ada.Session().Peer(bot)
	if code := roomkeys.RoomCode(ada.Exchange().Roster(), peer.State.CodeLines(room, peer.Card.Key)); codes[len(codes)-1][1] != code {
		t.Errorf("ada's room code is %s, the recorder's %q", code, codes)
	}

	// When the recorder is gone, all change their keys.
	before = cy.Given("ada").Chains
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	l.until("ada gives cy another key", func() bool { return cy.Given("ada").Chains > before })
	other.accounts(other.stop(syscall.SIGINT), home, beside)
	if i := l.info(home, beside, other.id); i.MemberKeys || !kept(i, "speaker") {
		t.Errorf("the room beside: %+v", i.Tracks)
	}

	i := l.info(home, store, rec.id)
	if !i.MemberKeys || spans(i, "ben") != 0 || kept(i, "ben") {
		t.Errorf("member keys: %t, ben agreed to %d spans", i.MemberKeys, spans(i, "ben"))
	}
	for _, p := range i.Participants {
		if len(p.Faults) > 0 {
			t.Errorf("%s: %q", p.Identity, p.Faults)
		}
		for _, a := range p.Agreed {
			if !strings.HasPrefix(a.By, a.Name+" (") || len(a.Readers) == 0 || a.Access != "present" || a.Signed.Before(begun) || a.Signed.After(time.Now()) {
				t.Errorf("%s: %+v", p.Identity, a)
			}
		}
	}
	if out := l.informs(home, rec.id, "--store", store); !strings.Contains(out, "nothing of theirs was opened") || !strings.Contains(out, "Recorder (") {
		t.Errorf("info says %s", out)
	}
	reasons := make(map[string]bool)
	for _, h := range i.Holes {
		if strings.HasPrefix(h.Label, "Ben") {
			reasons[h.Reason] = true
		}
	}
	if !reasons[media.HoleConsent] {
		t.Errorf("ben's holes: %v", reasons)
	}
	out, errs, code := l.run(home, nil, "verify", rec.id, "--store", store, "--deep", "--json")
	var v show.VerifyJSON
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 && code != 3 || !v.OK || v.Deep == nil || v.Deep.Notes < 4 {
		t.Errorf("verify: exit code %d, %v\n%s%s", code, err, out, errs)
	}
}
