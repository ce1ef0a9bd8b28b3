package bot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys/member"
)

// There are bounds for the number of keys that an epoch is sealed to, and for the number
// of readers that members can be told. If there are more readers, the fixed ones come
// first, then the others in the order of their coming.

// seats returns which of the identities find a place beside the fixed readers, and which
// do not.
func (m *membership) seats(identities []string) (seated, without []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seatsLocked(identities)
}

// recipients returns the recipients of the next epoch, for the fixed readers and the
// identities; their names, to compare them later; and the identities without a place.
func (m *membership) recipients(identities []string) (to []age.Recipient, names, without []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.readers {
		to = append(to, r.Recipients...)
		names = append(names, r.Name)
		if r.Card != nil {
			names = append(names, r.Card.Recipients...)
		}
	}
	seated, without := m.seatsLocked(identities)
	for _, identity := range seated {
		if !m.reads(identity) {
			continue // they have just ceased to be a reader
		}
		for _, card := range m.people[identity].cards {
			to = append(to, card.AgeRecipients()...)
			names = append(names, card.Recipients...)
		}
	}
	return to, names, without
}

// seated reports whether the reader with an identity finds a place.
func (m *membership) seated(identity string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, without := m.seatsLocked(m.readersHere())
	return !slices.Contains(without, identity)
}

func (m *membership) seatsLocked(identities []string) (seated, without []string) {
	ordered := slices.Clone(identities)
	order := func(identity string) int {
		if a := m.people[identity]; a != nil {
			return a.visit
		}
		return 0
	}
	slices.SortStableFunc(ordered, func(a, b string) int { return cmp.Compare(order(a), order(b)) })
	readers, keys := len(m.readers), 0
	for _, r := range m.readers {
		keys += len(r.Recipients)
	}
	for _, identity := range ordered {
		a := m.people[identity]
		if a == nil {
			continue
		}
		more := 0
		for _, c := range a.cards {
			more += len(c.Recipients)
		}
		if readers+len(a.cards) > member.MaxReaders || keys+more > archive.MaxReaders {
			without = append(without, identity)
			continue
		}
		readers, keys = readers+len(a.cards), keys+more
		seated = append(seated, identity)
	}
	return seated, without
}

// unseat reports by Config.Say which readers have no place, each once. The room is told
// only how many there are.
func (m *membership) unseat(without []string) {
	var names []string
	m.mu.Lock()
	for _, identity := range without {
		if a := m.people[identity]; a != nil && !a.unseated {
			a.unseated = true
			names = append(names, a.name)
		}
	}
	m.mu.Unlock()
	for _, name := range names {
		m.notef("%s cannot open what is recorded now: it has as many readers as there can be", words.Clean(name))
	}
}

// ErrReaders: more readers than a recording can have.
var ErrReaders = errors.New("too many readers")

// CheckReaders returns an error that wraps ErrReaders if a recording cannot have so many
// readers: at most 1,024, with at most 4,096 keys.
func CheckReaders(readers []Reader) error {
	keys := 0
	for _, r := range readers {
		keys += len(r.Recipients)
	}
	if len(readers) > member.MaxReaders || keys > archive.MaxReaders {
		return fmt.Errorf("%w: %d readers with %d keys, more than %d and %d", ErrReaders, len(readers), keys, member.MaxReaders, archive.MaxReaders)
	}
	return nil
}
