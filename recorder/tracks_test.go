package recorder

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// However many come and go, the last of them are remembered and no more.
func TestWhoIsGoneIsForgotten(t *testing.T) {
	r := newRun(Config{}, struct{ Room }{})
	ts := r.tracks
	who := func(n int) string { return fmt.Sprint("guest-", n) }
	info := func(n int) TrackInfo {
		return TrackInfo{Participant: who(n), Source: media.Microphone, Codec: media.Opus}
	}
	const guests = 3 * maxRemembered
	stays, _ := ts.slot(info(-1))
	r.roster.follow(RoomEvent{Type: media.EventJoin, Participant: who(-1)})
	var last *slot
	for n := range guests {
		r.roster.follow(RoomEvent{Type: media.EventJoin, Participant: who(n)})
		last, _ = ts.slot(info(n))
		last.busy, last.freed = false, time.Duration(n)
		r.roster.follow(RoomEvent{Type: media.EventLeave, Participant: who(n)})
	}
	if ts.slotCount > maxRemembered || len(ts.slots) != ts.slotCount || len(r.roster.gone) > maxRemembered {
		t.Errorf("%d media are remembered, of %d members, and %d who were here", ts.slotCount, len(ts.slots), len(r.roster.gone))
	}
	if s, _ := ts.slot(info(guests - 1)); s != last {
		t.Error("the last medium does not go on")
	}
	if s := ts.slots[slotKey{who(-1), media.Microphone, media.Opus}]; len(s) != 1 || s[0] != stays {
		t.Error("a medium that is recorded was forgotten")
	}
	if s, _ := ts.slot(info(0)); s.media.UID <= last.media.UID {
		t.Error("the first medium is remembered")
	}
	if r.roster.Met() != guests+1 || r.roster.Len() != 1 {
		t.Errorf("%d members came and %d are here, want %d and 1", r.roster.Met(), r.roster.Len(), guests+1)
	}
}
