package recorder

import (
	"maps"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/recorder/media"
)

// maxStates is how many states of the recorder are remembered, besides those that notes
// name.
const maxStates = 64

// evidence is what members signed about being recorded, as far as it counts now: the
// first segment of each epoch has it again, for readers who open only that epoch. It
// belongs to the goroutine that writes.
type evidence struct {
	present map[string]bool
	cards   map[string]media.Event  // by participant
	notes   map[noteKey]media.Event // the latest
	states  []media.Event           // in order
}

// A noteKey is a participant, and the kind of a note.
type noteKey struct{ participant, kind string }

// take notes an event that is about to be written.
func (x *evidence) take(e media.Event) {
	switch e.Type {
	case media.EventJoin:
		if x.present == nil {
			x.present, x.cards, x.notes = make(map[string]bool), make(map[string]media.Event), make(map[noteKey]media.Event)
		}
		x.present[e.Participant] = true
	case media.EventLeave:
		delete(x.present, e.Participant)
	case media.EventCard:
		if x.room() {
			x.cards[e.Participant] = e
		}
	case media.EventNote:
		if x.room() {
			x.notes[noteKey{e.Participant, e.Reason}] = e
		}
	case media.EventState:
		x.states = append(x.states, e)
		if len(x.states) > maxStates {
			x.forgetStates()
		}
	}
}

// room makes room for one more entry.
func (x *evidence) room() bool {
	if x.present == nil {
		return false // nobody has come
	}
	if len(x.cards)+len(x.notes) >= maxRemembered {
		gone := func(participant string) bool { return !x.present[participant] }
		maps.DeleteFunc(x.cards, func(who string, _ media.Event) bool { return gone(who) })
		maps.DeleteFunc(x.notes, func(k noteKey, _ media.Event) bool { return gone(k.participant) })
	}
	return len(x.cards)+len(x.notes) < 2*maxRemembered
}

// named reports whether a note names a state.
func (x *evidence) named(state media.Event) bool {
	for _, n := range x.notes {
		if strings.Contains(n.Text, "\nstate: "+state.Name+"\n") {
			return true
		}
	}
	return false
}

// forgetStates drops the older states that no note names.
func (x *evidence) forgetStates() {
	last := len(x.states) - maxStates/2
	old := slices.DeleteFunc(slices.Clone(x.states[:last]), func(e media.Event) bool { return !x.named(e) })
	x.states = append(old, x.states[last:]...)
}

// standing returns what counts now, of those who are here: the states that notes name,
// then for each their card and notes.
func (x *evidence) standing() (events []media.Event) {
	var notes []media.Event
	for _, k := range slices.SortedFunc(maps.Keys(x.notes), func(a, b noteKey) int {
		return strings.Compare(a.participant+"\x00"+a.kind, b.participant+"\x00"+b.kind)
	}) {
		if x.present[k.participant] {
			notes = append(notes, x.notes[k])
		}
	}
	for _, s := range x.states {
		if slices.ContainsFunc(notes, func(n media.Event) bool { return strings.Contains(n.Text, "\nstate: "+s.Name+"\n") }) {
			events = append(events, s)
		}
	}
	said := make(map[string]bool)
	for _, n := range notes {
		if card, ok := x.cards[n.Participant]; ok && !said[n.Participant] {
			said[n.Participant] = true
			events = append(events, card)
		}
		events = append(events, n)
	}
	return events
}

// Evidence puts into the timeline what somebody signed about being recorded, or what the
// recorder told them: an event of type EventCard, EventState or EventNote. Later epochs
// have it again while it counts and its participant is here. The error is
// ErrNotRecording if there is no recording.
func (r *Recorder) Evidence(e media.Event) error {
	return r.remotely(func(n *run) error {
		e.Time = max(1, n.clock.now())
		if e.Type == media.EventState || n.activity.allows(e, e.Time) {
			n.emit(e)
		}
		return nil
	})
}
