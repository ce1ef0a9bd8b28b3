package recorder_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A microphone on which the sender says nothing for a long time, or at all, misses
// nothing: LiveKit's server sends its own silence as soon as the way is there.
func TestNothingSentIsNoHole(t *testing.T) {
	trailer := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
	for _, encrypted := range []bool{true, false} { // what is not recorded sends nothing either
		for _, speaks := range []bool{true, false} {
			s, report := record(t, recorder.Config{Duration: 20 * time.Second}, func(room *roomtest.Room, _ func()) {
				info := opusInfo
				info.SIFTrailer, info.Wanted, info.Encrypted = trailer, time.Now(), encrypted
				time.Sleep(200 * time.Millisecond)
				tr := room.Publish(info)
				for n := range 500 {
					p := opusPacket(n, append(append([]byte{0xf8, 0xff, 0xfe}, make([]byte, 77)...), trailer...))
					p.Marker = true
					tr.Send(p)
					time.Sleep(20 * time.Millisecond)
				}
				if speaks {
					sound(tr, 500, 600)
				}
			})
			silent := find(mustEvents(t, s), media.EventSilent)
			var start int
			for _, e := range find(mustEvents(t, s), media.EventGap) {
				if e.From < 10*time.Second {
					start++
				}
			}
			if start > 0 {
				t.Errorf("encrypted %t, speaks %t: %d holes before the first word", encrypted, speaks, start)
			}
			if !encrypted && report.Incomplete {
				t.Errorf("speaks %t: %+v", speaks, report)
			}
			want := 1
			if speaks {
				want = 0
			}
			if len(silent) != want || want == 1 && (silent[0].Track != 1 || silent[0].Text != "Alice (microphone)" || silent[0].To-silent[0].From < 9*time.Second) {
				t.Errorf("encrypted %t, speaks %t: %+v", encrypted, speaks, silent)
			}
		}
	}
}

func mustEvents(t *testing.T, s *sink) []media.Event {
	t.Helper()
	_, events, _ := s.read(t)
	return events
}

// A camera that the server is ready to send, and that sends nothing, misses
// nothing, whether it begins late or never does. What was missed before the server
// was ready still counts.
func TestNothingSentThatServerOffers(t *testing.T) {
	const s = time.Second
	for name, tt := range map[string]struct {
		ready  time.Duration // after it was asked for
		begins bool
		hole   time.Duration
		silent int
	}{
		"at once, never":   {100 * time.Millisecond, false, 0, 1},
		"at once, begins":  {100 * time.Millisecond, true, 0, 0},
		"late, never":      {3 * s, false, 3 * s, 1},
		"late, and begins": {3 * s, true, 3 * s, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				report, events := recordWaiting(t, vp8Info, func(_ *recorder.Recorder, room *waitingRoom) {
					info := room.Waiting()[0]
					time.Sleep(tt.ready)
					info.Offered = time.Now()
					room.set(info)
					time.Sleep(8 * s)
					if !tt.begins {
						return
					}
					room.set()
					tr := room.Publish(info)
					for n := range 20 {
						tr.Send(vp8Packet(n, vp8Frame(n, n%10 == 0)))
						time.Sleep(50 * time.Millisecond)
					}
				})
				var hole time.Duration
				for _, e := range find(events, media.EventGap) {
					hole += e.To - e.From
				}
				if (hole-tt.hole).Abs() > 300*time.Millisecond || report.Incomplete != (tt.hole >= s) {
					t.Errorf("missing %v, want %v; incomplete %t", hole, tt.hole, report.Incomplete)
				}
				silent := find(events, media.EventSilent)
				if len(silent) != tt.silent || tt.silent > 0 && (silent[0].Track != 0 || silent[0].Text != "Alice (camera)") {
					t.Errorf("silent: %+v", silent)
				}
			})
		})
	}
}
