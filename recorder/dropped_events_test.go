package recorder

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Many members' floods are counted in so many rows, and none of it is lost.
func TestDroppedEventsAreBounded(t *testing.T) {
	var d droppedEvents
	d.add("mallory", media.EventChat, 3)
	d.add("mallory", media.EventChat, 4)
	for n := range 1000 {
		d.add(fmt.Sprint("guest ", n), media.EventReaction, 2)
		d.add("", media.EventType(fmt.Sprint("type ", n)), 1)
	}
	all, reactions := d.events(time.Second), 0
	for _, e := range all {
		if e.Type != media.EventDropped || e.Time != time.Second || e.Reason == string(media.EventChat) && (e.Participant != "mallory" || e.Count != 7) {
			t.Errorf("%+v", e)
		}
		if e.Reason == string(media.EventReaction) {
			reactions += e.Count
		}
	}
	if len(all) > 2*maxDropped || reactions != 2000 {
		t.Errorf("%d rows, %d reactions, want at most %d and 2000", len(all), reactions, 2*maxDropped)
	}
}
