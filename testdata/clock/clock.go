// Package clock simulates a meeting whose every frame carries the instant at
// which it was captured: cameras that flash and microphones that beep at known
// times, on crystals that are off, behind a network that delays. What comes out
// of a recorder, an archive and an export can be held against it, frame by
// frame, over simulated hours.
//
// yardstick holds the clock of LiveKit's own recorders against it.
package clock

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// ServerAhead is by how much the server's wall clock is ahead of the recorder's
// at the start, ServerSkew how much faster it runs.
const (
	ServerAhead = time.Hour
	ServerSkew  = 20e-6
)

const (
	step        = 100 * time.Millisecond // packets are handed over so often, with their own times
	reportEvery = 3 * time.Second        // as LiveKit's server
	reportNoise = 3 * time.Millisecond   // a sender pairs its clocks to so much, either way
)

// A Sender publishes one track.
type Sender struct {
	Info   recorder.TrackInfo
	Every  time.Duration // from one frame to the next
	Skew   float64       // of its crystal: 200e-6 runs fast by 200 ppm
	First  uint32        // RTP time stamp at time zero
	Delay  time.Duration // of the network, at least,
	Jitter time.Duration // and at most so much more
	Joins  time.Duration // when it begins
	// From MuteFrom to MuteTo neither frames nor reports come.
	MuteFrom, MuteTo time.Duration

	rng     *rand.Rand
	seq     uint16
	frame   time.Duration // when the next one is captured
	report  time.Duration // when the next one is made
	transit []Delivery    // on its way
	track   *roomtest.Track
	reports []recorder.SenderReport // for its next packet
}

// Meeting is six tracks of three people, each person with one crystal, behind up
// to 80 ms of jitter.
func Meeting() []*Sender {
	track := func(who string, source media.Source, codec media.Codec) recorder.TrackInfo {
		i := recorder.TrackInfo{ID: "TR_" + who + string(source), Participant: who, Name: who, Source: source, Codec: codec, ClockRate: 90000}
		if codec.Audio() {
			i.ClockRate, i.Channels = 48000, 1
		}
		return i
	}
	const ms = time.Millisecond
	return []*Sender{
		{Info: track("alice", media.Microphone, media.Opus), Every: 60 * ms, Skew: 200e-6, First: 0xffff0000, Delay: 20 * ms, Jitter: 80 * ms},
		{Info: track("alice", media.Camera, media.VP8), Every: 200 * ms, Skew: 200e-6, First: 0xfffff000, Delay: 20 * ms, Jitter: 80 * ms},
		{Info: track("bob", media.Microphone, media.Opus), Every: 60 * ms, Skew: -200e-6, First: 12345, Delay: 20 * ms, Jitter: 80 * ms},
		{Info: track("bob", media.Camera, media.VP8), Every: 200 * ms, Skew: -200e-6, First: 0x7fffffff, Delay: 20 * ms, Jitter: 80 * ms, Joins: 7 * time.Second},
		{Info: track("carol", media.Microphone, media.Opus), Every: 60 * ms, Skew: 0, First: 0, Delay: 20 * ms, Jitter: 0,
			MuteFrom: 30 * time.Minute, MuteTo: 50 * time.Minute},
		{Info: track("carol", media.Screen, media.VP8), Every: 200 * ms, Skew: 0, First: 1 << 31, Delay: 20 * ms, Jitter: 40 * ms,
			Joins: 10 * time.Minute, MuteFrom: 80 * time.Minute, MuteTo: 95 * time.Minute},
	}
}

// Play lets the senders publish in room from now on for length, in the caller's
// time, which is best a synctest bubble's, and then end their tracks. see is told
// of each delivery, in the order of arrival at each sender; it may be nil.
func Play(room *roomtest.Room, senders []*Sender, length time.Duration, see func(sender int, d Delivery)) {
	start := time.Now()
	for i, s := range senders {
		s.start(uint64(i))
	}
	for at := time.Duration(0); at < length; {
		at += step
		time.Sleep(time.Until(start.Add(at)))
		for i, s := range senders {
			if s.track == nil && at > s.Joins {
				s.track = room.Publish(s.Info)
			}
			s.transit = append(s.transit, s.until(min(at, length))...)
			slices.SortStableFunc(s.transit, func(a, b Delivery) int { return cmp.Compare(a.Arrival, b.Arrival) })
			n := 0
			for n < len(s.transit) && (s.transit[n].Arrival <= at || at >= length) {
				d := s.transit[n]
				n++
				if see != nil {
					see(i, d)
				}
				if d.Packet == nil {
					s.reports = append(s.reports, recorder.SenderReport{
						NTP: start.Round(0).Add(d.NTP), RTP: d.RTP, Arrival: start.Add(d.Arrival)})
					continue
				}
				s.track.SendAt(start.Add(d.Arrival), d.Packet, s.reports...)
				s.reports = nil
			}
			s.transit = slices.Delete(s.transit, 0, n)
		}
	}
	for _, s := range senders {
		if s.track != nil {
			s.track.End()
		}
	}
}

