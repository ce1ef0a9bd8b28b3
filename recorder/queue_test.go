package recorder

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Frames that nobody takes wait at their tracks, however few they are.
func TestLoadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l queueBytes
		stop := make(chan struct{})
		var taken atomic.Int64
		for range 2 {
			go func() {
				for range 10 {
					if l.add(maxQueueBytes/8, stop) {
						taken.Add(1)
					}
				}
			}()
		}
		for _, tt := range []struct {
			gone  int
			taken int64
		}{{0, 8}, {1, 9}, {8, 17}, {7, 20}, {4, 20}} {
			for range tt.gone {
				l.remove(maxQueueBytes / 8)
			}
			synctest.Wait()
			if taken.Load() != tt.taken || l.bytes > maxQueueBytes {
				t.Errorf("%d frames were taken, %d bytes wait, want %d", taken.Load(), l.bytes, tt.taken)
			}
		}
		if l.bytes != 0 {
			t.Fatalf("%d bytes are left of none", l.bytes)
		}
		// One that has no room anywhere is taken all the same, by itself.
		if !l.add(2*maxQueueBytes, stop) {
			t.Error("a large frame is refused")
		}
		refused := make(chan bool, 1)
		go func() { refused <- !l.add(1, stop) }()
		synctest.Wait()
		close(stop)
		if !<-refused || l.bytes != 2*maxQueueBytes {
			t.Errorf("at the end a frame was not refused, or %d bytes are left", l.bytes)
		}
	})
}

// However many come and go, the last of them are remembered and no more.
func TestWhoIsGoneIsForgotten(t *testing.T) {
	p := &producers{r: New(Config{Recording: "x", Sink: struct{ Sink }{}, Notices: Notices{Start: "x"}}),
		slots: make(map[slotKey][]*slot), roster: NewRoster()}
	who := func(n int) string { return fmt.Sprint("guest-", n) }
	info := func(n int) TrackInfo {
		return TrackInfo{Participant: who(n), Source: media.Microphone, Codec: media.Opus}
	}
	const guests = 3 * maxRemembered
	stays, _ := p.slot(info(-1))
	p.updateRoster(RoomEvent{Type: media.EventJoin, Participant: who(-1)})
	var last *slot
	for n := range guests {
		p.updateRoster(RoomEvent{Type: media.EventJoin, Participant: who(n)})
		last, _ = p.slot(info(n))
		last.busy, last.freed = false, time.Duration(n)
		p.updateRoster(RoomEvent{Type: media.EventLeave, Participant: who(n)})
	}
	if p.slotCount > maxRemembered || len(p.slots) != p.slotCount || len(p.roster.gone) > maxRemembered {
		t.Errorf("%d media are remembered, of %d members, and %d who were here", p.slotCount, len(p.slots), len(p.roster.gone))
	}
	if s, _ := p.slot(info(guests - 1)); s != last {
		t.Error("the last medium does not go on")
	}
	if s := p.slots[slotKey{who(-1), media.Microphone, media.Opus}]; len(s) != 1 || s[0] != stays {
		t.Error("a medium that is recorded was forgotten")
	}
	if s, _ := p.slot(info(0)); s.media.UID <= last.media.UID {
		t.Error("the first medium is remembered")
	}
	if p.roster.Met() != guests+1 || p.roster.Len() != 1 {
		t.Errorf("%d members came and %d are here, want %d and 1", p.roster.Met(), p.roster.Len(), guests+1)
	}
}
