package playback

import (
	"errors"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	// behind is how far a sound may fall behind the clock before silence is
	// put in, tooFar how far it may run ahead before a packet is left out.
	// Clocks of senders that drift end within these.
	behind = 10 * time.Millisecond
	tooFar = 15 * time.Millisecond
	// silenceAtOnce is the longest packet of silence. While a track is silent,
	// the file is kept within two of them of the clock.
	silenceAtOnce = 120 * time.Millisecond
)

// A sound keeps one Opus track true to real time even for tools that take no
// times from the file and play packet after packet: silence goes where there is
// none, and no packet where the one before has not ended.
type sound struct {
	stereo  bool
	write   func(media.Frame) error // puts a packet behind those before; refuses it by matroska.ErrFrame
	track   uint64
	end     time.Duration // where the next packet will play by the length of all
	dropped int
}

// frame writes the frame at its time: after silence if there is a hole before
// it, and not at all if the track is past it already, or it is no Opus.
func (s *sound) frame(f media.Frame) error {
	lasts := media.OpusDuration(f.Data)
	if lasts == 0 || s.end-f.Time > max(tooFar, lasts/2) {
		s.dropped++
		return nil
	}
	if f.Time-s.end >= behind {
		if err := s.until(f.Time); err != nil {
			return err
		}
	}
	f.Duration = lasts
	err := s.write(f)
	if errors.Is(err, matroska.ErrFrame) {
		s.dropped++
		return nil
	}
	s.end += lasts
	return err
}

// passed says that no frame of before now will come. It writes silence if there
// was none for long.
func (s *sound) passed(now time.Duration) error {
	for now-s.end >= 2*silenceAtOnce {
		if err := s.silence(silenceAtOnce); err != nil {
			return err
		}
	}
	return nil
}

// until writes silence up to a time, to 2.5 ms.
func (s *sound) until(to time.Duration) error {
	for to-s.end >= 2500*time.Microsecond {
		if err := s.silence(to - s.end); err != nil {
			return err
		}
	}
	return nil
}

// silence writes one packet of silence that lasts no longer than d.
func (s *sound) silence(d time.Duration) error {
	p := silentPacket(d, s.stereo)
	f := media.Frame{Track: s.track, Time: s.end, Duration: media.OpusDuration(p), Key: true, Data: p}
	s.end += f.Duration
	return s.write(f)
}

// silentPacket returns the longest packet of silence that lasts no longer than
// d, which is 2.5 ms or more. Its frames are CELT, fullband (RFC 6716 table 2,
// configurations 28 to 31) and hold the silence flag alone (section 4.3).
func silentPacket(d time.Duration, stereo bool) []byte {
	const ms = time.Millisecond
	var toc byte
	if stereo {
		toc = 0x04
	}
	switch {
	case d >= 120*ms:
		// Six frames of 20 ms, of one length.
		p := []byte{toc | 31<<3 | 3, 6}
		for range 6 {
			p = append(p, 0xff, 0xfe)
		}
		return p
	case d >= 20*ms:
		toc |= 31 << 3
	case d >= 10*ms:
		toc |= 30 << 3
	case d >= 5*ms:
		toc |= 29 << 3
	default:
		toc |= 28 << 3
	}
	return []byte{toc, 0xff, 0xfe}
}
