package recorder

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
)

// A placed frame was captured at one time and put at another.
type placed struct{ captured, at time.Duration }

// sender is a publisher whose packets pass a server and a network.
type sender struct {
	zero   time.Time
	p      playout
	rate   int
	skew   float64       // of its crystal, ppm
	ahead  time.Duration // of ours, its server's wall clock, and an hour
	first  uint32        // random start of its RTP clock
	delay  time.Duration
	jitter time.Duration
	late   time.Duration // of 24 of 25
	rng    *rand.Rand

	got []placed // what was put so far, in order
}

func newSender(zero time.Time, rate int, wall *roomClock) *sender {
	return &sender{zero: zero, rate: rate, p: playout{shares: &memoryShares{room: playoutBytesAll, track: playoutBytesTrack}, onJump: func(jump) {}, clock: newTrackClock(&recordingClock{start: zero}, rate, wall)}}
}

func (s *sender) ticks(at time.Duration) uint32 {
	return s.first + uint32(uint64(at.Seconds()*float64(s.rate)*(1+s.skew/1e6)))
}

func (s *sender) travel() time.Duration {
	if s.jitter == 0 {
		return s.delay
	}
	d := s.delay + time.Duration(s.rng.Int64N(int64(s.jitter)))
	if s.late > 0 && s.rng.IntN(25) > 0 {
		return d + s.late
	}
	return d
}

// frame sends a frame captured at the given time.
func (s *sender) frame(at time.Duration) { s.send(at, s.ticks(at), at+s.travel()) }

// send sends a frame with a time stamp, which arrives at a time.
func (s *sender) send(captured time.Duration, ts uint32, arrival time.Duration) {
	s.p.push(frame.Unit{Kind: frame.UnitFrame, Timestamp: int64(ts), Arrival: s.zero.Add(arrival),
		Data: binary.BigEndian.AppendUint64(nil, uint64(captured))})
	s.pop(arrival, false)
}

func (s *sender) pop(now time.Duration, all bool) {
	for {
		u, at, ok := s.p.pop(now, all)
		if !ok {
			return
		}
		s.got = append(s.got, placed{time.Duration(binary.BigEndian.Uint64(u.Data)), at})
	}
}

// report sends a sender report made at the given time by a server whose wall
// clock is ahead of ours by an hour.
func (s *sender) report(at time.Duration) {
	s.p.clock.report(SenderReport{NTP: s.zero.Round(0).Add(at + time.Hour + s.ahead), RTP: s.ticks(at), Arrival: s.zero.Add(at + s.travel())})
}

// check holds all that was put from a time on against how long after its capture
// it is to be put, and holds that time runs forwards.
func (s *sender) check(t *testing.T, from, after, within time.Duration) {
	t.Helper()
	var worst placed
	for i, g := range s.got {
		if i > 0 && g.at < s.got[i-1].at {
			t.Errorf("time ran backwards from %v to %v", s.got[i-1].at, g.at)
		}
		if g.captured >= from && (g.at-g.captured-after).Abs() > (worst.at-worst.captured).Abs() {
			worst = placed{g.captured, g.at - after}
		}
	}
	if off := worst.at - worst.captured; off.Abs() > within {
		t.Errorf("a frame captured at %v is %v off, want at most %v", worst.captured, off, within)
	}
}

func TestTracksStayTogetherForHours(t *testing.T) {
	zero := time.Now()
	var wall roomClock
	track := func(rate int, skew float64, first uint32, jitter time.Duration, seed uint64) *sender {
		s := newSender(zero, rate, &wall)
		s.skew, s.first, s.delay, s.jitter, s.rng = skew, first, 5*time.Millisecond, jitter, rand.New(rand.NewPCG(seed, 1))
		return s
	}
	senders := []*sender{
		track(48000, +200, 0xffff0000, 80*time.Millisecond, 1), // wraps soon
		track(90000, -200, 0xfffff000, 80*time.Millisecond, 2), // wraps at once
		track(48000, 0, 12345, 0, 3),
		track(90000, 100, 0x7fffffff, 40*time.Millisecond, 4),
	}
	for at := time.Duration(0); at < 2*time.Hour; at += 100 * time.Millisecond {
		if at%(3*time.Second) == 0 && at > 0 {
			for _, s := range senders {
				s.report(at)
			}
		}
		for _, s := range senders {
			s.frame(at)
		}
	}
	for _, s := range senders {
		s.pop(2*time.Hour, true)
	}
	// The first reports come after 3 s.
	var worst time.Duration
	for i := range senders[0].got {
		low, high := senders[0].got[i].at, senders[0].got[i].at
		for _, s := range senders[1:] {
			low, high = min(low, s.got[i].at), max(high, s.got[i].at)
		}
		if senders[0].got[i].captured > 20*time.Second {
			worst = max(worst, high-low)
		}
	}
	t.Logf("worst distance between two tracks after 20 s: %v", worst)
	if worst > 6*time.Millisecond {
		t.Errorf("two tracks were %v apart, want at most 6 ms", worst)
	}
	for _, s := range senders {
		s.check(t, 20*time.Second, s.delay, 6*time.Millisecond)
	}
}

