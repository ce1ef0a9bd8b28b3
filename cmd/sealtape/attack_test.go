//go:build unix

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// An attacker has the server's secret, and here the room's passphrase, too.
type attacker struct {
	*lab
	double map[string]*keys.Identity // with the names of others
}

// intrude lets the attacker in, with keys or without.
func (a *attacker) intrude(g members.Grant, id *keys.Identity) *members.Intruder {
	a.t.Helper()
	g.Room = a.room("weekly")
	i, err := members.Intrude(a.ctx, members.Config{URL: a.lk.URL, APIKey: a.lk.APIKey, APISecret: a.lk.APISecret,
		Passphrase: labPassphrase, Key: id, Judge: a.home(g.Identity)}, g)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(i.Leave)
	return i
}

// server is the attacker without a connection of its own.
func (a *attacker) server(identity string) members.Config {
	return members.Config{URL: a.lk.URL, APIKey: a.lk.APIKey, APISecret: a.lk.APISecret, Room: a.room("weekly"), Identity: identity}
}

// home is one that pins nobody.
func (a *attacker) home(name string) *keys.Home {
	a.t.Helper()
	h, err := keys.OpenHome(filepath.Join(a.dir, "attacker-"+name))
	if err != nil {
		a.t.Fatal(err)
	}
	return h
}

// as returns keys of the attacker's own with the name of somebody.
func (a *attacker) as(name string) *keys.Identity {
	a.t.Helper()
	d := keys.Description{Name: name}
	if name == "Recorder" {
		d.Role = keys.Recorder
	}
	id, err := keys.GenerateAs(d)
	if err != nil {
		a.t.Fatal(err)
	}
	a.double[name] = id
	return id
}

// send sends messages.
func (a *attacker) send(i *members.Intruder, packets ...members.Packet) {
	a.t.Helper()
	for _, p := range packets {
		if err := i.Send(p.Data, p.To...); err != nil {
			a.t.Fatal(err)
		}
	}
}

