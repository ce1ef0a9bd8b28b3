package playback

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// silenceAtOnce is the longest packet of silence. While a track is silent, the
// file is kept within two of them of the clock.
const silenceAtOnce = opus.MaxPacket

// A sound keeps one Opus track true to real time even for tools that take no
// times from the file and play packet after packet: silence goes where there is
// none. It holds every packet that it is given. Where they last longer than the
// time they were sent in, because the sender's clock is fast, they run ahead until
// the sender is silent, and there is less silence then.
type sound struct {
	stereo bool
	write  func(media.Frame) error // puts a packet behind those before; refuses it by matroska.ErrFrame
	track  uint64
	end    time.Duration // where the next packet will play by the length of all
	last   time.Duration // the time of the packet before
	most   time.Duration // how late a packet came to play
}

// frame writes the frame at its time, after silence if there is a hole before it.
// An error that wraps matroska.ErrFrame refuses it.
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
	p := opus.Silent(d, s.stereo)
	f := media.Frame{Track: s.track, Time: max(s.end, s.last), Duration: media.OpusDuration(p), Key: true, Data: p}
	s.end += f.Duration
	s.last = f.Time
	return s.write(f)
}