// A room on two servers, of which one has its clock an hour ahead and the other is seven minutes
// behind that and is set by two seconds meanwhile: their tracks are apart by what the ways from
// the servers differ by, although nearly all that comes is late, as only reports can tell.
func TestServersHaveTheirOwnClocks(t *testing.T) {
	zero := time.Now()
	var walls roomClocks
	track := func(server string, rate int, skew float64, delay time.Duration, seed uint64) *sender {
		s := newSender(zero, rate, walls.of(server))
		s.skew, s.delay, s.jitter, s.late, s.rng = skew, delay, 20*time.Millisecond, 60*time.Millisecond, rand.New(rand.NewPCG(seed, 1))
		return s
	}
	const near, far = 5 * time.Millisecond, 30 * time.Millisecond
	senders := []*sender{
		track("near", 48000, +150, near, 1), track("near", 90000, -150, near, 2),
		track("far", 48000, -150, far, 3), track("far", 90000, +150, far, 4),
	}
	const length = 20 * time.Minute
	for at := time.Duration(0); at < length; at += 100 * time.Millisecond {
		for i, s := range senders {
			if i >= 2 {
				s.ahead = -7 * time.Minute
				if at > length/2 {
					s.ahead += 2 * time.Second
				}
			}
			if at%(3*time.Second) == 0 && at > 0 {
				s.report(at)
			}
			s.frame(at)
		}
	}
	for _, s := range senders {
		s.pop(length, true)
		s.check(t, 20*time.Second, s.delay, 40*time.Millisecond) // on one clock it is 60
	}
	clock := walls.of("near")
	if again := walls.of("near"); clock == walls.of("far") || clock != again {
		t.Error("the servers share a clock, or have none")
	}
	for i := range 2 * maxServers { // a room with so many shares some
		walls.of(fmt.Sprint(i))
	}
	if n := len(walls.byServer); n > maxServers+1 {
		t.Errorf("%d clocks", n)
	}
}

func TestClockBeforeTheFirstReport(t *testing.T) {
	s := newSender(time.Now(), 48000, &roomClock{})
	for n := range 50 {
		at := time.Second + time.Duration(n)*20*time.Millisecond
		late := time.Duration(n%5) * 10 * time.Millisecond
		s.send(at, uint32(960*n), at+late)
	}
	s.send(2*time.Second, 0xffffffff-960*100, 2*time.Second) // its time stamp is of long ago
	s.send(2020*time.Millisecond, 960*51, 2020*time.Millisecond)
	s.pop(3*time.Second, true)
	if len(s.got) != 52 {
		t.Fatalf("%d frames, want 52", len(s.got))
	}
	s.check(t, 0, 0, 20*time.Millisecond)
}

func TestClockSeesThroughABurst(t *testing.T) {
	s := newSender(time.Now(), 48000, &roomClock{})
	// 1.5 s of sound waited for the track to be set up and arrives at 2 s.
	for n := range 200 {
		at := 500*time.Millisecond + time.Duration(n)*20*time.Millisecond
		s.send(at, uint32(960*n), max(at, 2*time.Second+time.Duration(n)*100*time.Microsecond))
	}
	s.pop(5*time.Second, true)
	s.check(t, 0, 0, 10*time.Millisecond)
}

// What is sent ahead of its time is not handed out before that, and what a sender
// adds to it later waits in line.
func TestPlayoutHandsNothingOutEarly(t *testing.T) {
	s := newSender(time.Now(), 48000, &roomClock{})
	for n := range 50 {
		at := time.Duration(n) * 20 * time.Millisecond
		s.send(at, uint32(960*n), at)
	}
	for n := 50; n < 300; n++ { // five seconds at once
		s.send(time.Duration(n)*20*time.Millisecond, uint32(960*n), time.Second)
	}
	for now := time.Second; now < 7*time.Second; now += 100 * time.Millisecond {
		s.pop(now, false)
		if last := s.got[len(s.got)-1].at; last > now || now > 3*time.Second && now < 6*time.Second && last < now-200*time.Millisecond {
			t.Fatalf("at %v a frame of %v was the last", now, last)
		}
	}
	if len(s.got) != 300 {
		t.Errorf("%d frames, want 300", len(s.got))
	}
	s.check(t, 0, 0, 5*time.Millisecond)
}

