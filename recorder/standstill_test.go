package recorder_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A process that was stopped for 40 s reads at once what the system held of these: ten
// seconds. They are where they belong, and what came after them is missing: until it goes on,
// or until the room is lost.
func TestStandstill(t *testing.T) {
	const frame = 20 * time.Millisecond
	const before, held, after, stood = 500, 500, 250, 40 * time.Second
	for name, goesOn := range map[string]bool{"it goes on": true, "the room is lost": false} {
		t.Run(name, func(t *testing.T) {
			var s sink
			var report recorder.Report
			synctest.Test(t, func(t *testing.T) {
				room := roomtest.New("weekly")
				rec := recorder.New(recorder.Config{Recording: "TEST", Sink: &s, Notices: recorder.Notices{Start: "recording"}})
				var stopped atomic.Bool
				runs := make(chan struct{})
				rec.SetAsleep(func() time.Duration { // which the one that sweeps asks
					if stopped.Load() {
						<-runs
					}
					return 0
				})
				done := make(chan error)
				go func() {
					var err error
					report, err = rec.Record(t.Context(), room)
					done <- err
				}()
				synctest.Wait()
				audio, start := room.Publish(opusInfo), time.Now()
				send := func(n int) {
					p := opusPacket(n, opusPayload(n))
					var reports []recorder.SenderReport
					if n%150 == 100 {
						reports = append(reports, recorder.SenderReport{NTP: start.Round(0).Add(time.Duration(n) * frame), RTP: p.Timestamp, Arrival: time.Now()})
					}
					audio.Send(p, reports...)
				}
				for n := range before {
					send(n)
					time.Sleep(frame)
				}
				stopped.Store(true)
				time.Sleep(stood)
				for n := range held {
					send(before + n)
					if n == held/2 { // some are read before the sweeper runs
						synctest.Wait()
						stopped.Store(false)
						close(runs)
						synctest.Wait()
					}
				}
				if goesOn {
					for n := range after {
						send(before + int(stood/frame) + n)
						time.Sleep(frame)
					}
				} else {
					room.Emit(recorder.RoomEvent{Type: media.EventLost})
					audio.End()
					time.Sleep(10 * time.Second)
				}
				room.End("over")
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			})
			out := s.recorded(t)
			out.report = report
			n := before + held
			if goesOn {
				n += after
			}
			voice := out.track("alice", media.Microphone).wantFrames(n)
			for i, f := range voice.frames {
				want := time.Duration(i) * frame
				if i >= before+held {
					want += stood - held*frame
				}
				if (f.Time - want).Abs() > 2*frame {
					t.Fatalf("frame %d is at %v, want %v", i, f.Time, want)
				}
			}
			voice.off = 200 * time.Millisecond
			if goesOn {
				voice.wantHole((before+held)*frame, before*frame+stood, media.HoleLoss)
			} else {
				voice.wantHole((before+held)*frame, before*frame+stood+10*time.Second, media.HoleReconnect)
			}
			out.wantIncomplete(true)
		})
	}
}
