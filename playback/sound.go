package playback

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// silenceAtOnce is the longest packet of silence. While a track is silent, the
// file is at most two of them behind the clock.
const silenceAtOnce = opus.MaxPacket

// A sound writes one Opus track so that it is true to real time, even for tools
// that ignore times and play packet after packet: it fills holes with silence. It
// leaves out no packet. Packets that last longer than the time in which they were
// sent, because the sender's clock is fast, run ahead until the sender is silent;
// then there is less silence.
type sound struct {
	stereo bool
	write  func(media.Frame) error // appends a packet; refuses it with matroska.ErrFrame
	track  uint64
	end    time.Duration // where the next packet plays by the length of all before it
	last   time.Duration // of the packet before
	most   time.Duration // the largest delay of a packet so far
}

// frame writes the frame at its time. If there is a hole before it, it writes
// silence first. If the frame is refused, the error wraps matroska.ErrFrame.
func (s *sound) frame(f media.Frame) error {
	f.Duration = media.OpusDuration(f.Data)
	if f.Duration == 0 {
		return fmt.Errorf("%w: no Opus", matroska.ErrFrame)
	}
	if f.Time-s.end >= opus.Behind {
		if err := s.until(f.Time); err != nil {
			return err
		}
	}
	if err := s.write(f); err != nil {
		return err
	}
	s.most = max(s.most, s.end-f.Time)
	s.end += f.Duration
	s.last = f.Time
	return nil
}

// passed reports that no frame before now will come. After a long time without
// frames, it writes silence.
func (s *sound) passed(now time.Duration) error {
	for now-s.end >= 2*silenceAtOnce {
		if err := s.silence(silenceAtOnce); err != nil {
			return err
		}
	}
	return nil
}

// until writes silence up to a time, to within 2.5 ms.
func (s *sound) until(to time.Duration) error {
	for to-s.end >= 2500*time.Microsecond {
		if err := s.silence(to - s.end); err != nil {
			return err
		}
	}
	return nil
}

// silence writes one packet of silence of at most d.
func (s *sound) silence(d time.Duration) error {
	p := opus.Silent(d, s.stereo)
	f := media.Frame{Track: s.track, Time: max(s.end, s.last), Duration: media.OpusDuration(p), Key: true, Data: p}
	s.end += f.Duration
	s.last = f.Time
	return s.write(f)
}
