package recorder

import (
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
	// Reader reports whether the member with this identity is a reader, and the
	// name of the card that says so.
	Reader(identity string) (name string, ok bool)

	// StartEpoch makes the Sink seal what it creates from now on to those of
	// the readers that are present. No object of the Sink is open then.
	StartEpoch(present []string) error
}

// An admission keeps the epochs in step with who is here. The zero value has no
// Access and one epoch. It belongs to the keeper's goroutine.
type admission struct {
	access  Access
	present map[string]bool // readers in the room
	sealed  map[string]bool // those of the current epoch
}

// event notes who comes and goes. It reports whether someone left who could
// read what is written now: then the open segment has to end. Joins can wait
// for it to end by itself, and so are gathered.
func (a *admission) event(e media.Event) (left bool) {
	if a.access == nil || e.Type != media.EventJoin && e.Type != media.EventLeave {
		return false
	}
	if _, ok := a.access.Reader(e.Participant); !ok {
		return false
	}
	if a.present == nil {
		a.present = make(map[string]bool)
	}
	if e.Type == media.EventJoin {
		a.present[e.Participant] = true
		return false
	}
	delete(a.present, e.Participant)
	return a.sealed[e.Participant]
}

// due reports whether the readers are others than those of the epoch.
func (a *admission) due() bool {
	return a.access != nil && !maps.Equal(a.present, a.sealed)
}

// start begins the epoch that is due and returns the event that tells of it.
func (a *admission) start() (media.Event, error) {
	present := slices.Sorted(maps.Keys(a.present))
	if err := a.access.StartEpoch(present); err != nil {
		return media.Event{}, fmt.Errorf("sealing to those present: %w", err)
	}
	a.sealed = maps.Clone(a.present)
	names := make([]string, len(present))
	for i, id := range present {
		names[i], _ = a.access.Reader(id)
	}
	return media.Event{Type: media.EventEpoch, Text: strings.Join(names, ", ")}, nil
}
