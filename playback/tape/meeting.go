package tape

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Place is where a recording belongs among others: one meeting may be in several
// recordings, one after another, since a recorder died, and its breakout rooms in others.
type Place struct {
	// Parts are the IDs of the recordings of the meeting, by their start; none if it is the
	// only one. Part is the number of this one among them, from 1.
	Parts []string
	Part  int
	// Gap is how long nothing was recorded between the part before and this one. Less than 0:
	// they overlap. GapKnown is false for the first part, and where a start is not known.
	Gap      time.Duration
	GapKnown bool
	// Of is the ID of the main room's recording, of its first part, if this one is of a
	// smaller room. Breakouts are those of this meeting, by their start.
	Of        string
	Breakouts []string
	// Problem is why what the recording says of others does not count, as a sentence. "" means
	// that it does, or that it says nothing.
	Problem string
	// ProblemToo is the same of the recording that the room's server names besides.
	ProblemToo string
}

// toldWithin is how long after the end of a recording one may begin that goes on with its
// meeting by the word of the room's server.
const toldWithin = time.Hour

// Places returns, by ID, where recordings belong, by what they say of one another: each is
// signed, and sealed, so that only its own recorder says it. That counts only for recordings of
// one recorder, or of several of the same holder, such as a fleet, and what goes on is of the
// same room. A recorder that has it from the room's server alone may have been told anything:
// that counts only where both recordings open, are of the same meeting of the room, as far as
// they say which, and the one began within an hour of the other's end. What is not among all
// is missing.
func Places(all []*Description) map[string]*Place {
	byID := make(map[string]*Description, len(all))
	for _, d := range all {
		byID[d.ID] = d
	}
	places := make(map[string]*Place, len(all))
	before, main := make(map[string]string), make(map[string]string)
	for _, d := range all {
		p := &Place{}
		places[d.ID] = p
		if d.Follows != "" {
			if p.Problem = unlinked(d, byID[d.Follows], d.Follows, true, d.FollowsTold); p.Problem == "" {
				before[d.ID] = d.Follows
			}
		}
		if d.PartOf != "" {
			if why := unlinked(d, byID[d.PartOf], d.PartOf, false, false); why == "" {
				main[d.ID] = d.PartOf
			} else {
				p.Problem = cmp.Or(p.Problem, why)
			}
		}
	}
	for _, d := range all {
		if root(before, d.ID) == "" {
			places[d.ID].Problem = "the recordings that it names go round in a circle"
			delete(before, d.ID)
		}
	}
	// What a server says besides brings together what is there already: that it does not fit takes
	// nothing from what the recorder says itself.
	for _, d := range all {
		if d.FollowsToo == "" {
			continue
		}
		if why := unlinked(d, byID[d.FollowsToo], d.FollowsToo, true, true); why != "" {
			places[d.ID].ProblemToo = why
			continue
		}
		if own, other := root(before, d.ID), root(before, d.FollowsToo); own != other {
			before[own] = other
		}
	}
	meetings := make(map[string][]*Description) // by one of the parts
	for _, d := range all {
		one := root(before, d.ID)
		meetings[one] = append(meetings[one], d)
	}
	parts := make(map[string][]*Description) // by the first part
	firstOf := make(map[string]string)
	for _, of := range meetings {
		ByStart(of)
		first := of[0].ID
		parts[first] = of
		var ids []string
		for _, d := range of {
			ids = append(ids, d.ID)
			firstOf[d.ID] = first
		}
		if len(of) < 2 {
			continue
		}
		for i, d := range of {
			p := places[d.ID]
			p.Parts, p.Part = ids, i+1
			if i > 0 && !of[i-1].Start.IsZero() && !d.Start.IsZero() {
				p.Gap, p.GapKnown = d.Start.Sub(endOf(of[:i])), true
			}
		}
	}
	var rooms []*Description
	for id := range main {
		rooms = append(rooms, byID[id])
	}
	ByStart(rooms)
	for _, d := range rooms {
		of := firstOf[main[d.ID]]
		if of == firstOf[d.ID] {
			places[d.ID].Problem = "it says that it is of a smaller room of its own meeting"
			continue
		} else if main[of] != "" {
			places[d.ID].Problem = "it says that it is of a smaller room of another smaller room"
			continue
		}
		places[d.ID].Of = of
		for _, part := range parts[of] {
			places[part.ID].Breakouts = append(places[part.ID].Breakouts, d.ID)
		}
	}
	return places
}

// endOf returns when the last of the parts so far ended.
func endOf(parts []*Description) (end time.Time) {
	for _, d := range parts {
		if e := d.Start.Add(d.Duration); e.After(end) {
			end = e
		}
	}
	return end
}

// root returns the first recording of a chain. "" means that it is a circle.
func root(before map[string]string, id string) string {
	for range len(before) + 1 {
		next, ok := before[id]
		if !ok {
			return id
		}
		id = next
	}
	return ""
}

// unlinked returns why what d says of another recording does not count, "" if it does. told says
// that it is the word of the room's server.
func unlinked(d, other *Description, id string, follows, told bool) string {
	says := "goes on with the meeting of " + id
	if !follows {
		says = "is of a smaller room of the meeting of " + id
	}
	switch {
	case id == d.ID:
		return "it names itself as another recording"
	case other == nil:
		return fmt.Sprintf("it %s, which is not here", says)
	case other.Err != nil || other.Trust().Outcome != Whole || d.Trust().Outcome != Whole:
		return fmt.Sprintf("it says that it %s, and one of the two is not to be trusted", says)
	case !sameRecorder(d.Signers, other.Signers):
		return fmt.Sprintf("it says that it %s, which another recorder signed: they do not count as one meeting", says)
	case follows && !other.Start.IsZero() && !other.Start.Before(d.Start):
		return fmt.Sprintf("it says that it %s, which began later", says)
	case follows && other.Room != "" && d.Room != "" && other.Room != d.Room:
		return fmt.Sprintf("it says that it %s, which is of another room", says)
	case told:
		if why := misfit(d, other); why != "" {
			return fmt.Sprintf("the room's server said that it %s, %s", says, why)
		}
	}
	return ""
}

// misfit returns why other is not the recording with whose meeting d goes on, where nobody
// but the room's server says that it is. "" means that all fits.
func misfit(d, other *Description) string {
	switch {
	case other.Start.IsZero() || d.Start.IsZero() || other.Room == "" || d.Room == "":
		return "which cannot be checked, since the beginning of both does not open"
	case other.Meeting != "" && d.Meeting != "" && other.Meeting != d.Meeting:
		return "which is of another meeting in the room"
	case d.Start.Sub(other.Start.Add(other.Duration)) > toldWithin:
		return "which ended long before"
	}
	return ""
}

// sameRecorder reports whether one key signed both, or keys of one holder.
func sameRecorder(a, b []Signer) bool {
	for _, x := range a {
		for _, y := range b {
			if !x.Revoked && !y.Revoked && (x.Key == y.Key || x.Holder != "" && x.Holder == y.Holder) {
				return true
			}
		}
	}
	return false
}

// ByStart sorts recordings as parts of a meeting are.
func ByStart(all []*Description) {
	slices.SortFunc(all, func(a, b *Description) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) })
}
