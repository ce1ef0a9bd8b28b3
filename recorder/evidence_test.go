package recorder

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
)

// What counts of those who are here is repeated, the latest of each kind, and the states
// that it names; neither grows without bounds.
func TestEvidence(t *testing.T) {
	var x evidence
	note := func(who, kind, text string) media.Event {
		return media.Event{Type: media.EventNote, Participant: who, Reason: kind, Text: text}
	}
	x.take(note("nobody", media.NoteKey, "before anybody came"))
	for _, who := range []string{"ada", "ben"} {
		x.take(media.Event{Type: media.EventJoin, Participant: who})
		x.take(media.Event{Type: media.EventCard, Participant: who, Text: "the card of " + who})
	}
	x.take(media.Event{Type: media.EventState, Name: "aa", Text: "first"})
	x.take(note("ada", media.NoteKey, "\nstate: -\nfirst"))
	x.take(note("ada", media.NoteKey, "\nstate: aa\nsecond"))
	x.take(note("ada", media.NoteConsent, "yes"))
	x.take(note("ben", media.NoteKey, "\nstate: bb\nhis"))
	x.take(media.Event{Type: media.EventLeave, Participant: "ben"})
	for n := range 3 * maxStates {
		x.take(media.Event{Type: media.EventState, Name: fmt.Sprint(n)})
	}
	texts := func() (all []string) {
		for _, e := range x.standing() {
			all = append(all, e.Text)
		}
		return all
	}
	want := []string{"first", "the card of ada", "yes", "\nstate: aa\nsecond"}
	if got := texts(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	x.take(media.Event{Type: media.EventJoin, Participant: "ben"})
	if got := texts(); !slices.Equal(got, append(want, "the card of ben", "\nstate: bb\nhis")) {
		t.Errorf("when he is back: %q", got)
	}
	if len(x.states) > maxStates+1 {
		t.Errorf("%d states are remembered", len(x.states))
	}
	for n := range 3 * maxRemembered {
		x.take(note(fmt.Sprint(n), media.NoteKey, ""))
	}
	if len(x.notes) > 2*maxRemembered {
		t.Errorf("%d notes are remembered", len(x.notes))
	}
}
