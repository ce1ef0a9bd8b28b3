package clock

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

const (
	pairEvery   = time.Second          // a sender tells the server its two clocks so often,
	pairNoise   = 3 * time.Millisecond // paired to so much, either way
	reportEvery = 3 * time.Second      // as LiveKit's server
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
	Odd              []Odd   // what goes wrong, in order
	Server           *Server // nil: one whose clock does not step

	rng     *rand.Rand
	seq     uint16
	frame   time.Duration // when the next one is captured
	pair    time.Duration // when it next pairs its clocks
	report  time.Duration // when the server next makes a report of it
	pushed  moment        // the last frame that was sent
	held    []held        // frames that the sender has not sent yet
	known   moment        // what the server makes reports of
	told    int64         // ticks of its last one
	transit []Delivery    // on its way
	order   time.Duration // keeps what was held up in order
	track   *roomtest.Track
	reports []recorder.SenderReport // for its next packet
}

// A moment pairs a time with the ticks of an RTP clock.
type moment struct {
	at    time.Duration
	ticks int64
	any   bool
}

type held struct {
	captured time.Duration
	ticks    int64
}

// after is the moment's ticks some time later, by a clock that is not off.
func (m moment) after(at time.Duration, rate int) int64 {
	return m.ticks + int64((at-m.at).Seconds()*float64(rate))
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

// Label names the sender's track.
func (s *Sender) Label() string {
	return media.Track{Participant: s.Info.Participant, Name: s.Info.Name, Source: s.Info.Source}.Label()
}

// start makes the sender ready, with its own random numbers.
func (s *Sender) start(seed uint64) {
	s.rng = rand.New(rand.NewPCG(seed, 40))
	s.frame, s.pair = s.Joins, s.Joins
	s.report = s.Joins + time.Duration(s.rng.Int64N(int64(reportEvery)))
	s.seq = uint16(s.rng.Uint32())
}

func (s *Sender) muted(at time.Duration) bool { return at >= s.MuteFrom && at < s.MuteTo }

// until returns what is sent before end, in the order it is sent.
func (s *Sender) until(end time.Duration) (out []Delivery) {
	for {
		switch at := min(s.frame, s.pair, s.report); {
		case at >= end:
			return out
		case at == s.frame:
			out = append(out, s.capture(at)...)
			s.frame += s.Every
		case at == s.pair:
			if s.pair += pairEvery; !s.muted(at) {
				s.tell(at)
			}
		default:
			if s.report += reportEvery; !s.muted(at) {
				out = append(out, s.reported(at)...)
			}
		}
	}
}

// tell is the sender's own report to the server, as pion makes it: the time stamp
// of its last frame, and what passed since. A server drops one whose time stamp
// is lower than the one before.
func (s *Sender) tell(at time.Duration) {
	if ticks := s.pushed.after(at, s.Info.ClockRate); s.pushed.any && (!s.known.any || ticks >= s.known.ticks) {
		noise := time.Duration(s.rng.Int64N(2*int64(pairNoise))) - pairNoise
		s.known = moment{at + noise, ticks, true}
	}
}

// reported is what LiveKit's server tells of the sender: its own clock, and by
// the sender's last report the time stamp of that moment. It makes none that
// goes back.
func (s *Sender) reported(at time.Duration) []Delivery {
	ticks := s.known.after(at, s.Info.ClockRate)
	if !s.known.any || ticks < s.told {
		return nil
	}
	s.told = ticks
	d := Delivery{Arrival: at + s.travel(), RTP: s.First + uint32(ticks), NTP: s.Server.clock(at)}
	return s.spoil(at, d)
}

// travel is how long the network takes. Nothing overtakes the first packet: a
// recorder does not wait for what came before it.
func (s *Sender) travel() time.Duration {
	if !s.pushed.any {
		return s.Delay
	}
	return s.Delay + time.Duration(s.rng.Int64N(int64(s.Jitter)+1))
}

func (s *Sender) ticks(media time.Duration) int64 {
	return int64(media.Seconds() * float64(s.Info.ClockRate) * (1 + s.Skew))
}

// send sends a frame at the given time.
func (s *Sender) send(at, captured time.Duration, ticks int64) Delivery {
	arrival := s.delayed(at, s.travel())
	if ticks != s.pushed.ticks || !s.pushed.any {
		s.pushed = moment{at, ticks, true}
	}
	s.seq++
	p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: s.seq, Timestamp: s.First + uint32(ticks), SSRC: s.ssrc(at)}}
	code := binary.BigEndian.AppendUint64(nil, uint64(captured))
	if s.Info.Codec.Audio() {
		toc := byte(3 << 3) // SILK, 60 ms
		if s.Every < 60*time.Millisecond {
			toc = 1 << 3 // 20 ms
		}
		p.Payload = append([]byte{toc}, code...)
	} else {
		p.Marker = true
		// A payload descriptor and a key frame of 320x180.
		p.Payload = append([]byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00}, code...)
	}
	return Delivery{Arrival: arrival, Packet: p}
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

// Frames is how many frames a sender of whom nothing is odd captures in so long.
func (s *Sender) Frames(length time.Duration) int {
	count := func(d time.Duration) int { return int((d + s.Every - 1) / s.Every) }
	n := count(length - s.Joins)
	if s.MuteTo > 0 {
		n -= count(s.MuteTo-s.Joins) - count(s.MuteFrom-s.Joins)
	}
	return n
}

// arrived takes from transit, in the order of arrival, what has come by a time.
func (s *Sender) arrived(at time.Duration) (out []Delivery) {
	slices.SortStableFunc(s.transit, func(a, b Delivery) int { return int(a.Arrival - b.Arrival) })
	n := 0
	for n < len(s.transit) && s.transit[n].Arrival <= at {
		n++
	}
	out = slices.Clone(s.transit[:n])
	s.transit = slices.Delete(s.transit, 0, n)
	return out
}
