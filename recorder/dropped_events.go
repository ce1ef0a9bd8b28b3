package recorder

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// maxDropped is how many members' types of events are counted apart where they are
// not in the timeline; of more, only the type is told.
const maxDropped = 64

// droppedEvents counts events that are not in the timeline, by whose they are and of
// which type. It is for one goroutine at a time; the zero value is empty.
type droppedEvents map[droppedOf]int

// A droppedOf says whose events of a type are not in the timeline, "" for several
// members', or the room's.
type droppedOf struct {
	participant string
	typ         media.EventType
}

// add counts n events.
func (d *droppedEvents) add(participant string, typ media.EventType, n int) {
	if *d == nil {
		*d = make(droppedEvents)
	}
	of := droppedOf{participant, typ}
	if _, known := (*d)[of]; !known && len(*d) >= maxDropped {
		of.participant = ""
		if _, known := (*d)[of]; !known && len(*d) >= 2*maxDropped {
			return
		}
	}
	(*d)[of] = min((*d)[of]+n, 1<<30)
}

// events returns the events that say what was counted.
func (d droppedEvents) events(at time.Duration) (out []media.Event) {
	for of, n := range d {
		out = append(out, media.Event{Time: at, Type: media.EventDropped, Participant: of.participant, Reason: string(of.typ), Count: n})
	}
	slices.SortFunc(out, func(a, b media.Event) int {
		return cmp.Or(strings.Compare(a.Reason, b.Reason), strings.Compare(a.Participant, b.Participant))
	})
	return out
}