// At the end of a track nothing is put later than that.
func TestPlayoutEndsWithItsTrack(t *testing.T) {
	s := newSender(time.Now(), 48000, &roomClock{})
	for n := range 50 {
		at := time.Duration(n) * 20 * time.Millisecond
		s.send(at, uint32(960*n), at)
	}
	for n := 50; n < 300; n++ {
		s.send(time.Duration(n)*20*time.Millisecond, uint32(960*n), time.Second)
	}
	s.pop(1500*time.Millisecond, true)
	if last := s.got[len(s.got)-1].at; len(s.got) != 300 || last > 1500*time.Millisecond {
		t.Errorf("%d frames, the last at %v, want 300 until 1.5s", len(s.got), last)
	}
}

// A sender can make a playout hold no more than a few seconds of a good picture,
// and nothing that it sends is lost.
func TestPlayoutIsBounded(t *testing.T) {
	for _, size := range []int{8, 1 << 20} {
		s := newSender(time.Now(), 90000, &roomClock{})
		const frames = 6000
		most := 0
		data := make([]byte, size)
		for n := range frames {
			s.p.push(frame.Unit{Kind: frame.UnitFrame, Timestamp: int64(uint32(n) * 0x31000000), Arrival: s.zero.Add(time.Duration(n) * time.Microsecond), Data: data})
			s.pop(time.Duration(n)*time.Microsecond, false)
			held := len(s.p.units) - s.p.head
			most = max(most, held)
			if held > maxPlayoutUnits+1 || s.p.bytes > playoutBytesTrack+size {
				t.Fatalf("%d frames of %d bytes are held", held, size)
			}
		}
		s.pop(time.Second, true)
		if len(s.got) != frames || s.p.bytes != 0 {
			t.Errorf("%d frames of %d bytes, want %d; %d bytes are left", len(s.got), size, frames, s.p.bytes)
		}
		t.Logf("at most %d frames of %d bytes were held", most, size)
	}
}

// Nor do many tracks together: who has many takes nothing from others.
func TestPlayoutsAreBoundedTogether(t *testing.T) {
	all, wall := memoryShares{room: playoutBytesAll, track: playoutBytesTrack}, &roomClock{}
	zero := time.Now()
	data := make([]byte, 100<<10)
	var senders []*sender
	for i := range 200 {
		s := newSender(zero, 90000, wall)
		if s.p.shares, s.p.participant = &all, "mallory"; i == 0 {
			s.p.participant = "ada"
		}
		senders = append(senders, s)
	}
	const frames = 100
	for n := range frames {
		held := 0
		for _, s := range senders {
			// All at once, of ten seconds to come.
			s.p.push(frame.Unit{Kind: frame.UnitFrame, Timestamp: int64(n) * 9000, Arrival: zero.Add(time.Duration(n) * time.Microsecond), Data: data})
			s.pop(time.Duration(n)*time.Microsecond, false)
			held += s.p.bytes
		}
		if most := playoutBytesAll + 2*len(senders)*len(data); held > most {
			t.Fatalf("%d bytes are held, want %d at most", held, most)
		}
		if ada := senders[0].p; n < 80 && ada.bytes < (n+1)*len(data) {
			t.Fatalf("%d bytes of ada's are held after %d frames", ada.bytes, n+1)
		}
	}
	for _, s := range senders {
		if s.pop(time.Minute, true); len(s.got) != frames {
			t.Fatalf("%d frames of %d", len(s.got), frames)
		}
	}
	if len(all.tracks) > 0 {
		t.Errorf("shares that are left: %v", all.tracks)
	}
}

func TestClockNeverRunsBackwards(t *testing.T) {
	s := newSender(time.Now(), 48000, &roomClock{})
	s.send(0, 0, 3*time.Second) // delayed by 3 s, as the next ones show
	for n := 1; n < 3000; n++ {
		at := time.Duration(n) * 20 * time.Millisecond
		s.send(at, uint32(960*n), max(at, 3*time.Second+time.Duration(n)*time.Millisecond))
	}
	s.pop(time.Minute, true)
	s.check(t, 4*time.Second, 0, 10*time.Millisecond)
}

