package recorder

import (
	"math/rand/v2"
	"testing"
	"time"
)

// sender is a publisher whose packets pass a server and a network.
type sender struct {
	clock  *trackClock
	rate   int
	skew   float64 // of its crystal, ppm
	first  uint32  // random start of its RTP clock
	delay  time.Duration
	jitter time.Duration
	rng    *rand.Rand

	unwrapped int64
	begun     bool
}

func (s *sender) ticks(at time.Duration) uint64 {
	return uint64(s.first) + uint64(at.Seconds()*float64(s.rate)*(1+s.skew/1e6))
}

func (s *sender) travel() time.Duration {
	if s.jitter == 0 {
		return s.delay
	}
	return s.delay + time.Duration(s.rng.Int64N(int64(s.jitter)))
}

// frame sends a frame captured at the given time and returns where the clock
// puts it.
func (s *sender) frame(at time.Duration) time.Duration {
	ts := uint32(s.ticks(at))
	if !s.begun {
		s.begun, s.unwrapped = true, int64(ts)
	} else {
		s.unwrapped += int64(int32(ts - uint32(s.unwrapped)))
	}
	return put(s.clock, s.unwrapped, s.clock.start.Add(at+s.travel()))
}

// report sends a sender report made at the given time by a server whose wall
// clock is ahead of ours by an hour.
func (s *sender) report(at time.Duration) {
	s.clock.report(SenderReport{
		NTP:     s.clock.start.Round(0).Add(at + time.Hour),
		RTP:     uint32(s.ticks(at)),
		Arrival: s.clock.start.Add(at + s.travel()),
	})
}

func TestTracksStayTogetherForHours(t *testing.T) {
	start := time.Now()
	var wall wallClock
	newSender := func(rate int, skew float64, first uint32, delay, jitter time.Duration, seed uint64) *sender {
		return &sender{clock: newTrackClock(start, rate, &wall), rate: rate, skew: skew, first: first,
			delay: delay, jitter: jitter, rng: rand.New(rand.NewPCG(seed, 1))}
	}
	senders := []*sender{
		newSender(48000, +200, 0xffff0000, 5*time.Millisecond, 80*time.Millisecond, 1), // wraps soon
		newSender(90000, -200, 0xfffff000, 5*time.Millisecond, 80*time.Millisecond, 2), // wraps at once
		newSender(48000, 0, 12345, 5*time.Millisecond, 0, 3),
		newSender(90000, 100, 0x7fffffff, 5*time.Millisecond, 40*time.Millisecond, 4),
	}
	var worst, backwards time.Duration
	last := make([]time.Duration, len(senders))
	for at := time.Duration(0); at < 2*time.Hour; at += 100 * time.Millisecond {
		if at%(3*time.Second) == 0 && at > 0 {
			for _, s := range senders {
				s.report(at)
			}
		}
		var lo, hi time.Duration
		for i, s := range senders {
			got := s.frame(at)
			if i == 0 || got < lo {
				lo = got
			}
			hi = max(hi, got)
			if at > 0 && got <= last[i] {
				backwards = max(backwards, last[i]-got+1)
			}
			last[i] = got
		}
		// The first reports come after 3 s, and bring a track that started with
		// a delayed packet in line within 80 ms / (5 ms/s) = 16 s.
		if at > 20*time.Second {
			worst = max(worst, hi-lo)
		}
	}
	t.Logf("worst distance between two tracks after 20 s: %v", worst)
	if worst > 40*time.Millisecond {
		t.Errorf("two tracks were %v apart, want at most 40 ms", worst)
	}
	if backwards > 0 {
		t.Errorf("time ran backwards by %v", backwards)
	}
}

// put observes a frame and returns its time; the first one settles the clock.
func put(c *trackClock, ts int64, arrival time.Time) time.Duration {
	first := !c.started
	c.observe(ts, arrival)
	if first {
		c.settle()
	}
	return c.time(ts)
}

func TestClockBeforeTheFirstReport(t *testing.T) {
	start := time.Now()
	c := newTrackClock(start, 48000, &wallClock{})
	arrive := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	if got := put(c, 960*50, arrive(1000)); got != time.Second {
		t.Errorf("first frame at %v, want its arrival, 1 s", got)
	}
	if got := put(c, 960*51, arrive(1060)); got != 1020*time.Millisecond {
		t.Errorf("a late packet was put at %v, want 1.02 s", got)
	}
	if got := put(c, -960*100, arrive(1061)); got != -2*time.Second {
		t.Errorf("a time stamp before the recording was put at %v, want -2 s", got)
	}
}

func TestClockSeesThroughABurst(t *testing.T) {
	start := time.Now()
	c := newTrackClock(start, 48000, &wallClock{})
	// 1.5 s of sound waited for the track to be set up and arrives at 2 s.
	for n := range int64(75) {
		c.observe(960*n, start.Add(2*time.Second+time.Duration(n)*100*time.Microsecond))
	}
	c.settle()
	last := time.Duration(-1)
	for n := range int64(75) {
		got, want := c.time(960*n), 520*time.Millisecond+time.Duration(n)*20*time.Millisecond
		if (got-want).Abs() > 10*time.Millisecond || got <= last {
			t.Fatalf("frame %d at %v, after %v, want %v", n, got, last, want)
		}
		last = got
	}
}

func TestClockNeverRunsBackwards(t *testing.T) {
	start := time.Now()
	c := newTrackClock(start, 48000, &wallClock{})
	put(c, 0, start.Add(3*time.Second)) // delayed by 3 s, as the next ones show
	last := 3 * time.Second
	for n := int64(1); n < 3000; n++ {
		got := put(c, 960*n, start.Add(time.Duration(n)*20*time.Millisecond))
		if got <= last {
			t.Fatalf("frame %d at %v, after %v", n, got, last)
		}
		last = got
	}
	if want := 2999 * 20 * time.Millisecond; (last - want).Abs() > 300*time.Millisecond {
		t.Errorf("after a minute: %v, want %v", last, want)
	}
}

