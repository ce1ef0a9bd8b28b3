package bot

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// knownRoom is the membership of a room that knows somebody as known says.
func knownRoom(t *testing.T, policy Policy, whole bool, known *Known) (m *membership, ada keys.Card) {
	t.Helper()
	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	if ada, err = other.Card(); err != nil {
		t.Fatal(err)
	}
	if err := home.Add(ada); err != nil {
		t.Fatal(err)
	}
	m = &membership{
		policy: policy, whole: whole, oneEpoch: whole, home: home, log: slog.New(slog.DiscardHandler),
		notef: func(string, ...any) {}, store: "folder", id: "0123456789ABCDEFGHJKMNPQRS", wake: make(chan struct{}, 1),
		people: make(map[string]*attendee), changed: make(map[string]bool), phase: "recording", roster: recorder.NewRoster(), keyed: true,
		known: func(string) Known { return *known },
	}
	m.session, err = member.New(member.Config{Room: "weekly", SID: func() string { return "RM_1" }, Identity: "bot", Key: id, Judge: home, Notify: m.notice,
		Send: func(context.Context, []string, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return m, ada
}

// Whom a room knows by itself is verified by that: a reader if the policy or the operator says
// so, no more at once when the room says otherwise, and not in the place of the operator's word or
// a proof of their own.
func TestKnownByTheRoom(t *testing.T) {
	for _, policy := range []string{ReadersVerified, ReadersNamed} {
		for _, named := range []bool{false, true} {
			for _, whole := range []bool{false, true} {
				t.Run(fmt.Sprint(policy, " ", named, " ", whole), func(t *testing.T) {
					var known Known
					m, card := knownRoom(t, Policy{Readers: policy, Record: RecordVerified}, whole, &known)
					verified := Known{Standing: media.VerifiedByMatrix, Cards: []keys.Card{card}, Named: named}
					claimed := Known{Standing: recorder.StandingClaimed, Name: "Ada L."}
					reads := 0
					if policy == ReadersVerified || named {
						reads = 1
					}
					still := 0
					if whole {
						still = reads // all of it is one epoch, which they can open
					}
					visits := 0
					come := func() {
						visits++
						visit, _ := m.roster.Came(recorder.Member{Identity: "ada", SID: fmt.Sprint("PA_", visits)})
						m.follow(recorder.RoomEvent{Type: media.EventJoin, Participant: "ada", Visit: visit})
					}
					says := func(k Known) func() {
						return func() {
							known = k
							m.follow(recorder.RoomEvent{Type: recorder.EventStanding, Participant: "ada"})
						}
					}
					proof := member.Peer{Identity: "ada", Standing: member.Verified, Card: card, Seen: true}
					for _, step := range []struct {
						what     string
						do       func()
						standing string
						readers  int
						kept     bool
					}{
						{"came, known", func() { known = verified; come() }, media.VerifiedByMatrix, reads, true},
						{"their master key changed", says(Known{}), "", still, false},
						{"it was compared again", says(verified), media.VerifiedByMatrix, reads, true},
						{"nobody knows them any more", says(claimed), recorder.StandingClaimed, still, false},
						{"they prove it", func() { m.consider(proof, m.absences) }, media.VerifiedByProof, 1, true},
						{"the room says less", says(Known{}), media.VerifiedByProof, 1, true},
						{"the room knows them, too", says(verified), media.VerifiedByProof, 1, true},
						{"the proof lapses", func() { m.consider(member.Peer{Identity: "ada"}, m.absences) }, media.VerifiedByMatrix, reads, true},
						{"left and came unknown", func() {
							known = Known{}
							m.roster.Went("ada", "")
							m.went("ada")
							come()
						}, "", still, false},
					} {
						if step.what == "they prove it" && policy == ReadersNamed {
							step.readers = 0
						}
						if step.standing == media.VerifiedByProof && policy == ReadersNamed {
							step.readers = 0
						}
						step.do()
						it, _ := m.roster.Here("ada")
						if whole && step.standing != media.VerifiedByMatrix && step.standing != media.VerifiedByProof {
							it.Standing = step.standing // it is what they read by, then
						}
						if it.Standing != step.standing {
							t.Errorf("%s: stands as %q, want %q", step.what, it.Standing, step.standing)
						}
						if _, _, cards := m.reader("ada"); len(cards) != step.readers {
							t.Errorf("%s: read by %d cards, want %d", step.what, len(cards), step.readers)
						}
						if kept := m.permission("ada", true) == ""; kept != step.kept {
							t.Errorf("%s: kept %v, want %v", step.what, kept, step.kept)
						}
					}
				})
			}
		}
	}
}

// The operator's word stands, whatever the room knows.
func TestKnownAndNamed(t *testing.T) {
	known := Known{Standing: recorder.StandingClaimed}
	m, card := knownRoom(t, Policy{Readers: ReadersNamed}, false, &known)
	m.named = map[string][]keys.Card{"ada": {card}}
	visit, _ := m.roster.Came(recorder.Member{Identity: "ada", SID: "PA_1"})
	m.follow(recorder.RoomEvent{Type: media.EventJoin, Participant: "ada", Visit: visit})
	m.recognize("ada")
	if it, _ := m.roster.Here("ada"); it.Standing != media.VerifiedByOperator {
		t.Errorf("stands as %q", it.Standing)
	}
}

// What a room reports as an answer counts like a line of the chat, if it came encrypted.
func TestAnswered(t *testing.T) {
	known := Known{}
	m, _ := knownRoom(t, Policy{Consent: ConsentAsk}, false, &known)
	visit, _ := m.roster.Came(recorder.Member{Identity: "ada", SID: "PA_1"})
	m.follow(recorder.RoomEvent{Type: media.EventJoin, Participant: "ada", Visit: visit})
	for _, tt := range []struct {
		text      string
		encrypted bool
		kept      string
	}{
		{"yes", false, media.HoleConsent},
		{"👍", true, media.HoleConsent},
		{"yes", true, ""},
		{"no", false, media.HoleConsent},
		{"yes", true, ""},
	} {
		m.follow(recorder.RoomEvent{Type: recorder.EventAnswered, Participant: "ada", Text: tt.text, Reason: "reacted", Encrypted: tt.encrypted})
		if got := m.permission("ada", true); got != tt.kept {
			t.Errorf("after %q, encrypted %v: %q, want %q", tt.text, tt.encrypted, got, tt.kept)
		}
	}
	// An absence of the media alone does not ask again; one of the room does.
	m.follow(recorder.RoomEvent{Type: media.EventReconnect, Server: "sfu.example"})
	if got := m.permission("ada", true); got != "" {
		t.Errorf("the media were lost: %q", got)
	}
	m.follow(recorder.RoomEvent{Type: media.EventReconnect})
	if got := m.permission("ada", true); got != media.HoleConsent {
		t.Errorf("the room was lost: %q", got)
	}
}
