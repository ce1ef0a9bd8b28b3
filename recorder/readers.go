package recorder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/recorder/media"
)

// An Access says which members may read what was recorded while they were in
// the room, and lets the Sink seal to them. Readers that are to read all are the
// Sink's own business. One goroutine uses it.
type Access interface {
	// Reader reports whether the member with this identity is a reader, the name of
	// the card that says so, and by what the card is theirs, a media.VerifiedBy
	// reason. It may come to say something else: see Recorder.Verified.
	Reader(identity string) (name, how string, ok bool)

	// StartEpoch makes the Sink seal what it creates from now on to those of
	// the readers that are present. No object of the Sink is open then. Where they
	// are more than it can seal to, it seals to those who fit and returns the others,
	// of whom the timeline tells.
	StartEpoch(present []string) (without []string, err error)

	// Stale reports whether others would read than in the epoch there is, though the
	// same members are present: a card was revoked, or the Sink's own readers changed.
	// Then one is started before the next segment.
	Stale() bool
}

// An Admitter is an Access that keeps one epoch: whoever attended reads all of
// it. StartEpoch and Stale are not called then.
type Admitter interface {
	Access

	// Admit lets a reader who came into the epoch there is. Each is admitted
	// once; where that fails it is tried again before the next segment, and what
	// fails at the end is an error of the recording.
	Admit(identity string) error
}

// readerEpochs decide when an epoch begins, and who can open it. The zero value has no
// Access and one epoch. They belong to the goroutine that writes.
type readerEpochs struct {
	access Access
	roster *Roster

	present    map[string]bool // readers who were here when what is written now was received
	startedFor map[string]bool // those for whom the current epoch was started
	canOpen    map[string]bool // those of them to whom it is sealed
	unsealed   map[string]bool // and those for whom it had no place, which the timeline says
	owed       []string        // with an Admitter: who is still to be admitted
}

// update notes that a reader came or left. It reports whether one left who can open what
// is written now: then the open segment has to end. A join waits for it to end by itself.
func (a *readerEpochs) update(e media.Event) (left bool) {
	if a.access == nil {
		return false
	}
	switch e.Type {
	case media.EventJoin, media.EventLeave:
	case media.EventVerified:
		if _, here := a.roster.Here(e.Participant); !here {
			return false
		}
	default:
		return false
	}
	_, _, reads := a.access.Reader(e.Participant)
	switch {
	case e.Type == media.EventVerified && reads:
		e.Type = media.EventJoin // as a reader
	case e.Type == media.EventVerified:
		e.Type = media.EventLeave
	case e.Type == media.EventJoin && !reads:
		return false
	}
	if a.present == nil {
		a.present = make(map[string]bool)
	}
	if _, ok := a.access.(Admitter); ok {
		if e.Type == media.EventJoin && !a.present[e.Participant] {
			a.present[e.Participant] = true
			a.owed = append(a.owed, e.Participant)
		}
		return false
	}
	if e.Type == media.EventJoin {
		a.present[e.Participant] = true
		return false
	}
	delete(a.present, e.Participant)
	return a.canOpen[e.Participant] // even if they are no reader any more
}

// verifiedEvent returns the event that names a member who just joined, if the operator
// vouched for them. Proofs arrive through Recorder.Verified.
func (a *readerEpochs) verifiedEvent(e *media.Event) (media.Event, bool) {
	if a.access == nil || e == nil || e.Type != media.EventJoin {
		return media.Event{}, false
	}
	name, how, ok := a.access.Reader(e.Participant)
	return media.Event{Time: e.Time, Type: media.EventVerified, Participant: e.Participant, Name: name,
		Reason: how}, ok && how == media.VerifiedByOperator
}

// due reports whether others are to read than in the current epoch.
func (a *readerEpochs) due() bool {
	if _, ok := a.access.(Admitter); ok {
		return false
	}
	return a.access != nil && (!maps.Equal(a.present, a.startedFor) || a.access.Stale())
}

// admitOwed admits the readers who are owed it. One whose admission fails is tried again,
// and holds up nobody else.
func (a *readerEpochs) admitOwed() error {
	var errs []error
	a.owed = slices.DeleteFunc(a.owed, func(id string) bool {
		err := a.access.(Admitter).Admit(id)
		if err != nil {
			errs = append(errs, fmt.Errorf("admitting a reader: %w", err))
		}
		return err == nil
	})
	return errors.Join(errs...)
}

// startEpoch begins the epoch that is due and returns its events for the timeline.
func (a *readerEpochs) startEpoch() (events []media.Event, err error) {
	present := slices.Sorted(maps.Keys(a.present))
	without, err := a.access.StartEpoch(present)
	if err != nil {
		return nil, fmt.Errorf("sealing to those present: %w", err)
	}
	a.startedFor, a.canOpen = maps.Clone(a.present), maps.Clone(a.present)
	reported := a.unsealed
	a.unsealed = make(map[string]bool)
	for _, id := range without {
		delete(a.canOpen, id)
		if a.unsealed[id] = true; !reported[id] {
			name, _, _ := a.access.Reader(id)
			events = append(events, media.Event{Type: media.EventUnsealed, Participant: id, Name: name})
		}
	}
	var names []string
	for _, id := range present {
		if a.canOpen[id] {
			name, _, _ := a.access.Reader(id)
			names = append(names, name)
		}
	}
	return append([]media.Event{{Type: media.EventEpoch, Text: strings.Join(names, ", ")}}, events...), nil
}

// changesReaders reports whether an event of the type may change who reads.
func changesReaders(t media.EventType) bool {
	return t == media.EventJoin || t == media.EventLeave || t == media.EventVerified
}
