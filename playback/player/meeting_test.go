package player_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
)

// TestMeeting: a page is told the parts of a meeting that count; those that somebody told of
// are described, and no others.
func TestMeeting(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	rec := func(id string, start, lasts int, by, follows string) *tape.Description {
		return &tape.Description{ID: id, State: "closed", Signers: []tape.Signer{{Key: by, Who: by}}, Start: noon.Add(time.Duration(start) * time.Second),
			Duration: time.Duration(lasts) * time.Second, Opens: tape.AccessAll, Follows: follows}
	}
	locked := &tape.Description{ID: "c", State: "closed", Signers: []tape.Signer{{Key: "w", Who: "w"}}, Opens: tape.AccessNone}
	three := []*tape.Description{rec("a", 0, 10, "w", ""), rec("b", 12, 10, "w", "a"), locked, rec("d", 40, 5, "w", "c"), rec("e", 60, 5, "eve", "d"),
		rec("x", 0, 5, "w", "y"), rec("y", 9, 5, "w", "x")}
	var many []*tape.Description
	for n := range 300 {
		many = append(many, rec(fmt.Sprintf("m%03d", n), 10*n, 8, "w", ""))
		if n > 0 && n < 100 {
			many[n].Follows = many[n-1].ID
		}
	}
	for _, tt := range []struct {
		name, id, told string
		all            []*tape.Description
		whole          bool
		want           string
	}{
		{"found", "b", "", three, false, "a b+2"},
		{"behind a locked part", "d", "", three, false, "c none, d"},
		{"by another recorder", "e", "", three, false, "before"},
		{"in a circle", "y", "", three, false, "x y+4 before"},
		{"told", "b", "a b c d", three, false, "a b+2 c none, d"},
		{"told, one is missing, one is a stranger's", "a", "a b z e", three, false, "a b+2 z apart, e apart,"},
		{"told of one that is missing itself", "z", "a z", three, false, "a apart, z"},
		{"among many", "m005", "", many, false, "before partly"},
	} {
		p, err := player.New(player.Config{Library: &playertest.Library{Entries: tt.all}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := p.Meeting(t.Context(), tt.id, strings.Fields(tt.told), tt.whole)
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Parts []struct {
				ID, Access string
				Gap        *float64
				Apart      bool
			}
			Before, Partly bool
		}
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, part := range m.Parts {
			s := part.ID
			if part.Gap != nil {
				s += fmt.Sprintf("%+g", *part.Gap)
			}
			if part.Access == "none" {
				s += " none,"
			}
			if part.Apart {
				s += " apart,"
			}
			got = append(got, s)
		}
		if m.Before {
			got = append(got, "before")
		}
		if m.Partly {
			got = append(got, "partly")
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	p, err := player.New(player.Config{Library: &playertest.Library{Entries: many}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var m struct{ Parts []struct{ ID string } }
	if b, err := p.Meeting(t.Context(), "m005", nil, true); err != nil || json.Unmarshal(b, &m) != nil || len(m.Parts) != 100 {
		t.Errorf("%d parts, %v", len(m.Parts), err)
	}
	failing, err := player.New(player.Config{Library: &playertest.Library{Err: errors.New("the store is away")}})
	if err != nil {
		t.Fatal(err)
	}
	defer failing.Close()
	if _, err := failing.Meeting(t.Context(), "a", nil, false); err == nil {
		t.Error("a store that is away has parts")
	}
}
