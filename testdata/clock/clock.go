// Package clock simulates a meeting whose every frame carries the instant at
// which it was captured: cameras that flash and microphones that beep at known
// times, on crystals that are off, behind a network that delays. What comes out
// of a recorder, an archive and an export can be held against it, frame by
// frame, over simulated hours.
//
// yardstick holds the clock of LiveKit's own recorders against it.
package clock

import (
	"math"
	"time"

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

const step = 100 * time.Millisecond // packets are handed over so often, with their own times

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
			by := at
			if at >= length {
				by = math.MaxInt64
			}
			for _, d := range s.arrived(by) {
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
		}
	}
	for _, s := range senders {
		if s.track != nil {
			s.track.End()
		}
	}
}