func TestTicksDoNotOverflow(t *testing.T) {
	c := newTrackClock(&recordingClock{start: time.Now()}, 90000, &roomClock{})
	const years = 50 * 365 * 24 * 3600
	if got, want := c.duration(years*90000+45000), years*time.Second+500*time.Millisecond; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Crystals drift, senders' reports are off by some milliseconds, some are wrong
// by far, and a mute of ten minutes has neither frames nor reports.
func TestClockThroughAMuteAndBadReports(t *testing.T) {
	zero := time.Now()
	rng := rand.New(rand.NewPCG(7, 7))
	var wall roomClock
	var senders []*sender
	for _, skew := range []float64{-200, 200} {
		s := newSender(zero, 90000, &wall)
		s.skew, s.first, s.delay, s.jitter, s.rng = skew, 0xfffffff0, 20*time.Millisecond, 80*time.Millisecond, rng
		senders = append(senders, s)
	}
	for at := time.Duration(0); at < 30*time.Minute; at += 40 * time.Millisecond {
		if at > 10*time.Minute && at < 20*time.Minute {
			continue
		}
		for i, s := range senders {
			if at%(3*time.Second) == 0 && at > 0 {
				noise := time.Duration(rng.Int64N(int64(10*time.Millisecond))) - 5*time.Millisecond
				switch n := at/(3*time.Second) + time.Duration(10*i); {
				case n%41 == 0:
					noise = time.Hour
				case n%17 == 0:
					noise = 100 * time.Millisecond
				}
				s.p.clock.report(SenderReport{NTP: zero.Round(0).Add(at + noise), RTP: s.ticks(at), Arrival: zero.Add(at + s.travel())})
			}
			s.frame(at)
		}
	}
	for _, s := range senders {
		s.check(t, time.Minute, s.delay, 10*time.Millisecond)
	}
}

// A picture that stands still for half the range of its time stamps, and a sound
// without reports, still have their place.
func TestClockAfterSilenceLongerThanTimeStampsReach(t *testing.T) {
	s := newSender(time.Now(), 90000, &roomClock{})
	for _, from := range []time.Duration{0, 8 * time.Hour, 30 * time.Hour} {
		for at := from; at < from+2*time.Second; at += 100 * time.Millisecond {
			s.frame(at)
			s.report(at)
		}
	}
	s.check(t, 0, 0, time.Millisecond)
}

func TestClockWithoutReportsFollowsTheSender(t *testing.T) {
	for _, skew := range []float64{-200, 200} {
		s := newSender(time.Now(), 48000, &roomClock{})
		s.skew, s.first, s.jitter, s.rng = skew, 1, 80*time.Millisecond, rand.New(rand.NewPCG(3, 3))
		for at := time.Duration(0); at < time.Hour; at += 100 * time.Millisecond {
			s.frame(at)
		}
		s.check(t, 20*time.Second, 0, 20*time.Millisecond)
	}
}

// What one track's reports say of the wall clock moves no other track; where most
// say it, the clock was set.
func TestWallClockTakesTheWordOfMost(t *testing.T) {
	var w roomClock
	tracks := make([]trackClock, 5)
	for n := range 200 {
		at := time.Duration(n) * 100 * time.Millisecond
		for i := range tracks {
			delay := 30*time.Millisecond + time.Duration(n%3*i)*time.Millisecond
			if i == 3 {
				delay -= 40 * time.Millisecond // it lies, by too little to be told from the others
			}
			w.observe(&tracks[i], delay, at)
			if step := w.vote(&tracks[i], time.Duration(i/4)*time.Hour, at); step != 0 {
				t.Fatalf("one track set the clock by %v", step)
			}
		}
		if got := w.offset(); got != 30*time.Millisecond && n > 0 {
			t.Fatalf("after %v the offset is %v", at, got)
		}
	}
	steps := 0
	for i := range 3 {
		if w.vote(&tracks[i], -time.Minute, 20*time.Second) != 0 {
			steps++
		}
	}
	if ntp, _ := w.withoutSteps(0); steps != 1 || ntp != time.Minute {
		t.Errorf("after %d steps the room's clock shows %v where it would have shown nothing", steps, ntp)
	}
	w.forget(&tracks[0])
	if len(w.tracks) != 4 {
		t.Errorf("%d tracks are known after one was over", len(w.tracks))
	}
}
