package playback

import (
	"errors"
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
// none, and no packet where the one before has not ended.
type sound struct {
	stereo  bool
	write   func(media.Frame) error // puts a packet behind those before; refuses it by matroska.ErrFrame
	track   uint64
	end     time.Duration // where the next packet will play by the length of all
	usual   int           // how long packets of it are, in 16ths of a byte
	dropped int
}

// frame writes the frame at its time: after silence if there is a hole before
// it, and not at all if the track is past it already, or it is no Opus. Of a sender
// whose clock is fast a packet is too much now and then: one with little in it goes
// first, so that hardly anyone hears it.
func (s *sound) frame(f media.Frame) error {
	fill, keep := opus.Run(s.end).Place(f)
	quiet := 2*16*len(f.Data) < s.usual
	s.usual += len(f.Data) - s.usual/16
	if !keep || quiet && s.end-f.Time > media.OpusDuration(f.Data)/2 {
		s.dropped++
		return nil
	}
	if fill > 0 {
		if err := s.until(f.Time); err != nil {
			return err
		}
	}
	f.Duration = media.OpusDuration(f.Data)
	err := s.write(f)
	if errors.Is(err, matroska.ErrFrame) {
		s.dropped++
		return nil
	}
	s.end += f.Duration
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
	p := opus.Silent(d, s.stereo)
	f := media.Frame{Track: s.track, Time: s.end, Duration: media.OpusDuration(p), Key: true, Data: p}
	s.end += f.Duration
	return s.write(f)
}
