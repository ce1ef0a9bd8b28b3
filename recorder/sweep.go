package recorder

import "time"

const (
	sweepEvery     = 100 * time.Millisecond
	unarrivedEvery = 2  // sweeps between two looks at which tracks have not come,
	unopenedEvery  = 5  // at which do not open,
	retryEvery     = 10 // at which found no room,
	muteEvery      = 10 // and at which are muted
)

// sweep does what no packet and no event gives rise to: it hands on what tracks hold
// for too long, and declares what is missing. It returns when endSweep is closed.
func (r *run) sweep() {
	every := time.NewTicker(sweepEvery)
	defer every.Stop()
	unopened := newUnopenedReporter(r)
	defer unopened.stop()
	var tracks []*trackRecorder
	for n := 0; ; n++ {
		select {
		case <-r.endSweep:
			return
		case <-every.C:
		}
		if slept, ok := r.clock.checkSleep(); ok {
			r.declareSleep(slept)
		}
		if stood, ok := r.standstill.turn(time.Now()); ok {
			r.log.Warn("this process did not run: what the system did not hold meanwhile is missing", "for", stood)
		}
		if n%unarrivedEvery == 0 {
			_ = r.contain("", func() { r.checkUnarrived(r.clock.now()) })
		}
		if n%retryEvery == 0 {
			_ = r.contain("", func() { r.retryTurnedAway(r.clock.now()) })
		}
		tracks = r.tracks.all(tracks[:0])
		// A packet that came in time may still wait to be read.
		now := time.Now().Add(-sweepEvery)
		for _, t := range tracks {
			t.expire(now)
			if n%muteEvery == 0 {
				_ = r.contain(t.info.Participant, func() { t.reportMute(r.clock.now()) })
			}
		}
		if n%unopenedEvery == 0 {
			_ = r.contain("", func() { unopened.check(tracks, time.Now()) })
		}
		clear(tracks)
		_ = r.contain("", func() { r.flushActivity(r.clock.now(), false) })
	}
}
