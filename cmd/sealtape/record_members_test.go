package main

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestMembershipFollowsItsSession: who reads and is kept is what the session says
// now; an answer counts until a later one, in the chat or by key.
func TestMembershipFollowsItsSession(t *testing.T) {
	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := home.Init("Recorder", nil)
	if err != nil {
		t.Fatal(err)
	}
	cards := make(map[string]keys.Card)
	for _, name := range []string{"Ada", "Mallory"} {
		other, err := keys.Generate(name)
		if err != nil {
			t.Fatal(err)
		}
		if cards[name], err = other.Card(); err != nil {
			t.Fatal(err)
		}
	}
	if err := home.Add(cards["Ada"]); err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{false, true} {
		m := &membership{
			policy: policy{readers: "verified", record: "verified", consent: "ask"}, whole: whole, home: home, log: slog.New(slog.DiscardHandler),
			notef: func(string, ...any) {}, store: "folder", id: "0123456789ABCDEFGHJKMNPQRS", wake: make(chan struct{}, 1),
			people: make(map[string]*attendee), changed: make(map[string]bool), phase: "recording", roster: recorder.NewRoster(),
		}
		visits := 0
		come := func() {
			visits++
			visit, _ := m.roster.Came(recorder.Member{Identity: "ada", SID: fmt.Sprint("PA_", visits)})
			m.came("ada", visit)
		}
		leave := func() {
			m.roster.Went("ada", "")
			m.went("ada")
		}
		if m.session, err = member.New(member.Config{Room: "weekly", Identity: "bot", Key: id, Judge: home, Notify: m.notice,
			Send: func(context.Context, []string, []byte) error { return nil }}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		ada := member.Peer{Identity: "ada", Standing: member.Verified, Card: cards["Ada"], Seen: true, Answered: now, Yes: true}
		later := ada
		later.Answered = now.Add(time.Second)
		for _, step := range []struct {
			what string
			do   func()
			kept string // why not
			here int    // members who read what is recorded now
		}{
			{"unknown", come, media.GapConsent, 0},
			{"said yes", func() { m.consider(ada) }, "", 1},
			{"wrote no", func() { m.wrote("ada", media.EventChat, "No.") }, media.GapConsent, 1},
			{"said nothing new", func() { m.consider(ada) }, media.GapConsent, 1},
			{"wrote yes after an answer by key", func() { m.wrote("ada", media.EventChat, "yes") }, media.GapConsent, 1},
			{"wrote yes once back", func() { leave(); come(); m.wrote("ada", media.EventChat, "yes") }, media.GapConsent, 0},
			{"yes of before", func() { m.consider(ada) }, media.GapConsent, 1},
			{"said yes later", func() { m.consider(later) }, "", 1},
			{"replaced by another", func() {
				m.consider(member.Peer{Identity: "ada", Standing: member.Claimed, Card: cards["Mallory"]})
			}, media.GapConsent, 0},
			{"back", func() { later.Answered = later.Answered.Add(time.Second); m.consider(later) }, "", 1},
			{"unproved", func() { p := later; p.Standing, p.Answered = member.Unknown, time.Time{}; m.consider(p) }, media.GapUnverified, 0},
			{"back again", func() {
				p := later
				p.Answered = later.Answered.Add(time.Second)
				m.consider(p)
			}, "", 1},
			{"another connected under the identity, of which no event was accepted", func() {
				m.roster.Came(recorder.Member{Identity: "ada", SID: "PA_other"})
				m.consider(later)
			}, media.GapConsent, 0},
			{"gone", func() { leave(); m.consider(later) }, media.GapConsent, 0},
		} {
			step.do()
			if got := m.permission("ada"); got != step.kept && !(whole && step.what == "gone") {
				t.Errorf("whole %v, %s: kept %q, want %q", whole, step.what, got, step.kept)
			}
			if _, _, got := m.reader("ada"); len(got) != step.here && !whole {
				t.Errorf("%s: %d cards, want %d", step.what, len(got), step.here)
			}
		}
		if got := len(m.state().Readers); got != 0 && !whole || got != 1 && whole {
			t.Errorf("whole %v: %d readers at the end", whole, got)
		}
		if len(m.people) > 1 || !whole && len(m.people) > 0 {
			t.Errorf("whole %v: %d are remembered", whole, len(m.people))
		}
		// A caller agrees, and takes it back, by the keys of a telephone.
		visit, _ := m.roster.Came(recorder.Member{Identity: "caller", SID: "PA_caller"})
		m.came("caller", visit)
		m.policy.record = "everyone"
		for _, step := range []struct{ key, kept string }{{"4", media.GapConsent}, {"1", ""}, {"7", ""}, {"2", media.GapConsent}, {"1", ""}} {
			m.wrote("caller", recorder.EventDialed, step.key)
			if got := m.permission("caller"); got != step.kept {
				t.Errorf("after %s was pressed: %q, want %q", step.key, got, step.kept)
			}
		}
	}
}

func TestAnswerTo(t *testing.T) {
	for _, tt := range []struct {
		typ  media.EventType
		text string
		want reply
	}{
		{media.EventChat, " Yes!\n", yes},
		{media.EventChat, "no.", no},
		{media.EventChat, "1", unanswered},
		{media.EventChat, "yes, but later", unanswered},
		{recorder.EventDialed, "1", yes},
		{recorder.EventDialed, "2", no},
		{recorder.EventDialed, "yes", unanswered},
		{recorder.EventDialed, "#", unanswered},
		{media.EventReaction, "yes", unanswered},
	} {
		if got := answerTo(tt.typ, tt.text); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.typ, tt.text, got, tt.want)
		}
	}
}