func TestClockFollowsANewTimeBase(t *testing.T) {
	start := time.Now()
	c := newTrackClock(start, 90000, &wallClock{})
	at := func(d time.Duration) time.Time { return start.Add(d) }
	put(c, 0, at(0))
	c.report(SenderReport{NTP: at(time.Second), RTP: 90000, Arrival: at(time.Second)})
	if got := put(c, 90000, at(time.Second)); got != time.Second {
		t.Fatalf("got %v", got)
	}
	// The sender slept for ten seconds in which its RTP clock stood still.
	c.report(SenderReport{NTP: at(12 * time.Second), RTP: 180000, Arrival: at(12 * time.Second)})
	if got := put(c, 180000, at(12*time.Second)); got != 12*time.Second {
		t.Errorf("after the jump: %v, want 12 s", got)
	}
}

func TestTicksDoNotOverflow(t *testing.T) {
	c := newTrackClock(time.Now(), 90000, &wallClock{})
	const years = 50 * 365 * 24 * 3600
	if got, want := c.ticks(years*90000+45000), years*time.Second+500*time.Millisecond; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Crystals drift, senders' reports are off by some milliseconds, some are wrong
// by far, and a mute of ten minutes has neither frames nor reports.
func TestClockThroughAMuteAndBadReports(t *testing.T) {
	start := time.Now()
	rng := rand.New(rand.NewPCG(7, 7))
	var wall wallClock
	for _, skew := range []float64{-200, 200} {
		s := &sender{clock: newTrackClock(start, 90000, &wall), rate: 90000, skew: skew, first: 0xfffffff0,
			delay: 20 * time.Millisecond, jitter: 80 * time.Millisecond, rng: rng}
		var worst time.Duration
		for at := time.Duration(0); at < 30*time.Minute; at += 40 * time.Millisecond {
			if at > 10*time.Minute && at < 20*time.Minute {
				continue
			}
			if at%(3*time.Second) == 0 && at > 0 {
				noise := time.Duration(rng.Int64N(int64(10*time.Millisecond))) - 5*time.Millisecond
				switch n := at / (3 * time.Second); {
				case n%41 == 0:
					noise = time.Hour
				case n%17 == 0:
					noise = 100 * time.Millisecond
				}
				s.clock.report(SenderReport{NTP: start.Round(0).Add(at + noise), RTP: uint32(s.ticks(at)), Arrival: start.Add(at + s.travel())})
			}
			if got := s.frame(at); at > time.Minute {
				worst = max(worst, (got - at - s.delay).Abs())
			}
		}
		t.Logf("at %+.0f ppm: off by %v at worst", skew, worst)
		if worst > 10*time.Millisecond {
			t.Errorf("at %+.0f ppm a frame is %v off", skew, worst)
		}
	}
}

// A picture that stands still for half the range of its time stamps, and a sound
// without reports, still have their place.
func TestClockAfterSilenceLongerThanTimeStampsReach(t *testing.T) {
	start := time.Now()
	c := newTrackClock(start, 90000, &wallClock{})
	var unwrapped int64
	for n, at := range []time.Duration{0, time.Second, 8 * time.Hour, 8*time.Hour + time.Second, 30 * time.Hour} {
		ts := uint32(uint64(at/time.Millisecond) * 90)
		if n > 0 {
			unwrapped += int64(int32(ts - uint32(unwrapped)))
		}
		if got := put(c, unwrapped, start.Add(at)); got != at {
			t.Errorf("frame %d at %v, want %v", n, got, at)
		}
		c.report(SenderReport{NTP: start.Add(at), RTP: ts, Arrival: start.Add(at)})
	}
}

func TestClockWithoutReportsFollowsTheSender(t *testing.T) {
	start := time.Now()
	for _, skew := range []float64{-200, 200} {
		s := &sender{clock: newTrackClock(start, 48000, &wallClock{}), rate: 48000, skew: skew, first: 1,
			jitter: 80 * time.Millisecond, rng: rand.New(rand.NewPCG(3, 3))}
		last := time.Duration(-1)
		for at := time.Duration(0); at < time.Hour; at += 100 * time.Millisecond {
			got := s.frame(at)
			if got <= last {
				t.Fatalf("time ran backwards at %v", at)
			}
			if last = got; at > 20*time.Second && (got-at).Abs() > 20*time.Millisecond {
				t.Fatalf("at %+.0f ppm a frame of %v is put at %v", skew, at, got)
			}
		}
	}
}

// What one track's reports say of the wall clock moves no other track for good.
func TestWallClockIgnoresWhatIsFarOff(t *testing.T) {
	var w wallClock
	for n := range 2000 {
		at := time.Duration(n) * 100 * time.Millisecond
		w.observe(at, at+30*time.Millisecond)
		if n%10 == 5 {
			w.observe(at+time.Hour, at) // a forged one
			w.observe(at, at+time.Second)
		}
		if got := w.offset(); got != 30*time.Millisecond {
			t.Fatalf("after %v the offset is %v", at, got)
		}
	}
	// The server's clock is set back for good.
	for n := range 200 {
		at := 200*time.Second + time.Duration(n)*100*time.Millisecond
		w.observe(at-time.Minute, at)
	}
	if got := w.offset(); got != time.Minute {
		t.Errorf("after the clock was set back the offset is %v", got)
	}
}
