package bot

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestSeats: more readers than members can be told of are seated in the order in
// which they came, after those whom the operator named, and the others are told of
// once.
func TestSeats(t *testing.T) {
	one, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	card, err := one.Card()
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	m := &membership{people: make(map[string]*attendee), roster: recorder.NewRoster(), readers: make([]Reader, 24), policy: Policy{Readers: ReadersVerified},
		log: slog.New(slog.DiscardHandler), notef: func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }}
	var all []string
	for n := range 1010 {
		id := fmt.Sprintf("m%04d", 9999-n) // the last in the order of names came first
		visit, _ := m.roster.Came(recorder.Member{Identity: id})
		m.people[id] = &attendee{visit: visit, how: media.VerifiedByProof, name: id, cards: []keys.Card{card}}
		m.roster.Stand(id, visit, media.VerifiedByProof)
		m.people[id].cards[0].Name = id
		all = append(all, id)
	}
	slices.Sort(all)
	seated, without := m.seats(all)
	if len(seated) != member.MaxReaders-24 || seated[0] != "m9999" || len(without) != 10 || without[0] != "m8999" {
		t.Fatalf("%d seated, without %q", len(seated), without)
	}
	if s := m.state(); len(s.Readers) != member.MaxReaders {
		t.Errorf("members are told of %d readers", len(s.Readers))
	}
	m.unseat(without)
	m.unseat(without)
	if len(told) != 10 || told[0] != "m8999 cannot open what is recorded now: it has as many readers as there can be" {
		t.Errorf("told %q", told)
	}
	// One place for one who leaves.
	m.roster.Went("m9999", "")
	if seated, without := m.seats(m.readersHere()); len(seated) != 1000 || len(without) != 9 {
		t.Errorf("%d seated, %d not", len(seated), len(without))
	}
	if err := CheckReaders(make([]Reader, member.MaxReaders+1)); err == nil {
		t.Error("too many fixed readers were taken")
	}
}
