package bot

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

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
	id, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
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
			policy: Policy{Readers: ReadersVerified, Record: RecordVerified, Consent: ConsentAsk}, whole: whole, home: home, log: slog.New(slog.DiscardHandler),
			notef: func(string, ...any) {}, store: "folder", id: "0123456789ABCDEFGHJKMNPQRS", wake: make(chan struct{}, 1),
			people: make(map[string]*attendee), changed: make(map[string]bool), phase: "recording", roster: recorder.NewRoster(), keyed: true,
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
		if m.session, err = member.New(member.Config{Room: "weekly", SID: func() string { return "RM_1" }, Identity: "bot", Key: id, Judge: home, Notify: m.notice,
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
			{"unknown", come, media.HoleConsent, 0},
			{"said yes", func() { m.consider(ada, m.absences) }, "", 1},
			{"wrote no", func() { m.wrote(wrote("No.")) }, media.HoleConsent, 1},
			{"said nothing new", func() { m.consider(ada, m.absences) }, media.HoleConsent, 1},
			{"wrote yes after an answer by key", func() { m.wrote(wrote("yes")) }, media.HoleConsent, 1},
			{"wrote yes once back", func() { leave(); come(); m.wrote(wrote("yes")) }, media.HoleConsent, 0},
			{"yes of before", func() { m.consider(ada, m.absences) }, media.HoleConsent, 1},
			{"said yes later", func() { m.consider(later, m.absences) }, "", 1},
			{"replaced by another", func() {
				m.consider(member.Peer{Identity: "ada", Standing: member.Claimed, Card: cards["Mallory"]}, m.absences)
			}, media.HoleConsent, 0},
			{"back", func() { later.Answered = later.Answered.Add(time.Second); m.consider(later, m.absences) }, "", 1},
			{"unproved", func() { p := later; p.Standing, p.Answered = member.Unknown, time.Time{}; m.consider(p, m.absences) }, media.HoleUnverified, 0},
			{"back again", func() {
				p := later
				p.Answered = later.Answered.Add(time.Second)
				m.consider(p, m.absences)
			}, "", 1},
			{"another connected under the identity, of which no event was accepted", func() {
				m.roster.Came(recorder.Member{Identity: "ada", SID: "PA_other"})
				m.consider(later, m.absences)
			}, media.HoleConsent, 0},
			{"gone", func() { leave(); m.consider(later, m.absences) }, media.HoleConsent, 0},
		} {
			step.do()
			if got := m.permission("ada", true); got != step.kept && !(whole && step.what == "gone") {
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
		m.policy.Record = RecordEveryone
		for _, step := range []struct{ key, kept string }{{"4", media.HoleConsent}, {"1", ""}, {"7", ""}, {"2", media.HoleConsent}, {"1", ""}} {
			m.wrote(recorder.RoomEvent{Type: recorder.EventDialed, Participant: "caller", Text: step.key})
			if got := m.permission("caller", false); got != step.kept {
				t.Errorf("after %s was pressed: %q, want %q", step.key, got, step.kept)
			}
			if got := m.permission("caller", true); got != media.HoleConsent {
				t.Errorf("after %s was pressed, of what is encrypted: %q", step.key, got)
			}
		}
	}
}

// wrote is a line that ada wrote in the chat under encryption.
func wrote(text string) recorder.RoomEvent {
	return recorder.RoomEvent{Type: media.EventChat, Participant: "ada", Text: text, Encrypted: true}
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
		if got, doubt := answerTo(recorder.RoomEvent{Type: tt.typ, Text: tt.text}, false); got != tt.want || doubt != "" {
			t.Errorf("%s %q: %q, want %q; %q", tt.typ, tt.text, got, tt.want, doubt)
		}
	}
	cut := wrote("yes")
	cut.Reason = media.TextCut
	if got, _ := answerTo(cut, false); got != unanswered {
		t.Errorf("the beginning of a text is %q", got)
	}
}

// asking is the membership of a recorder that asks, with a session of its own in
// which ada is present.
type asking struct {
	*membership
	t *testing.T
}

