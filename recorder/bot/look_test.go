package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestReadersThatCountNoMore: what is recorded from the next epoch on is not sealed
// to a card that was revoked, replaced or unpinned while the recorder runs, whether
// its holder was named as a reader, as a member, or has it on another device.
func TestReadersThatCountNoMore(t *testing.T) {
	for _, oneEpoch := range []bool{false, true} {
		t.Run(fmt.Sprintf("one epoch %v", oneEpoch), func(t *testing.T) {
			home, err := keys.OpenHome(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			id, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
			if err != nil {
				t.Fatal(err)
			}
			ids, cards := make(map[string]*keys.Identity), make(map[string]keys.Card)
			for _, d := range []keys.Description{{Name: "Ada"}, {Name: "Ben"}, {Name: "Cleo"}, {Name: "Dora"}, {Name: "Dora", Device: "phone"}} {
				one, err := keys.GenerateAs(d)
				if err != nil {
					t.Fatal(err)
				}
				card, err := one.Card()
				if err != nil {
					t.Fatal(err)
				}
				if d.Device != "" {
					if card, err = ids["Dora"].Approve(card); err != nil {
						t.Fatal(err)
					}
				}
				if err := home.Add(card); err != nil {
					t.Fatal(err)
				}
				ids[d.Name+d.Device], cards[d.Name+d.Device] = one, card
			}
			own, err := id.Card()
			if err != nil {
				t.Fatal(err)
			}
			readers := CardReaders(cards["Ada"], cards["Ben"], own)
			var log bytes.Buffer
			var told []string
			m := &membership{
				policy: Policy{Readers: ReadersVerified}, whole: oneEpoch, oneEpoch: oneEpoch, home: home, readers: readers, named: map[string][]keys.Card{"cleo": {cards["Cleo"]}},
				log: slog.New(slog.NewTextHandler(&log, nil)), notef: func(f string, args ...any) { told = append(told, fmt.Sprintf(f, args...)) },
				people: make(map[string]*attendee), changed: make(map[string]bool), roster: recorder.NewRoster(), wake: make(chan struct{}, 1),
				id: "0123456789ABCDEFGHJKMNPQRS", store: "folder", phase: "recording",
			}
			if m.session, err = member.New(member.Config{Room: "weekly", SID: func() string { return "RM_1" }, Identity: "bot", Key: id, Judge: home, Notify: m.notice,
				Send: func(context.Context, []string, []byte) error { return nil }}); err != nil {
				t.Fatal(err)
			}
			spool := t.TempDir()
			w, err := archive.Create(spool, archive.Config{Signer: id.Signer()})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			access := &memberAccess{w: w, m: m}
			if err := access.begin(); err != nil {
				t.Fatal(err)
			}
			for _, identity := range []string{"cleo", "dora"} {
				visit, _ := m.roster.Came(recorder.Member{Identity: identity, SID: identity})
				m.came(identity, visit)
			}
			dora := member.Peer{Identity: "dora", Standing: member.Verified, Card: cards["Dora"], Seen: true}
			m.consider(dora, 0)
			here := []string{"cleo", "dora"}
			if _, err := access.StartEpoch(here); err != nil {
				t.Fatal(err)
			}
			if m.look(); access.Stale() || len(told) != 0 {
				t.Fatalf("before anything happened: stale %v, told %q", access.Stale(), told)
			}
			check := func(what string, want ...string) {
				t.Helper()
				_, names, _ := m.recipients(here)
				got := make(map[string]bool)
				for name, c := range cards {
					if slices.Contains(names, c.Recipients[0]) {
						got[name] = true
					}
				}
				if oneEpoch {
					want = slices.Sorted(maps.Keys(cards))
				}
				if slices.Sort(want); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
					t.Errorf("%s: sealed to %q, want %q", what, slices.Sorted(maps.Keys(got)), want)
				}
				if access.Stale() == oneEpoch {
					t.Errorf("%s: stale %v", what, !oneEpoch)
				}
				if _, err := access.StartEpoch(here); err != nil || access.Stale() {
					t.Errorf("%s: %v, stale afterwards %v", what, err, access.Stale())
				}
			}

			revoke := func(name string) {
				t.Helper()
				r, err := ids[name].Revoke(cards[name], "stolen")
				if err != nil {
					t.Fatal(err)
				}
				if err := home.Revoke(r); err != nil {
					t.Fatal(err)
				}
			}
			revoke("Ada")
			m.look()
			m.look()
			check("a reader's card was revoked", "Ben", "Cleo", "Dora", "Doraphone")
			if len(told) != 1 || !strings.HasPrefix(told[0], "Ada (") || !strings.Contains(told[0], "revoked") {
				t.Errorf("told %q", told)
			}
			if s := log.String(); !strings.Contains(s, "revoked") || strings.Contains(s, "Ada") {
				t.Errorf("the log: %s", s)
			}
			if err := home.Remove("Ben", ""); err != nil {
				t.Fatal(err)
			}
			m.look()
			check("a reader was unpinned", "Cleo", "Dora", "Doraphone")
			revoke("Cleo")
			m.look()
			check("a named member's card was revoked", "Dora", "Doraphone")
			if name, how, _ := m.reader("cleo"); !oneEpoch && (name != "" || how == media.VerifiedByOperator) {
				t.Errorf("cleo is %q by %q", name, how)
			}
			revoke("Doraphone")
			delete(m.changed, "dora")
			m.look()
			if m.changed["dora"] == oneEpoch {
				t.Errorf("dora is considered again: %v", !oneEpoch)
			}
			if m.consider(dora, 0); !oneEpoch {
				check("another device of a member was revoked", "Dora")
			}
			ids["Recorder"], cards["Recorder"] = id, own
			revoke("Recorder")
			told = nil
			m.look()
			m.look()
			if len(told) == 0 || !strings.Contains(told[0], "this recorder's own card") {
				t.Errorf("of the recorder's own card: %q", told)
			}
		})
	}
}

// TestNobodyLeft: a recording that nobody could open does not go on.
func TestNobodyLeft(t *testing.T) {
	m := &membership{people: make(map[string]*attendee), roster: recorder.NewRoster(), log: slog.New(slog.DiscardHandler), notef: func(string, ...any) {}}
	access := &memberAccess{m: m}
	if _, err := access.StartEpoch(nil); !errors.Is(err, ErrNobodyLeft) {
		t.Errorf("got %v", err)
	}
}
