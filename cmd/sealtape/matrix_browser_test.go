//go:build unix

package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/testdata/matrixjs"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A call of people in Element's code, recorded: in either format with all that happens to
// members, or to the recorder, or with servers that die.
func TestMatrixMeeting(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		run  func(*testing.T)
	}{
		{"members come and go", func(t *testing.T) { matrixMembersChange(t, false) }},
		{"members come and go, sticky", func(t *testing.T) { matrixMembersChange(t, true) }},
		{"a recorder dies", func(t *testing.T) { matrixRecorderDies(t, false) }},
		{"a recorder dies, sticky", func(t *testing.T) { matrixRecorderDies(t, true) }},
		{"servers restart", matrixServersRestart},
	}
	for i := range sample.Cases(t, len(cases), 2) { // one of members, and one of the others
		t.Run(cases[i].name, cases[i].run)
	}
}

// matrixMembersChange: two people talk, one leaves and comes back, a third joins late. All
// that they sent is recorded under their names, and nothing is missing for want of a key.
func matrixMembersChange(t *testing.T, sticky bool) {
	g := newBrowserLab(t, someBrowsers).matrix().meeting(sticky, "ada", "ben", "cat")
	ada, ben, cat := g.people[0], g.people[1], g.people[2]
	rec := g.begins(ada, ben)
	// What it said before it knew of his device, Ben cannot read, as in any room of Matrix.
	notice := func(x matrixjs.Text) bool { return x.From == g.bot.ID && x.Kind == "m.notice" && x.Encrypted }
	s := g.sees(ben, "the recorder, its name and its notice", func(s matrixjs.State) bool {
		m, ok := s.Member(g.bot.ID, "")
		return ok && len(m.Data["dev.sealtape.recorder"]) > 0 && strings.Contains(strings.ToLower(s.Names[g.bot.ID]), "record") && slices.ContainsFunc(s.Texts, notice)
	})
	if bot, _ := s.Member(g.bot.ID, ""); bot.Sticky != sticky {
		t.Errorf("the recorder is in the call as %+v", bot)
	}
	if s.Members[0].User == g.bot.ID {
		t.Error("the recorder was the first in the call")
	}
	if i := slices.IndexFunc(s.Texts, notice); !strings.Contains(s.Texts[i].Body, g.card.Fingerprint().String()) {
		t.Errorf("the notice does not say whose recorder it is: %q", s.Texts[i].Body)
	}
	// Keys change as somebody leaves, and who comes back has others.
	before := len(g.sees(ada, "her key", func(s matrixjs.State) bool { return len(s.KeysOf(ada.User)) > 0 }).KeysOf(ada.User))
	g.leave(ben)
	g.sees(ada, "a new key of her own", func(s matrixjs.State) bool { return len(s.KeysOf(ada.User)) > before })
	g.enter(ben)
	g.joins(rec.id, ben, 2)
	g.segments(g.home, g.store, rec.id, g.listed(g.home, g.store, rec.id)+2)
	g.enter(cat)
	g.keeps(rec.id, cat)
	g.ends(rec, ada)
	g.carries(rec.id, ada, ben, cat)
	g.untroubled()
}

// matrixRecorderDies: the homeserver takes a recorder that was killed off the members' lists.
// Another goes on under the keys that are there, and of neither anything is missing for want
// of one.
func matrixRecorderDies(t *testing.T, sticky bool) {
	g := newBrowserLab(t, someBrowsers).matrix().meeting(sticky, "ada", "ben")
	ada, ben := g.people[0], g.people[1]
	rec := g.begins(ada, ben)
	rec.signal(syscall.SIGKILL)
	rec.wait()
	killed := time.Now()
	for _, p := range g.people {
		g.sees(p, "the recorder gone", func(s matrixjs.State) bool {
			_, there := s.Member(g.bot.ID, "")
			return !there
		})
	}
	t.Logf("a recorder that was killed is gone from the lists after %.1f s", time.Since(killed).Seconds())
	onlyStarts(t, g.info(g.home, g.store, rec.id))

	again := g.recordCall()
	again.records()
	g.keeps(again.id, ada, ben)
	g.leave(ben)
	i := g.informed(g.home, g.store, again.id, "more of Ada's sound", func(i *show.InfoJSON) bool {
		return i.Duration != nil && *i.Duration > 4
	})
	for _, p := range i.Participants {
		if p.Identity == ada.identity() && p.Name != ada.name {
			t.Errorf("Ada is called %q", p.Name)
		}
	}
	g.ends(again, ada)
	g.carries(again.id, ada, ben)
	g.carries(rec.id, ada, ben)
	g.untroubled()
}

// begins begins a recording before two people come, and returns when it keeps something of both.
func (g *matrixMeeting) begins(one, other *callPerson) *recorderProcess {
	g.t.Helper()
	rec := g.recordCall()
	g.sees(one, "the recorder in the room", func(s matrixjs.State) bool { return s.Names[g.bot.ID] != "" })
	g.enter(one)
	g.enter(other)
	rec.records()
	g.keeps(rec.id, one, other)
	return rec
}

// ends ends a recorder, which leaves the call and its name there, as somebody sees who leaves
// then, too.
func (g *matrixMeeting) ends(rec *recorderProcess, p *callPerson) {
	g.t.Helper()
	rec.accounts(rec.stop(syscall.SIGINT), g.home, g.store)
	g.sees(p, "the recorder gone, and its name as before", func(s matrixjs.State) bool {
		_, there := s.Member(g.bot.ID, "")
		return !there && !strings.Contains(strings.ToLower(s.Names[g.bot.ID]), "record")
	})
	onlyStarts(g.t, g.info(g.home, g.store, rec.id))
	g.leave(p)
}

// untroubled holds that nobody's client had trouble.
func (g *matrixMeeting) untroubled() {
	g.t.Helper()
	for _, p := range g.people {
		if s, err := p.State(g.ctx, g.room); err != nil || len(s.Errors) > 0 {
			g.t.Errorf("%s: %v, %v", p.name, s.Errors, err)
		}
	}
}
