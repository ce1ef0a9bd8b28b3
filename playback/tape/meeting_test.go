package tape

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// TestPlaces: recordings of one meeting are found together by what their recorders say, and
// nothing that somebody else says counts.
func TestPlaces(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	w1, w2, eve := Signer{Key: "w1", Who: "Acme (w1)", Holder: "Acme"}, Signer{Key: "w2", Who: "Acme (w2)", Holder: "Acme"}, Signer{Key: "eve", Who: "Eve", Holder: "Eve"}
	unnamed, stolen := Signer{Key: "u", Who: "u"}, Signer{Key: "w3", Who: "Acme (w3)", Holder: "Acme", Revoked: true}
	rec := func(id string, start, lasts int, by Signer, links ...string) *Description {
		d := &Description{ID: id, State: archive.StateClosed, Signers: []Signer{by}, Duration: time.Duration(lasts) * time.Second, Opens: AccessAll}
		if start >= 0 {
			d.Start = noon.Add(time.Duration(start) * time.Second)
		}
		for _, l := range links {
			if of, ok := strings.CutPrefix(l, "of "); ok {
				d.PartOf = of
			} else {
				d.Follows = l
			}
		}
		return d
	}
	in := func(d *Description, room, meeting string) *Description {
		d.Room, d.Meeting = room, meeting
		return d
	}
	told := func(d *Description) *Description {
		d.FollowsTold = true
		return d
	}
	too := func(d *Description, id string) *Description {
		d.FollowsToo = id
		return d
	}
	for _, tt := range []struct {
		name string
		all  []*Description
		want string
	}{
		{"its home knows one, and the server another", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), in(rec("b", 12, 10, w2), "weekly", "1"), too(in(rec("c", 30, 5, w1, "a"), "weekly", "1"), "b")},
			"a 1/3, b 2/3 gap 2s, c 3/3 gap 8s"},
		{"the same, all of them linked", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), told(in(rec("b", 12, 10, w2, "a"), "weekly", "1")), too(in(rec("c", 30, 5, w1, "a"), "weekly", "1"), "b")},
			"a 1/3, b 2/3 gap 2s, c 3/3 gap 8s"},
		{"the same, and a breakout room", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), in(rec("b", 12, 10, w2), "weekly", "1"), too(in(rec("c", 30, 5, w1, "a"), "weekly", "1"), "b"), rec("x", 31, 2, w2, "of c")},
			"a 1/3 rooms x, b 2/3 gap 2s rooms x, c 3/3 gap 8s rooms x, x of a"},
		{"its home knows one, and what the server says is of another meeting", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), in(rec("b", 12, 10, w2), "weekly", "2"), too(in(rec("c", 30, 5, w1, "a"), "weekly", "1"), "b")},
			"a 1/2, b, c 2/2 gap 20s"},
		{"the server says that two meetings are one by both", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), in(rec("b", 12, 10, eve), "weekly", "1"), too(in(rec("c", 30, 5, w1, "a"), "weekly", "1"), "b")},
			"a 1/2, b, c 2/2 gap 20s"},
		{"the server names the same, and itself", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), too(in(rec("c", 30, 5, w1, "a"), "weekly", "1"), "c")}, "a 1/2, c 2/2 gap 20s"},
		{"of another room", []*Description{in(rec("a", 0, 10, w1), "board", ""), in(rec("b", 15, 10, w2, "a"), "weekly", "")}, "a, b (another room)"},
		{"a breakout room has another name", []*Description{in(rec("a", 0, 60, w1), "weekly", "1"), in(rec("x", 10, 20, w2, "of a"), "weekly-1", "2")}, "a rooms x, x of a"},
		{"told by the server", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), told(in(rec("b", 40, 10, w2, "a"), "weekly", "1"))}, "a 1/2, b 2/2 gap 30s"},
		{"told, the meeting has no ID", []*Description{in(rec("a", 0, 10, w1), "weekly", ""), told(in(rec("b", 40, 10, w2, "a"), "weekly", ""))}, "a 1/2, b 2/2 gap 30s"},
		{"told, of another meeting", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), told(in(rec("b", 40, 10, w2, "a"), "weekly", "2"))}, "a, b (another meeting)"},
		{"not told, and the server began anew", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), in(rec("b", 40, 10, w1, "a"), "weekly", "2")}, "a 1/2, b 2/2 gap 30s"},
		{"told, of another room", []*Description{in(rec("a", 0, 10, w1), "board", "1"), told(in(rec("b", 40, 10, w2, "a"), "weekly", "1"))}, "a, b (another room)"},
		{"told, long after", []*Description{in(rec("a", 0, 10, w1), "weekly", "1"), told(in(rec("b", 4000, 10, w2, "a"), "weekly", "1"))}, "a, b (ended long before)"},
		{"told, of one that does not open", []*Description{rec("a", -1, 0, w1), told(in(rec("b", 40, 10, w2, "a"), "weekly", "1"))}, "a, b (cannot be checked)"},
		{"told, of one that there is not", []*Description{told(in(rec("b", 40, 10, w2, "a"), "weekly", "1"))}, "b (not here)"},
		{"told, of a stranger's", []*Description{in(rec("a", 0, 10, eve), "weekly", "1"), told(in(rec("b", 40, 10, w2, "a"), "weekly", "1"))}, "a, b (another recorder)"},
		{"told of itself", []*Description{told(in(rec("a", 0, 10, w1, "a"), "weekly", "1"))}, "a (names itself)"},
		{"alone", []*Description{rec("a", 0, 10, w1)}, "a"},
		{"two parts", []*Description{rec("b", 15, 10, w1, "a"), rec("a", 0, 10, w1)}, "b 2/2 gap 5s, a 1/2"},
		{"another worker of the fleet", []*Description{rec("a", 0, 10, w1), rec("b", 12, 10, w2, "a")}, "a 1/2, b 2/2 gap 2s"},
		{"three parts", []*Description{rec("a", 0, 10, w1), rec("b", 12, 10, w2, "a"), rec("c", 30, 5, w1, "b")}, "a 1/3, b 2/3 gap 2s, c 3/3 gap 8s"},
		{"two go on with one", []*Description{rec("a", 0, 10, w1), rec("b", 12, 10, w2, "a"), rec("c", 14, 10, w1, "a")}, "a 1/3, b 2/3 gap 2s, c 3/3 gap -8s"},
		{"they overlap", []*Description{rec("a", 0, 10, w1), rec("b", 7, 10, w1, "a")}, "a 1/2, b 2/2 gap -3s"},
		{"a part within another", []*Description{rec("a", 0, 60, w1), rec("b", 7, 10, w1, "a"), rec("c", 70, 1, w1, "b")}, "a 1/3, b 2/3 gap -53s, c 3/3 gap 10s"},
		{"one is missing", []*Description{rec("b", 15, 10, w1, "a"), rec("c", 30, 10, w1, "b")}, "b 1/2 (not here), c 2/2 gap 5s"},
		{"one that is not open", []*Description{rec("a", -1, 0, w1), rec("b", 15, 10, w1, "a")}, "a 1/2, b 2/2"},
		{"of a stranger's recording", []*Description{rec("a", 0, 10, w1), rec("b", 15, 10, eve, "a")}, "a, b (another recorder)"},
		{"of an unknown recorder's", []*Description{rec("a", 0, 10, w1), rec("b", 15, 10, unnamed, "a")}, "a, b (another recorder)"},
		{"of the same unknown key", []*Description{rec("a", 0, 10, unnamed), rec("b", 15, 10, unnamed, "a")}, "a 1/2, b 2/2 gap 5s"},
		{"by a key that was revoked", []*Description{rec("a", 0, 10, w1), rec("b", 15, 10, stolen, "a")}, "a, b (not to be trusted)"},
		{"of one that did not open", []*Description{{ID: "a", State: StateForeign, Err: archive.ErrForeignSigner}, rec("b", 15, 10, w1, "a")}, "a, b (not to be trusted)"},
		{"itself", []*Description{rec("a", 0, 10, w1, "a")}, "a (names itself)"},
		{"each other", []*Description{rec("a", 0, 10, w1, "b"), rec("b", 15, 10, w1, "a")}, "a 1/2 (began later), b 2/2 gap 5s"},
		{"a later one", []*Description{rec("a", 0, 10, w1, "b"), rec("b", 15, 10, w1)}, "a (began later), b"},
		{"a breakout room", []*Description{rec("a", 0, 60, w1), rec("x", 10, 20, w2, "of a")}, "a rooms x, x of a"},
		{"of a later part", []*Description{rec("a", 0, 10, w1), rec("b", 12, 60, w1, "a"), rec("y", 15, 5, w2, "of b"), rec("x", 14, 20, w2, "of b")},
			"a 1/2 rooms x y, b 2/2 gap 2s rooms x y, y of a, x of a"},
		{"a breakout room that goes on", []*Description{rec("a", 0, 60, w1), rec("x", 10, 5, w2, "of a"), rec("y", 20, 5, w2, "x", "of a")}, "a rooms x y, x 1/2 of a, y 2/2 gap 5s of a"},
		{"a breakout room of a stranger", []*Description{rec("a", 0, 60, w1), rec("x", 10, 20, eve, "of a")}, "a, x (another recorder)"},
		{"a breakout room of its own", []*Description{rec("a", 0, 60, w1, "of a")}, "a (names itself)"},
		{"a breakout room of a breakout room", []*Description{rec("a", 0, 60, w1), rec("x", 10, 20, w1, "of a"), rec("y", 12, 5, w1, "of x")}, "a rooms x, x of a, y (another smaller room)"},
		{"a part that is also its room", []*Description{rec("a", 0, 60, w1), rec("b", 70, 20, w1, "a", "of a")}, "a 1/2, b 2/2 gap 10s (its own meeting)"},
		{"breakout rooms of each other", []*Description{rec("a", 0, 60, w1, "of b"), rec("b", 0, 60, w1, "of a")}, "a (another smaller room), b (another smaller room)"},
		{"a breakout room whose main is missing", []*Description{rec("x", 10, 20, w1, "of a")}, "x (not here)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			places := Places(tt.all)
			var got []string
			for _, d := range tt.all {
				p := places[d.ID]
				s := d.ID
				if p.Part > 0 {
					if p.Parts[p.Part-1] != d.ID {
						t.Errorf("%s is not part %d of %v", d.ID, p.Part, p.Parts)
					}
					s += fmt.Sprintf(" %d/%d", p.Part, len(p.Parts))
				}
				if p.GapKnown {
					s += " gap " + p.Gap.String()
				}
				if p.Of != "" {
					s += " of " + p.Of
				}
				if len(p.Breakouts) > 0 {
					s += " rooms " + strings.Join(p.Breakouts, " ")
				}
				if p.Problem != "" {
					why := p.Problem
					for _, w := range []string{"not here", "another recorder", "not to be trusted", "names itself", "began later", "another smaller room", "its own meeting",
						"another room", "another meeting", "ended long before", "cannot be checked"} {
						if strings.Contains(p.Problem, w) {
							why = w
						}
					}
					s += " (" + why + ")"
				}
				got = append(got, s)
			}
			if s := strings.Join(got, ", "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}