// A Delivery is what the network brings of a sender: a packet or a report.
type Delivery struct {
	Arrival time.Duration
	Packet  *rtp.Packet
	// A report has no Packet, but the server's clock, from the start on, and the
	// time stamp of the same moment.
	NTP time.Duration
	RTP uint32
}

// start makes the sender ready, with its own random numbers.
func (s *Sender) start(seed uint64) {
	s.rng = rand.New(rand.NewPCG(seed, 40))
	s.frame = s.Joins
	s.report = s.Joins + time.Duration(s.rng.Int64N(int64(reportEvery)))
	s.seq = uint16(s.rng.Uint32())
}

// until returns what is sent before end, in the order it is sent.
func (s *Sender) until(end time.Duration) (out []Delivery) {
	muted := func(at time.Duration) bool { return at >= s.MuteFrom && at < s.MuteTo }
	for ; s.frame < end; s.frame += s.Every {
		if muted(s.frame) {
			continue
		}
		out = append(out, Delivery{Arrival: s.frame + s.travel(), Packet: s.packet(s.frame)})
	}
	for ; s.report < end; s.report += reportEvery {
		if muted(s.report) {
			continue
		}
		noise := time.Duration(s.rng.Int64N(2*int64(reportNoise))) - reportNoise
		out = append(out, Delivery{
			Arrival: s.report + s.travel(),
			RTP:     s.ticks(s.report),
			NTP:     s.report + ServerAhead + time.Duration(float64(s.report)*ServerSkew) + noise,
		})
	}
	return out
}

func (s *Sender) travel() time.Duration {
	return s.Delay + time.Duration(s.rng.Int64N(int64(s.Jitter)+1))
}

func (s *Sender) ticks(at time.Duration) uint32 {
	return s.First + uint32(uint64(at.Seconds()*float64(s.Info.ClockRate)*(1+s.Skew)))
}

func (s *Sender) packet(at time.Duration) *rtp.Packet {
	s.seq++
	p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: s.seq, Timestamp: s.ticks(at), SSRC: 1}}
	code := binary.BigEndian.AppendUint64(nil, uint64(at))
	if s.Info.Codec.Audio() {
		p.Payload = append([]byte{3 << 3}, code...) // SILK, 60 ms
		return p
	}
	p.Marker = true
	// A payload descriptor and a key frame of 320x180.
	p.Payload = append([]byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00}, code...)
	return p
}

// Captured reads from a recorded frame when it was captured.
func Captured(codec media.Codec, data []byte) (at time.Duration, ok bool) {
	skip := 10
	if codec.Audio() {
		skip = 1
	}
	if len(data) != skip+8 {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint64(data[skip:])), true
}

// Frames is how many frames a sender captures in so long.
func (s *Sender) Frames(length time.Duration) int {
	count := func(d time.Duration) int { return int((d + s.Every - 1) / s.Every) }
	n := count(length - s.Joins)
	if s.MuteTo > 0 {
		n -= count(s.MuteTo-s.Joins) - count(s.MuteFrom-s.Joins)
	}
	return n
}

// A Spread collects how far from their instants frames were put, and tells how
// far apart two tracks came.
type Spread struct {
	windows []window // of a second of captured time
}

type window struct {
	low, high time.Duration
	any       bool
}

// Add notes that a frame captured at the first time was put at the second.
func (s *Spread) Add(captured, put time.Duration) {
	n := int(captured / time.Second)
	for len(s.windows) <= n {
		s.windows = append(s.windows, window{})
	}
	w, off := &s.windows[n], put-captured
	if !w.any {
		*w = window{off, off, true}
	}
	w.low, w.high = min(w.low, off), max(w.high, off)
}

// Apart returns how far apart two frames of one second came, at worst and in the
// mean, from the given time on.
func (s *Spread) Apart(from time.Duration) (worst, mean time.Duration) {
	n := 0
	for i, w := range s.windows {
		if time.Duration(i)*time.Second >= from && w.any {
			worst = max(worst, w.high-w.low)
			mean += w.high - w.low
			n++
		}
	}
	return worst, mean / time.Duration(max(1, n))
}
