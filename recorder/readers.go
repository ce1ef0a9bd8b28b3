package recorder

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/recorder/media"
)

// An Access says which members can open what is recorded while they are in the room, and
// makes the Sink seal to them. Readers who can open all of the recording are a matter of
// the Sink. One goroutine uses an Access.
type Access interface {
	// Reader reports whether the member with this identity is a reader. It returns the
	// name on their card, and how they were identified, a media.VerifiedBy reason. The
	// answer may change: see Recorder.Verified.
	Reader(identity string) (name, how string, ok bool)

	// StartEpoch makes the Sink seal what it creates from now on to the readers that are
	// present. No object of the Sink is open during the call. If there are more readers
	// than the Sink can seal to, it seals to those who fit, and returns the others. The
	// timeline names them.
	StartEpoch(present []string) (without []string, err error)

	// Stale reports whether a new epoch would have other readers than the present one,
	// although the same members are present: a card was revoked, or the Sink's own
	// readers have changed. Then an epoch is started before the next segment.
	Stale() bool
}

// An Admitter is an Access with one epoch: a reader who attends can open all of it. Its
// StartEpoch and Stale are not called.
type Admitter interface {
	Access

	// Admit admits a reader who came to the present epoch. It is called once for each.
	// If it fails, it is called again before the next segment. If it still fails at the
	// end, that is an error of the recording.
	Admit(identity string) error
}

// readerEpochs decide when an epoch begins, and who can open it. The zero value has no
// Access and one epoch. They belong to the goroutine that writes.
type readerEpochs struct {
	access Access
	roster *Roster

	present    map[string]bool // readers who were here when what is written now was received
	startedFor map[string]bool // readers for whom the current epoch was started
	canOpen    map[string]bool // those of them to whom it is sealed
	unsealed   map[string]bool // those without a place in it; the timeline names them
	owed       []string        // with an Admitter: readers who are not admitted yet
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
// vouched for them, or the room did. Proofs arrive through Recorder.Verified.
func (a *readerEpochs) verifiedEvent(e *media.Event) (media.Event, bool) {
	if a.access == nil || e == nil || e.Type != media.EventJoin {
		return media.Event{}, false
	}
	name, how, ok := a.access.Reader(e.Participant)
	return media.Event{Time: e.Time, Type: media.EventVerified, Participant: e.Participant, Name: name,
		Reason: how}, ok && (how == media.VerifiedByOperator || how == media.VerifiedByMatrix)
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
