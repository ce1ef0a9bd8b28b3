package bot

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// lookEvery is how often the cards of the readers are checked. A card that was revoked,
// replaced or unpinned, or has expired, may be sealed to for that long.
const lookEvery = 30 * time.Second

// look checks the cards of all readers again. From the next epoch on, nothing is sealed
// to a card that does not count any more. A reader who has another card now is sealed
// to by that one.
func (m *membership) look() {
	if m.home == nil {
		return
	}
	pins, err := m.home.Pins()
	if err != nil {
		m.log.Warn("the pinned cards cannot be read: it is sealed as before", "err", err)
		return
	}
	m.lookAtOwn(pins)
	m.lookAtReaders(pins)
	m.lookAtNamed(pins)
	m.lookAtDevices(pins)
	m.lookAtKnown()
	m.announce()
}

// lookAtOwn reports once if the recorder's own card does not count any more.
func (m *membership) lookAtOwn(pins []keys.Pin) {
	if len(pins) == 0 || !pins[0].Own {
		return
	}
	if err := pins[0].Live(time.Now()); err != nil && m.first("") {
		m.log.Warn("this recorder's own card does not count any more: others do not believe what it signs", "why", reasonOf(err))
		m.notef("this recorder's own card does not count any more: %s; others do not believe what it signs", words.Clean(err.Error()))
	}
}

// lookAtReaders checks the cards of the fixed readers.
func (m *membership) lookAtReaders(pins []keys.Pin) {
	m.mu.Lock()
	before := m.readers
	m.mu.Unlock()
	var now, kept []Reader
	gone := make(map[string]error) // by the name that was shown
	people := make(map[string][]keys.Card)
	for _, r := range before {
		if r.Card == nil {
			now, kept = append(now, r), append(kept, r)
			continue
		}
		cards, done := people[r.Card.Name]
		if !done {
			var err error
			if cards, err = keys.PersonOf(pins, r.Card.Name); err != nil {
				gone[r.Name] = err
			}
			people[r.Card.Name] = cards
			now = append(now, CardReaders(cards...)...)
		}
		if slices.ContainsFunc(cards, func(c keys.Card) bool { return c.Key == r.Card.Key }) {
			kept = append(kept, r)
		} else if gone[r.Name] == nil {
			gone[r.Name] = m.why(pins, *r.Card)
		}
	}
	if CheckReaders(now) != nil {
		now = kept
	}
	for _, r := range before {
		if err := gone[r.Name]; err != nil {
			m.lost(r.Name, err)
		}
	}
	if m.oneEpoch {
		return
	}
	m.mu.Lock()
	m.readers = now
	m.mu.Unlock()
}

// why returns why a card does not count.
func (m *membership) why(pins []keys.Pin, c keys.Card) error {
	for _, p := range pins {
		if p.Key == c.Key {
			return p.Live(time.Now())
		}
	}
	return fmt.Errorf("%w: %s", keys.ErrNoMember, words.Quote(c.Name))
}

// lost reports once that somebody is no reader any more: by Config.Say with the name, and
// in the log without it.
func (m *membership) lost(name string, why error) {
	if !m.first(name) {
		return
	}
	reason := reasonOf(why)
	if m.oneEpoch {
		m.log.Warn("a reader's card does not count any more, but this recording has one epoch, which they can open", "why", reason)
		m.notef("%s: %s; they can open all of this recording, which has one epoch: end it, and record on in another", words.Clean(name), words.Clean(why.Error()))
		return
	}
	m.log.Warn("a reader's card does not count any more: nothing is sealed to it from the next epoch on", "why", reason)
	m.notef("%s cannot open what is recorded from now on: %s", words.Clean(name), words.Clean(why.Error()))
}

// first reports whether nothing was reported about a card yet.
func (m *membership) first(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[name] {
		return false
	}
	if m.seen == nil {
		m.seen = make(map[string]bool)
	}
	m.seen[name] = true
	return true
}

// reasonOf returns why a card does not count, without its name.
func reasonOf(err error) error {
	for _, reason := range []error{keys.ErrRevoked, keys.ErrDoubted, keys.ErrReplaced, keys.ErrExpired, keys.ErrNoMember} {
		if errors.Is(err, reason) {
			return reason
		}
	}
	return err
}

// lookAtNamed checks the cards of Config.Members.
func (m *membership) lookAtNamed(pins []keys.Pin) {
	m.mu.Lock()
	gone, names := make(map[string]error), make(map[string]string)
	for identity, before := range m.named {
		cards, err := keys.PersonOf(pins, before[0].Name)
		if err != nil {
			gone[identity], names[identity] = err, before[0].Label()
			delete(m.named, identity)
		} else {
			m.named[identity] = cards
		}
		a := m.people[identity]
		switch {
		case a == nil || a.how != media.VerifiedByOperator:
		case err == nil:
			a.cards = cards
		case m.oneEpoch:
			// They can open the one epoch in any case, and members are told so.
		default:
			a.cards, a.how, a.name = nil, "", ""
			m.roster.Stand(identity, a.visit, "")
			m.changed[identity] = true // they may have proved who they are, too
		}
	}
	m.mu.Unlock()
	for identity, err := range gone {
		m.lost(names[identity], err)
		m.note(func(rec *recorder.Recorder) error { return rec.Verified(identity, "", "") })
		if rec := m.recorder(); rec != nil {
			rec.Reconsider(identity)
		}
	}
}

// lookAtDevices considers a member again who proved who they are, if the card of another
// device of theirs does not count any more. The session checks the card of the device
// that they are here with.
func (m *membership) lookAtDevices(pins []keys.Pin) {
	if m.oneEpoch {
		return // they can open the one epoch in any case, and members are told so
	}
	dead := make(map[string]bool)
	now := time.Now()
	for _, p := range pins {
		dead[p.Key] = p.Live(now) != nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for identity, a := range m.people {
		if a.how == media.VerifiedByProof && slices.ContainsFunc(a.cards, func(c keys.Card) bool {
			not, pinned := dead[c.Key]
			return not || !pinned && c.Key != a.key
		}) {
			m.changed[identity] = true
			signalTo(m.wake)
		}
	}
}
