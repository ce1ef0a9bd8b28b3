package media

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNames(t *testing.T) {
	join := func(identity, name string) Event { return Event{Type: EventJoin, Participant: identity, Name: name} }
	long := strings.Repeat("x", 100)
	for name, test := range map[string]struct {
		tracks []Track
		events []Event
		want   map[string]string // by identity
	}{
		"different": {
			tracks: []Track{{Participant: "a", Name: "Ada"}, {Participant: "b", Name: "Bob"}, {Participant: "c"}},
			want:   map[string]string{"a": "Ada", "b": "Bob", "c": "c"},
		},
		"two of one name": {
			tracks: []Track{{Participant: "a", Name: "Ada"}, {Participant: "a", Name: "Ada", Source: Camera}},
			events: []Event{join("a", "Ada"), join("b", "ADA\u202e"), join("c", "Carol")},
			want:   map[string]string{"a": "Ada (a)", "b": "ADA (b)", "c": "Carol"},
		},
		"called what another's identity is": {
			events: []Event{join("ada", ""), join("eve", "ada")},
			want:   map[string]string{"ada": "ada", "eve": "ada (eve)"},
		},
		"called what another is told apart by": {
			events: []Event{join("a", "Ada"), join("b", "Ada"), join("eve", "Ada (a)"), join("mal", "ada (a) (EVE)")},
			want:   map[string]string{"a": "Ada (a)", "b": "Ada (b)", "eve": "Ada (a) (eve)", "mal": "ada (a) (EVE) (mal)"},
		},
		"called so before": {
			events: []Event{join("a", "Ada"), join("b", "Bob"), {Type: EventName, Participant: "b", Name: "Ada", Text: "Bob"},
				{Type: EventName, Participant: "b", Name: "Bobby", Text: "Ada"}},
			want: map[string]string{"a": "Ada (a)", "b": "Bobby"},
		},
		"a card's name is none": {
			events: []Event{join("a", "Ada"), join("b", "Bob"), {Type: EventVerified, Participant: "b", Name: "Ada"}},
			want:   map[string]string{"a": "Ada", "b": "Bob"},
		},
		"identities that look alike": {
			events: []Event{join("a", "Ada"), join("a\u200b", "Ada"), join("\u202ea", "Ada")},
			want:   map[string]string{"a": "Ada (a)", "a\u200b": "Ada (a) 2", "\u202ea": "Ada (a) 3"},
		},
		"long": {
			events: []Event{join(long+"1", long), join(long+"2", long)},
			want: map[string]string{
				long + "1": strings.Repeat("x", MaxTitle-1) + "… (" + strings.Repeat("x", maxWho-1) + "…)",
				long + "2": strings.Repeat("x", MaxTitle-1) + "… (" + strings.Repeat("x", maxWho-1) + "…) 2",
			},
		},
		"nothing to show": {
			events: []Event{join("\u200b", "\u202e"), join("\u2060", "")},
			want:   map[string]string{"\u200b": "unnamed", "\u2060": "unnamed 2"},
		},
	} {
		n := NewNames(test.tracks, test.events)
		for identity, want := range test.want {
			if got := n.Of(identity, ""); got != want {
				t.Errorf("%s: %q is shown as %q, want %q", name, identity, got, want)
			}
		}
	}
	n := NewNames([]Track{{Participant: "a", Name: "Ada"}, {Participant: "b", Name: "Ada"}}, nil)
	if got := n.Title(Track{Participant: "b", Name: "Ada", Source: Camera}); got != "Ada (b) (camera)" {
		t.Error(got)
	}
	if got := n.In(Event{Type: EventChat, Participant: "z", Name: "Ada"}); got != "Ada (z)" {
		t.Errorf("somebody new: %q", got)
	}
	if got := n.In(Event{Type: EventStop, Name: "x\ny"}); got != "x y" {
		t.Errorf("nobody: %q", got)
	}
}

// TestNamesFlood: however many change their names to whatever, no two people have
// the same one.
func TestNamesFlood(t *testing.T) {
	var events []Event
	for i := range 20_000 {
		events = append(events, Event{Type: EventName, Participant: fmt.Sprint(i % 500), Name: strings.Repeat("Ada ", i%7) + fmt.Sprintf("(%d)", i%41)})
	}
	n := NewNames(nil, events)
	owner := make(map[string]string)
	for _, e := range events {
		shown := strings.ToLower(n.In(e))
		if who, ok := owner[shown]; ok && who != e.Participant || !utf8.ValidString(shown) {
			t.Fatalf("%q is %s and %s", shown, who, e.Participant)
		}
		owner[shown] = e.Participant
	}
}
