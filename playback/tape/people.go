package tape

import (
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Person is somebody who was in the room, as the room's server named them.
type Person struct {
	Identity, Name string
	// From is when they first joined. To is when they last left, or the end.
	From, To time.Duration
	// Speaking is how long they spoke, as the server measured it.
	Speaking   time.Duration
	Identified Identified
	// VerifiedAs is the name on the card by which the recorder verified them.
	// VerifiedBy is one of media's VerifiedBy reasons. Empty means not verified,
	// or not any more.
	VerifiedAs, VerifiedBy string
	// Agreed are the spans in which the recorder had their key, by what they signed, and
	// Faults are what of that does not count. See Options.Evidence.
	Agreed []Agreement
	Faults []NoteFault
}

// Identified is how a person was identified.
type Identified string

const (
	IdentifiedProved   Identified = "proved"   // they hold the key of a card that the recorder had pinned
	IdentifiedMatrix   Identified = "matrix"   // their Matrix device is signed by the master key that a pinned card names, or that the operator compared
	IdentifiedOperator Identified = "operator" // whoever ran the recorder said so
	IdentifiedClaimed  Identified = "claimed"  // they hold the key of a card that was not pinned, or of a Matrix device that a user signed whom nobody had verified
	IdentifiedUnknown  Identified = "unknown"  // nothing but the server's word
)

// Display returns the person's display name, or else the identity.
func (p Person) Display() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Identity
}

// peopleOf returns who was there until end, in order of their first appearance.
// Somebody who left and came back counts from the first moment to the last.
func peopleOf(tracks []media.Track, events []media.Event, end time.Duration) []Person {
	var all []Person
	find := func(identity string, at time.Duration) *Person {
		i := slices.IndexFunc(all, func(p Person) bool { return p.Identity == identity })
		if i < 0 {
			i = len(all)
			all = append(all, Person{Identity: identity, From: at, To: end, Identified: IdentifiedUnknown})
		}
		return &all[i]
	}
	spoke := make(map[string]time.Duration) // speech is counted up to then
	for _, e := range events {
		switch e.Type {
		case media.EventName:
			if e.Name != "" {
				find(e.Participant, e.Time).Name = e.Name
			}
		case media.EventJoin:
			p := find(e.Participant, e.Time)
			p.To = end
			if e.Name != "" {
				p.Name = e.Name
			}
		case media.EventLeave:
			find(e.Participant, 0).To = e.Time
		case media.EventClaimed:
			if p := find(e.Participant, e.Time); p.Identified == IdentifiedUnknown {
				p.Identified = IdentifiedClaimed
			}
		case media.EventVerified:
			p := find(e.Participant, e.Time)
			p.VerifiedAs, p.VerifiedBy, p.Identified = e.Name, e.Reason, IdentifiedProved
			switch {
			case e.Name == "":
				p.Identified = IdentifiedUnknown
			case e.Reason == media.VerifiedByOperator:
				p.Identified = IdentifiedOperator
			case e.Reason == media.VerifiedByMatrix:
				p.Identified = IdentifiedMatrix
			}
		case media.EventSpeaking:
			// Speech that the server reported twice counts once.
			if from := max(e.From, spoke[e.Participant]); e.To > from {
				find(e.Participant, e.From).Speaking += e.To - from
				spoke[e.Participant] = e.To
			}
		}
	}
	for _, t := range tracks {
		p := find(t.Participant, 0)
		if p.Name == "" {
			p.Name = t.Name
		}
	}
	return all
}