func newAsking(t *testing.T, keyed bool) *asking {
	t.Helper()
	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &asking{t: t, membership: &membership{
		policy: Policy{Readers: ReadersVerified, Record: RecordEveryone, Consent: ConsentAsk}, home: home, log: slog.New(slog.DiscardHandler),
		notef: func(string, ...any) {}, store: "folder", id: "0123456789ABCDEFGHJKMNPQRS", wake: make(chan struct{}, 1), keyed: keyed,
		people: make(map[string]*attendee), changed: make(map[string]bool), phase: "recording", roster: recorder.NewRoster(),
	}}
	if m.session, err = member.New(member.Config{Room: "weekly", SID: func() string { return "RM_1" }, Identity: "bot", Key: id, Judge: home, Notify: m.notice,
		Send: func(context.Context, []string, []byte) error { return nil }}); err != nil {
		t.Fatal(err)
	}
	visit, _ := m.roster.Came(recorder.Member{Identity: "ada", SID: "PA_1"})
	m.came("ada", visit)
	return m
}

// wantKept checks whether what ada sends is kept, encrypted or not.
func (m *asking) wantKept(what string, encrypted, open bool) {
	m.t.Helper()
	if got := m.permission("ada", true) == ""; got != encrypted {
		m.t.Errorf("%s: what is encrypted is kept: %v", what, got)
	}
	if got := m.permission("ada", false) == ""; got != open {
		m.t.Errorf("%s: what is not encrypted is kept: %v", what, got)
	}
}

// A yes that the server, or a program, can have written is nobody's; a no counts
// whoever wrote it.
func TestAttackWrittenYes(t *testing.T) {
	for _, keyed := range []bool{true, false} {
		m := newAsking(t, keyed)
		plain, generated := wrote("yes"), wrote("yes")
		plain.Encrypted, generated.Generated = false, true
		m.wrote(plain)
		m.wantKept("a yes in the clear", !keyed, !keyed)
		m.wrote(wrote("no"))
		m.wrote(generated)
		m.wantKept("a yes of a program", false, false)
		m.wrote(wrote("yes"))
		m.wantKept("a yes", true, true)
		plain.Text = "no"
		m.wrote(plain)
		m.wantKept("a no in the clear", false, false)
		m.wrote(recorder.RoomEvent{Type: recorder.EventDialed, Participant: "ada", Text: "1"})
		m.wantKept("a key that was pressed", !keyed, true)
		if got := strings.Join(m.sayings, "; "); strings.Count(got, "does not count") != 1 {
			t.Errorf("keyed %v: the chat was told %q", keyed, got)
		}
	}
}

// Somebody else who comes under an identity does not lift the no that was said there.
func TestAttackCardUnderWrittenNo(t *testing.T) {
	m := newAsking(t, true)
	card := func(name string) keys.Card {
		id, err := keys.Generate(name)
		if err != nil {
			t.Fatal(err)
		}
		return cardOf(t, id)
	}
	ada := member.Peer{Identity: "ada", Standing: member.Claimed, Card: card("Ada")}
	other := member.Peer{Identity: "ada", Standing: member.Claimed, Card: card("Mallory")}
	m.consider(ada, 0)
	m.wrote(wrote("no"))
	m.consider(other, 0)
	m.wrote(wrote("yes"))
	m.wantKept("another card's written yes", false, false)
	other.Answered, other.Yes = time.Now(), true
	m.consider(other, 0)
	m.wantKept("another card's yes", false, false)
	m.went("ada")
	m.came("ada", 1)
	m.consider(other, 0)
	m.wantKept("another card's yes, once back", false, false)
	m.consider(ada, 0)
	m.wrote(wrote("yes"))
	m.wantKept("her own", true, true)
}

