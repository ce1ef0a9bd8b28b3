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
			out, _ := record(t, recorder.Config{Duration: 20 * time.Second}, func(room *roomtest.Room, _ func()) {
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
			out.parse()
			for _, e := range find(out.events, media.EventHole) {
				if e.From < 10*time.Second {
					t.Errorf("encrypted %t, speaks %t: a hole before the first word: %+v", encrypted, speaks, e)
				}
			}
			if !encrypted {
				out.wantIncomplete(false)
			}
			if speaks {
				out.want(media.EventSilent, 0)
			} else if silent := out.want(media.EventSilent, 1)[0]; silent.Track != 1 || silent.Text != "Alice (microphone)" || silent.To-silent.From < 9*time.Second {
				t.Errorf("encrypted %t: %+v", encrypted, silent)
			}
		}
	}
}

// A camera that the server is ready to send, and that sends nothing, misses
// nothing, whether it begins late or never does. What was missed before the server
// was ready still counts.
func TestNothingSentThatServerOffers(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name   string
		ready  time.Duration // after it was asked for
		begins bool
		hole   time.Duration
		silent int
	}{
		{"at once, never", 100 * time.Millisecond, false, 0, 1},
		{"at once, begins", 100 * time.Millisecond, true, 0, 0},
		{"late, never", 3 * s, false, 3 * s, 1},
		{"late, and begins", 3 * s, true, 3 * s, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := recordWaiting(t, vp8Info, func(_ *session, room *waitingRoom) {
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
				if missing := out.report.Holes[media.HoleStart]; (missing - tt.hole).Abs() > 300*time.Millisecond {
					t.Errorf("missing %v, want %v", missing, tt.hole)
				}
				out.wantIncomplete(tt.hole >= s)
				for _, e := range out.want(media.EventSilent, tt.silent) {
					if e.Track != 0 || e.Text != "Alice (camera)" {
						t.Errorf("silent: %+v", e)
					}
				}
			})
		})
	}
}
