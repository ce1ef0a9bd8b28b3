//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestBrowserMembership: two web clients with keys/web/member.js prove who they are,
// become readers, and open the recording with keys that their browsers made and
// exported; a third without it is unknown, and nobody's reader. One is asked for
// consent and takes it back.
func TestBrowserMembership(t *testing.T) {
	l := newBrowserLab(t, someBrowsers)
	home, botCard := l.person("Recorder")
	bot, err := botCard.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	member := func(identity, card string, pins ...[]byte) browser.Config {
		return l.sharing(filming, browser.Config{Token: l.token(members.Grant{Room: l.room("weekly"), Identity: identity, Name: "as the server says"}),
			Passphrase: labPassphrase, Card: card, Pins: pins})
	}
	wait := func(m *browser.Member, what string, cond func(browser.State) bool) browser.State {
		t.Helper()
		s, err := m.Wait(l.ctx, cond)
		if err != nil {
			t.Fatalf("%s: %v\n%+v\n%v", what, err, s.Membership, s.Errors)
		}
		return s
	}
	all := l.enter(member("tab-1", "Ada", bot), member("tab-2", "Ben"), member("tab-3", ""))
	ada, ben := all[0], all[1]
	cards := make(map[string]keys.Card)
	for name, m := range map[string]*browser.Member{"Ada": ada, "Ben": ben} {
		s := wait(m, "an identity", func(s browser.State) bool { return s.Membership.Card != "" })
		if cards[name], err = keys.ParseCard([]byte(s.Membership.Card)); err != nil {
			t.Fatal(err)
		}
		if cards[name].Fingerprint().String() != s.Membership.Fingerprint {
			t.Errorf("%s sees the words %q", name, s.Membership.Fingerprint)
		}
		l.must(home, "keys", "add", "--fingerprint", s.Membership.Fingerprint, writeCard(t, cards[name]))
	}
	store := filepath.Join(l.dir, "store")
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s", "--consent", "ask", "--metrics-addr", "127.0.0.1:0")
	// Ben has not pinned the recorder's card: to him it is a claim, until he compares
	// its words.
	recorderOf := func(s browser.State) (string, browser.Peer) {
		for identity, p := range s.Membership.Peers {
			if p.Recorder {
				return identity, p
			}
		}
		return "", browser.Peer{}
	}
	wait(ben, "the recorder's claim", func(s browser.State) bool {
		_, p := recorderOf(s)
		return p.Standing == "claimed" && p.Name == "Recorder" && s.Membership.Code == ""
	})
	if err := ben.Pin(l.ctx, bot, "abandon abandon abandon abandon abandon abandon abandon ability"); err == nil {
		t.Error("pinned by other words")
	}
	if err := ben.Pin(l.ctx, bot, botCard.Fingerprint().String()); err != nil {
		t.Fatal(err)
	}
	var codes []string
	var identity string
	for _, m := range []*browser.Member{ada, ben} {
		s := wait(m, "a verified recorder that tells both readers", func(s browser.State) bool {
			_, p := recorderOf(s)
			return p.Standing == "verified" && p.State.Phase == "recording" && len(p.State.Readers) == 3 && s.Membership.Code != ""
		})
		codes = append(codes, s.Membership.Code)
		var p browser.Peer
		if identity, p = recorderOf(s); p.State.Recording != rec.id || p.State.Consent != "ask" {
			t.Errorf("the recorder says %+v", p.State)
		}
		if third := s.Membership.Peers["tab-3"]; third.Standing != "unknown" {
			t.Errorf("the third is %+v", third)
		}
	}
	if codes[0] != codes[1] {
		t.Errorf("meeting codes %q", codes)
	}
	rec.withholds(200, recorder.NotPermitted) // a second of all three
	if err := ada.Answer(l.ctx, identity, true); err != nil {
		t.Fatal(err)
	}
	if err := ben.Say(l.ctx, "yes"); err != nil {
		t.Fatal(err)
	}
	l.informed(home, store, rec.id, "that both agree", func(i *show.InfoJSON) bool {
		given := 0
		for _, e := range i.Timeline {
			if e.Type == media.EventConsent && e.Reason == "given" {
				given++
			}
		}
		return given == 2
	})
	l.segments(home, store, rec.id, l.listed(home, store, rec.id)+3)
	if err := ada.Answer(l.ctx, identity, false); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("SEALTAPE_SCREENSHOTS"); dir != "" {
		png, err := ada.Screenshot(l.ctx)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "membership.png"), png, 0o644)
		}
		if err != nil {
			t.Error(err)
		}
	}
	exports := make(map[string]string)
	var g errgroup.Group // a passphrase takes its time
	var mu sync.Mutex
	for name, m := range map[string]*browser.Member{"Ada": ada, "Ben": ben} {
		g.Go(func() error {
			file, err := m.ExportIdentity(l.ctx, "xyzzy plugh")
			mu.Lock()
			defer mu.Unlock()
			exports[name] = file
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*browser.Member{"Ada": ada, "Ben": ben} {
		s := m.State()
		if len(s.Membership.Troubles) > 0 || len(s.Errors) > 0 {
			t.Errorf("%s was told %v, %v", name, s.Membership.Troubles, s.Errors)
		}
	}
	l.segments(home, store, rec.id, l.listed(home, store, rec.id)+1)
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	if !strings.Contains(rec.stderr(), "meeting code: "+codes[0]) {
		t.Errorf("the recorder told another code than %q:\n%s", codes[0], rec.stderr())
	}
	// With what the browsers exported, and nothing else, both open it.
	for name, file := range exports {
		path := filepath.Join(l.dir, name+".identity")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		theirs := filepath.Join(l.dir, "from-browser-"+name)
		vars := []string{"SEALTAPE_PASSPHRASE=xyzzy plugh"}
		for _, args := range [][]string{{"keys", "import", "--no-passphrase", path}, {"keys", "add", "--recorder", "--yes", writeCard(t, botCard)}} {
			if _, errs, code := l.run(theirs, vars, args...); code != 0 {
				t.Fatalf("%v: exit code %d\n%s", args, code, errs)
			}
		}
		if opened, _ := l.tryKey(theirs, store, rec.id); len(opened) < 4 {
			t.Errorf("%s opens %v", name, opened)
		}
	}
	var verified, said []string
	kept := make(map[string]bool)
	for _, e := range l.timeline(home, rec.id, store) {
		switch e.Type {
		case media.EventVerified:
			verified = append(verified, e.Participant+" "+e.Name+" "+e.Reason)
		case media.EventConsent:
			said = append(said, e.Participant+" "+e.Reason)
		case media.EventHole:
			if e.Reason == media.HoleConsent && e.To-e.From > 0 {
				kept[e.Participant] = true
			}
		}
	}
	slices.Sort(verified)
	slices.Sort(said)
	if want := []string{"tab-1 Ada proof", "tab-2 Ben proof"}; !slices.Equal(verified, want) {
		t.Errorf("verified %q, want %q", verified, want)
	}
	if want := []string{"tab-1 given", "tab-1 withdrawn", "tab-2 given"}; !slices.Equal(said, want) {
		t.Errorf("answers %q, want %q", said, want)
	}
	var info struct {
		Participants []struct{ Identity, Identified string }
	}
	if err := json.Unmarshal([]byte(l.informs(home, rec.id, "--store", store, "--json")), &info); err != nil {
		t.Fatal(err)
	}
	for _, p := range info.Participants {
		if want := map[string]string{"tab-1": "proved", "tab-2": "proved", "tab-3": "unknown"}[p.Identity]; p.Identified != want {
			t.Errorf("%s is %s, want %s", p.Identity, p.Identified, want)
		}
	}
	for _, who := range []string{"tab-1", "tab-2", "tab-3"} {
		if !kept[who] {
			t.Errorf("nothing of %s was left out for want of consent", who)
		}
	}
}