// Who agreed before the recorder was away has not agreed after that: they may have
// taken it back unheard.
func TestConsentAfterAbsence(t *testing.T) {
	m := newAsking(t, true)
	m.wrote(wrote("yes"))
	m.wantKept("a yes", true, true)
	m.returned()
	m.wantKept("after an absence", false, false)
	if got := strings.Join(m.sayings, "; "); !strings.Contains(got, "agree again") {
		t.Errorf("the chat was told %q", got)
	}
	m.wrote(wrote("yes"))
	m.wantKept("said again", true, true)
	// By key: what was heard before is looked at after.
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	ada := member.Peer{Identity: "ada", Standing: member.Claimed, Card: cardOf(t, id), Answered: time.Now(), Yes: true}
	m.returned()
	m.consider(ada, m.absences-1)
	m.wantKept("an answer of before", false, false)
	if !m.changed["ada"] {
		t.Error("nobody looks again")
	}
	m.wrote(wrote("no"))
	m.returned()
	m.wantKept("a no stands", false, false)
}

// What goes wrong with one member costs the others nothing, and nothing more is kept
// of that member where they are asked: it may have been a no.
func TestMembershipOutlivesFaults(t *testing.T) {
	m := newAsking(t, false)
	faults := 0
	m.phase, m.notef = "waiting", func(string, ...any) { faults++; panic("a fault") }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); m.run(ctx) }()
	follow := func(e recorder.RoomEvent) { m.contain(e.Participant, func() { m.follow(e) }) }
	visit, _ := m.roster.Came(recorder.Member{Identity: "eve", SID: "PA_2"})
	follow(recorder.RoomEvent{Type: media.EventJoin, Participant: "eve", Visit: visit})
	for _, who := range []string{"ada", "eve"} {
		said := wrote("yes")
		said.Participant = who
		follow(said)
	}
	for n := range 3 {
		m.notice(member.Event{Identity: "eve", Trouble: member.Trouble(fmt.Sprint(n))})
		for left := 1; left > 0; runtime.Gosched() {
			m.mu.Lock()
			left = len(m.troubles)
			m.mu.Unlock()
			select {
			case <-done:
				t.Fatalf("the membership ended by fault %d", n)
			default:
			}
		}
	}
	cancel()
	<-done
	if faults != 3 {
		t.Errorf("%d faults, want 3", faults)
	}
	if got := m.permission("ada", true); got != "" {
		t.Errorf("ada is not kept: %s", got)
	}
	if got := m.permission("eve", true); got != media.HoleConsent {
		t.Errorf("eve is kept: %q", got)
	}
}

// Who proved themselves with a device that is approved and not pinned here opens
// what they attended with it, and with their others.
func TestApprovedDeviceReads(t *testing.T) {
	m := newAsking(t, true)
	laptop, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	phone, err := keys.GenerateAs(keys.Description{Name: "Ada", Device: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := laptop.Card()
	if err != nil {
		t.Fatal(err)
	}
	card, err := phone.Card()
	if err != nil {
		t.Fatal(err)
	}
	if card, err = laptop.Approve(card); err != nil {
		t.Fatal(err)
	}
	if err := m.home.Add(pinned); err != nil {
		t.Fatal(err)
	}
	if how, err := m.home.CanAdd(card); how != keys.Approved || err != nil {
		t.Fatalf("%q, %v", how, err)
	}
	m.consider(member.Peer{Identity: "ada", Standing: member.Verified, Card: card, Seen: true}, m.absences)
	_, _, cards := m.reader("ada")
	var to []age.Recipient
	for _, c := range cards {
		to = append(to, c.AgeRecipients()...)
	}
	if len(cards) != 2 {
		t.Fatalf("sealed to %d cards, want 2", len(cards))
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []*keys.Identity{laptop, phone} {
		if _, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), id.AgeIdentities()...); err != nil {
			t.Errorf("%v: %v", id, err)
		}
	}
	// The members are told of both, and pinned is what it was.
	told := 0
	for _, r := range m.state().Readers {
		if r.Fingerprint == card.Fingerprint() || r.Fingerprint == pinned.Fingerprint() {
			told++
		}
	}
	if pins, err := m.home.Person("Ada"); told != 2 || len(pins) != 1 || err != nil {
		t.Errorf("told of %d, pinned %d, %v", told, len(pins), err)
	}
}

func cardOf(t *testing.T, id *keys.Identity) keys.Card {
	t.Helper()
	card, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	return card
}