// TestServerSideAttacker: whoever has the server's secret, and even the room's
// passphrase, can send what they like under any identity, and keep anything from
// arriving. Members and the recorder say what that was, and nobody becomes a reader
// by it.
func TestServerSideAttacker(t *testing.T) {
	a := &attacker{lab: newLab(t), double: make(map[string]*keys.Identity)}
	home, botCard := a.person("Recorder")
	adaHome, adaCard := a.person("Ada", botCard)
	carlHome, carlCard := a.person("Carl", botCard)
	doraHome, doraCard := a.person("Dora", botCard)
	benHome, benCard := a.person("Ben", botCard, adaCard, carlCard, doraCard)
	for _, c := range []keys.Card{adaCard, benCard, carlCard, doraCard} {
		a.must(home, "keys", "add", "--yes", writeCard(t, c))
	}
	mallory := a.as("Mallory")

	// Yesterday Carl proved who he is. All that he said passed through the server.
	_, carlKey := a.identity(carlHome)
	carl := a.intrude(members.Grant{Identity: "carl"}, carlKey)
	bot := a.prover(home, members.Config{Room: a.room("weekly"), Identity: "bot"})
	ben := a.prover(benHome, members.Config{Room: a.room("weekly"), Identity: "ben"})
	for _, m := range []*members.Member{bot, ben} {
		if err := m.Wait(a.ctx, func() bool { return m.Session().Peer("carl").Standing == member.Verified }); err != nil {
			t.Fatalf("yesterday: %v: %+v %+v", err, m.Session().Peers(), m.Troubles())
		}
	}
	yesterday := carl.Said()
	carl.Leave()
	for _, m := range []*members.Member{bot, ben} {
		if err := m.Leave(); err != nil {
			t.Fatal(err)
		}
	}

	// Today, where who says nothing is found out sooner than in earnest.
	const soon = 5 * time.Second
	a.vars = append(a.vars, silentVar+"="+soon.String())
	store := filepath.Join(a.dir, "store")
	a.publisher(a.room("weekly"), "speaker", "Speaker")
	rec := a.record(home, "--room", a.room("weekly"), "--identity", "bot", "--store", store, "--reader", "Recorder", "--segment", "1s")
	a.prover(adaHome, members.Config{Room: a.room("weekly"), Identity: "ada", Audio: fixtures.Speech(0)})
	ben = a.prover(benHome, members.Config{Room: a.room("weekly"), Identity: "ben", SilentAfter: soon})
	a.prover(doraHome, members.Config{Room: a.room("weekly"), Identity: "dora"})
	a.recorderSeen(ben, func(p member.Peer) bool { return p.State.Phase == "recording" && len(p.State.Readers) == 4 })
	a.stored(store, rec.id, "ada reads what she attends", func() bool {
		opened, _ := a.tryKey(adaHome, store, rec.id)
		return len(opened) > 0
	})
	a.told = func() string {
		return fmt.Sprintf("Ben was told %+v\nthe recorder says:\n%s", ben.Troubles(), rec.stderr())
	}
	told := func(identity string, trouble member.Trouble) int {
		n := 0
		for _, e := range ben.Troubles() {
			if e.Identity == identity && e.Trouble == trouble {
				n++
			}
		}
		return n
	}

	// Each attack begins before the next, and works on beside it.
	if err := members.Gag(a.ctx, a.server("dora")); err != nil {
		t.Fatal(err)
	}
	ghost := a.intrude(members.Grant{Identity: "ghost", Hidden: true}, nil)
	a.send(ghost, members.Packet{Data: yesterday[0].Data})

	replay := a.intrude(members.Grant{Identity: "carl"}, nil)
	a.send(replay, yesterday...)

	other := a.intrude(members.Grant{Identity: "bot-2"}, a.as("Recorder"))
	lie := member.State{Phase: "recording", Recording: rec.id, Access: "present", Policy: "verified", Keeps: "everyone", Consent: "announce",
		Store: "folder", Readers: []member.Reader{{Fingerprint: cardOf(t, mallory).Fingerprint(), Name: "Mallory"}}}
	if err := other.Session().Announce(lie); err != nil {
		t.Fatal(err)
	}

	key, err := members.RoomKey(labPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	changer := a.intrude(members.Grant{Identity: "mallory"}, mallory)
	var state []byte
	a.until("a state of the recorder", func() bool {
		i := slices.IndexFunc(changer.Heard(), func(p members.Packet) bool {
			message, err := key.Open(p.Data)
			if err != nil {
				t.Errorf("%s speaks in the clear: %v", p.From, err)
			}
			if p.From != "bot" || !bytes.HasPrefix(message, []byte("sealtape.v1/recorder\n")) {
				return false
			}
			state = message
			return true
		})
		return i >= 0 && ben.Session().Peer("mallory").Card.Name == "Mallory"
	})
	added := "\nreader: " + cardOf(t, mallory).Fingerprint().String() + " " + base64.StdEncoding.EncodeToString([]byte("Mallory")) + "\n\n"
	forged := regexp.MustCompile(`(?m)^to: .*$`).ReplaceAll(state, []byte("to: "))
	packet, err := key.Seal(bytes.Replace(forged, []byte("\n\n"), []byte(added), 1))
	if err != nil {
		t.Fatal(err)
	}
	a.send(changer, members.Packet{Data: packet})

	a.intrude(members.Grant{Identity: "ada"}, a.as("Ada")) // the server lets go of the one who is there

	a.until("hidden", func() bool { return told("", member.Hidden) >= 1 && strings.Contains(rec.stderr(), "(hidden)") })
	if err := members.SendAsServer(a.ctx, a.server(""), yesterday[0].Data); err != nil {
		t.Fatal(err)
	}
	// The recorder says the same once a minute, and notes it each time.
	a.until("the server's word", func() bool { return told("", member.Hidden) >= 2 })

	type finding struct {
		identity string
		trouble  member.Trouble
	}
	believed := func() {
		t.Helper()
		for _, p := range ben.Session().Peers() {
			if p.Standing == member.Verified && (p.Identity == "carl" || p.Identity == "bot-2" || p.Identity == "mallory" || p.Identity == "ada" && p.Card.Key != adaCard.Key ||
				slices.ContainsFunc(p.State.Readers, func(r member.Reader) bool { return r.Name == "Mallory" })) {
				t.Fatalf("ben believes %+v", p)
			}
		}
	}
	both := []finding{{"carl", member.Stale}, {"carl", member.Silent}, {"bot-2", member.Impostor}, {"mallory", member.BadSignature}, {"ada", member.OtherCard}, {"ada", member.Impostor}}
	for _, f := range both {
		a.until("ben is told that "+f.identity+" is "+string(f.trouble), func() bool { believed(); return told(f.identity, f.trouble) > 0 })
	}
	says := func(f finding) bool {
		return slices.ContainsFunc(strings.Split(rec.stderr(), "\n"), func(line string) bool {
			return strings.Contains(line, f.identity+": ") && strings.HasSuffix(line, "("+string(f.trouble)+")")
		})
	}
	// To the recorder, which reads the server's list, who takes ada's place is
	// another visit, and another's card no change of hers.
	atRecorder := append(slices.DeleteFunc(slices.Clone(both), func(f finding) bool { return f.trouble == member.OtherCard }),
		finding{"dora", member.Silent})
	for _, f := range atRecorder {
		a.until("the recorder says that "+f.identity+" is "+string(f.trouble), func() bool { return says(f) })
	}

	// Last, the server takes the recorder's own place.
	bogus := a.intrude(members.Grant{Identity: "bot"}, a.double["Recorder"])
	if err := bogus.Session().Announce(lie); err != nil {
		t.Fatal(err)
	}
	a.until("ben is told of another recorder", func() bool {
		believed()
		return told("bot", member.Impostor)+told("bot", member.OtherCard) > 0
	})
	if code := rec.wait(); code != ui.ExitFailed || !strings.Contains(rec.stderr(), "--identity") {
		t.Fatalf("record: exit code %d\n%s", code, rec.stderr())
	}

	found := make(map[finding]int)
	var verified []string
	for _, e := range a.timeline(home, rec.id, store) {
		switch e.Type {
		case media.EventIntegrity:
			found[finding{e.Participant, member.Trouble(strings.TrimPrefix(e.Reason, "member: "))}]++
		case media.EventVerified:
			verified = append(verified, e.Participant+" is "+e.Name)
		}
	}
	for _, f := range append(atRecorder, finding{"", member.Hidden}) {
		if found[f] == 0 {
			t.Errorf("the timeline does not say that %q is %s: %v", f.identity, f.trouble, found)
		}
	}
	if n := found[finding{"", member.Hidden}]; n < 2 {
		t.Errorf("the timeline tells of %d hidden words", n)
	}
	// Whose place was taken is taken for nobody or has left, whichever comes first.
	verified = slices.DeleteFunc(verified, func(s string) bool { return s == "ada is " })
	slices.Sort(verified)
	if want := []string{"ada is Ada", "ben is Ben", "dora is Dora"}; !slices.Equal(verified, want) {
		t.Errorf("verified %q, want %q", verified, want)
	}

	h, err := keys.OpenHome(home)
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range a.double {
		if opened, locked := a.tryIdentity(h, id, store, rec.id); len(opened) > 0 || len(locked) < 3 {
			t.Errorf("the attacker opens %v and not %v as %s", opened, locked, name)
		}
	}
	for name, tt := range map[string]struct {
		home      string
		some, all bool // what they open
	}{"the recorder": {home, true, true}, "ada, until she was thrown out": {adaHome, true, false}, "ben": {benHome, true, true}, "carl": {carlHome, false, false}} {
		opened, locked := a.tryKey(tt.home, store, rec.id)
		if len(opened) > 0 != tt.some || name != "ben" && len(locked) == 0 != tt.all {
			t.Errorf("%s opens %v and not %v", name, opened, locked)
		}
	}
}

func cardOf(t *testing.T, id *keys.Identity) keys.Card {
	t.Helper()
	c, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
