package media

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxWho bounds an identity behind a name, in characters.
const maxWho = 48

// Names are the names of people for titles, tables and files, such that no two
// people have the same one. Who shares a name with somebody else has their
// identity behind it, in parentheses: "Ada (ada-2)". So has who calls themselves
// what somebody else is called so.
//
// Names that differ only in case, or in what Plain removes, are the same. A Names
// is read-only and may be used by several goroutines.
type Names struct {
	shown map[called]string
	last  map[string]string // by identity, their latest name as it came
}

// A called is a name that somebody had at some time.
type called struct{ identity, name string }

// NewNames returns the names of those who have tracks or are in events. Events
// are in order of time.
func NewNames(tracks []Track, events []Event) *Names {
	n := &Names{shown: make(map[called]string), last: make(map[string]string)}
	var all []called
	add := func(identity, name string) {
		c := called{identity, name}
		if _, known := n.shown[c]; !known {
			n.shown[c] = plainName(c)
			all = append(all, c)
		}
	}
	for _, t := range tracks {
		add(t.Participant, t.Name)
		n.last[t.Participant] = cmp.Or(n.last[t.Participant], t.Name)
	}
	for _, e := range events {
		if e.Participant == "" {
			continue
		}
		name := nameIn(e)
		add(e.Participant, name)
		if name != "" {
			n.last[e.Participant] = name
		}
	}
	// Without a name in the event, the latest one is shown.
	for identity, name := range n.last {
		add(identity, name)
	}
	slices.SortFunc(all, func(a, b called) int {
		return cmp.Or(cmp.Compare(a.identity, b.identity), cmp.Compare(a.name, b.name))
	})
	n.tellApart(all)
	return n
}

// nameIn returns the name that the event's participant has in it. In some events
// Name is that of a card, or a reader's.
func nameIn(e Event) string {
	switch e.Type {
	case EventVerified, EventClaimed, EventUnsealed, EventEpoch:
		return ""
	}
	return e.Name
}

// tellApart puts identities behind the names that two people have. Such a name may
// be what a third one is called, so it goes on until nothing changes.
func (n *Names) tellApart(all []called) {
	apart := make(map[called]bool)
	for again := true; again; {
		again = false
		users := n.users(all)
		for _, c := range all {
			if !apart[c] && users[strings.ToLower(n.shown[c])] == severalUsers {
				apart[c], again = true, true
			}
		}
		for c := range apart {
			n.shown[c] = withIdentity(c)
		}
	}
	// Identities that look the same, or were cut.
	taken := make(map[string]string) // by name, whose it is
	for _, c := range all {
		name := n.shown[c]
		for i := 2; ; i++ {
			owner, ok := taken[strings.ToLower(name)]
			if !ok || owner == c.identity {
				break
			}
			name = fmt.Sprintf("%s %d", n.shown[c], i)
		}
		taken[strings.ToLower(name)] = c.identity
		n.shown[c] = name
	}
}

// severalUsers stands for more than one identity. None can be that: it is no UTF-8.
const severalUsers = "\xff\xff"

// users returns who is shown under each name, in lower case.
func (n *Names) users(all []called) map[string]string {
	users := make(map[string]string)
	for _, c := range all {
		name := strings.ToLower(n.shown[c])
		if who, ok := users[name]; ok && who != c.identity {
			users[name] = severalUsers
		} else {
			users[name] = c.identity
		}
	}
	return users
}

func plainName(c called) string {
	return cmp.Or(Plain(c.name, MaxTitle), Plain(c.identity, MaxTitle), "unnamed")
}

func withIdentity(c called) string {
	name := plainName(c)
	if who := Plain(c.identity, maxWho); who != "" && who != name {
		return name + " (" + who + ")"
	}
	return name
}

// Of returns how somebody is shown who is called name, "" for the latest name
// that is known of them.
func (n *Names) Of(identity, name string) string {
	c := called{identity, cmp.Or(name, n.last[identity])}
	if shown, ok := n.shown[c]; ok {
		return shown
	}
	return withIdentity(c) // neither a track nor an event had it
}

// In returns how an event's participant is shown. It is "" if the event concerns
// nobody.
func (n *Names) In(e Event) string {
	if e.Participant == "" {
		return Plain(nameIn(e), MaxTitle)
	}
	return n.Of(e.Participant, nameIn(e))
}

// Title returns the Title of a track with the name of its sender as it is shown.
func (n *Names) Title(t Track) string {
	return strings.TrimSpace(n.Of(t.Participant, t.Name) + " (" + Plain(string(t.Source), MaxTitle) + ")")
}
