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

// A machine that slept for a minute finds its tracks and its server a minute
// older. What it missed is declared, and the recording goes on true to the wall
// clock.
func TestMachineThatSlept(t *testing.T) {
	const lasted = time.Minute
	var s sink
	var report recorder.Report
	synctest.Test(t, func(t *testing.T) {
		var slept atomic.Int64
		room := roomtest.New("weekly")
		rec := recorder.New(recorder.Config{Recording: "TEST", Sink: &s, Notices: recorder.Notices{Start: "recording"}})
		rec.SetAsleep(func() time.Duration { return time.Duration(slept.Load()) })
		done := make(chan error)
		go func() {
			var err error
			report, err = rec.Record(t.Context(), room)
			done <- err
		}()
		synctest.Wait()
		start := time.Now()
		speaks, silent := opusInfo, opusInfo
		silent.ID, silent.Participant = "TR_silent", "bob"
		audio := room.Publish(speaks)
		room.Publish(silent)
		for n := range 500 { // five seconds before, five after
			missed := 0
			if n == 250 {
				slept.Store(int64(lasted))
			}
			if n >= 250 {
				missed = int(lasted / (20 * time.Millisecond))
			}
			p := opusPacket(n+missed, opusPayload(n))
			var reports []recorder.SenderReport
			if n%150 == 100 {
				reports = append(reports, recorder.SenderReport{NTP: time.Now().Round(0).Add(time.Duration(slept.Load())), RTP: p.Timestamp, Arrival: time.Now()})
			}
			audio.Send(p, reports...)
			time.Sleep(20 * time.Millisecond)
		}
		room.End("over")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if passed := time.Since(start); report.Duration < passed+lasted || report.Duration > passed+lasted+time.Second {
			t.Errorf("a recording of %v is said to last %v", passed+lasted, report.Duration)
		}
	})
	out := s.recorded(t)
	out.report = report
	speaks := out.track("alice", media.Microphone).wantFrames(500)
	for n, f := range speaks.frames {
		want := time.Duration(n) * 20 * time.Millisecond
		if n >= 250 {
			want += lasted
		}
		if (f.Time - want).Abs() > 20*time.Millisecond {
			t.Fatalf("frame %d is at %v, want %v", n, f.Time, want)
		}
	}
	speaks.off = 200 * time.Millisecond
	speaks.wantHole(5*time.Second, 5*time.Second+lasted, media.HoleAsleep)
	out.wantIncomplete(true)
	for _, g := range out.want(media.EventHole, 2) { // hers, and that of the recorder
		if g.Reason != media.HoleAsleep || (g.From-5*time.Second).Abs() > 200*time.Millisecond || (g.To-5*time.Second-lasted).Abs() > 200*time.Millisecond ||
			g.Track != 0 && g.Participant != "alice" {
			t.Errorf("hole %+v", g)
		}
	}
}

// Nothing in a recording is later than its end, also of a sender who was ahead of
// its time, and nothing of what came is missing.
func TestNothingIsLaterThanTheEnd(t *testing.T) {
	const frames = 750
	for name, end := range map[string]func(room *roomtest.Room, stop func()){
		"stopped": func(_ *roomtest.Room, stop func()) { stop() },
		"over":    func(room *roomtest.Room, _ func()) { room.End("over") },
	} {
		t.Run(name, func(t *testing.T) {
			s, report := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				audio := room.Publish(opusInfo)
				for n := range frames {
					audio.Send(opusPacket(n, opusPayload(n)))
					if n < 500 { // then five seconds at once
						time.Sleep(20 * time.Millisecond)
					}
				}
				synctest.Wait()
				time.Sleep(1500 * time.Millisecond)
				end(room, stop)
			})
			kept := s.track("alice", media.Microphone).wantFrames(frames)
			last := s.want(media.EventStop, 1)[0].Time
			if (last-11500*time.Millisecond).Abs() > 100*time.Millisecond || report.Duration != last {
				t.Errorf("the end is at %v, and the report says %v", last, report.Duration)
			}
			for _, f := range kept.frames {
				if f.Time+f.Duration > last {
					t.Fatalf("a frame at %v is after the end at %v", f.Time, last)
				}
			}
			for _, e := range s.events {
				if max(e.Time, e.From, e.To) > last {
					t.Errorf("%+v is after the end at %v", e, last)
				}
			}
			if e := s.want(media.EventTrackEnd, 1)[0]; last-e.Time > 50*time.Millisecond {
				t.Errorf("the track ends: %+v", e)
			}
		})
	}
}
