package playback

import (
	"io"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// An mkvFile is a Matroska or WebM file of some tracks. Its sound has no hole
// from time zero to the end. Its pictures stand still in holes.
type mkvFile struct {
	*matroska.FileWriter
	sounds   map[uint64]*sound
	ordered  []*sound // the same
	pictures map[uint64]*videoTrack
	texts    []subtitleAt              // not written yet, in order of time
	chapters func() []matroska.Chapter // of the whole file, called at its end; may be nil
	clock    time.Duration             // the time that has passed
	begun    bool                      // it has a picture
}

// passStep is how often subtitles and the like are written, so that they are near
// the frames of their time.
const passStep = 100 * time.Millisecond

// A videoTrack is the state of a video track that is being written.
type videoTrack struct {
	codec  media.Codec
	early  int          // frames before time zero so far
	leader *media.Frame // the first frame of the file if the track's own is smaller; nil once written
}

// newMKVFile writes the beginning of a file. leaders are those of
// excerpt.leaders.
func newMKVFile(out io.WriteSeeker, h matroska.FileHeader, texts []textTrack, leaders map[uint64]media.Frame) (*mkvFile, error) {
	w, err := matroska.NewFileWriter(out, h)
	if err != nil {
		return nil, err
	}
	f := &mkvFile{FileWriter: w, sounds: make(map[uint64]*sound), pictures: make(map[uint64]*videoTrack), texts: merge(texts)}
	for _, t := range h.Tracks {
		if t.Codec.Audio() {
			s := &sound{stereo: t.Channels != 1, write: w.WriteFrame, track: t.UID}
			f.sounds[t.UID] = s
			f.ordered = append(f.ordered, s)
		} else {
			p := &videoTrack{codec: t.Codec}
			if leader, ok := leaders[t.UID]; ok {
				p.leader = &leader
			}
			f.pictures[t.UID] = p
		}
	}
	return f, nil
}

func (f *mkvFile) frame(x excerptFrame) error {
	if s, ok := f.sounds[x.Track]; ok {
		return s.frame(x.Frame)
	}
	// Tools take a file's first frame for its beginning. Without sound that is a
	// picture, so it stands still from time zero on.
	still := x.Frame
	stands := !f.begun && len(f.sounds) == 0 && x.Key && x.Early == 0 && x.Time > 0
	if stands {
		still.Time = 0
	}
	if err := f.lead(still); err != nil {
		return err
	}
	if x.Early > 0 {
		return f.early(x.Frame)
	}
	if stands {
		if err := f.WriteFrame(still); err != nil {
			return err
		}
	}
	f.begun = true
	// After the hidden pictures.
	x.Time = max(x.Time, time.Duration(f.pictures[x.Track].early))
	return f.WriteFrame(x.Frame)
}

// lead writes the track's leader if first is smaller. The leader is flagged as
// hidden; a player that ignores the flag shows it for one tick.
func (f *mkvFile) lead(first media.Frame) error {
	p := f.pictures[first.Track]
	leader := p.leader
	if leader == nil {
		return nil
	}
	p.leader = nil
	large, small := media.Describe(p.codec, leader.Data), media.Describe(p.codec, first.Data)
	if small.Width*small.Height == 0 || small.Width*small.Height >= large.Width*large.Height {
		return nil
	}
	frame := *leader
	frame.Time = first.Time
	if first.Time == 0 {
		p.early++ // the next frame comes one tick later
	}
	return f.WriteHidden(frame)
}

// early writes a picture that is there only to decode later ones, as close to
// time zero as the file's ticks allow. VP8 says in each frame whether it is shown
// (RFC 6386 section 9.1). Other codecs have only the block's flag, which few
// players heed: they may show the picture for the tick that it lasts.
func (f *mkvFile) early(frame media.Frame) error {
	p := f.pictures[frame.Track]
	frame.Time = time.Duration(p.early) // rising, so that WriteFrame can spread them
	p.early++
	if p.codec == media.VP8 && len(frame.Data) > 0 {
		frame.Data = slices.Clone(frame.Data)
		frame.Data[0] &^= 0x10 // show_frame
	}
	f.begun = true
	return f.WriteHidden(frame)
}

func (f *mkvFile) passed(now time.Duration) error {
	for now-f.clock >= passStep {
		// In steps after a long hole, so that the file stays in order.
		f.clock = min(now, f.clock+2*silenceAtOnce)
		for len(f.texts) > 0 && f.texts[0].at <= f.clock {
			c := f.texts[0]
			if err := f.WriteText(c.track, c.at, c.lasts, c.text); err != nil {
				return err
			}
			f.texts = f.texts[1:]
		}
		for _, s := range f.ordered {
			if err := s.passed(f.clock); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *mkvFile) finish(length time.Duration) error {
	if err := f.passed(length + passStep); err != nil {
		return err
	}
	for _, s := range f.ordered {
		if err := s.until(length); err != nil {
			return err
		}
	}
	if f.chapters != nil {
		f.SetChapters(f.chapters())
	}
	return f.Close()
}

func (f *mkvFile) late() map[uint64]time.Duration {
	late := make(map[uint64]time.Duration)
	for _, s := range f.ordered {
		late[s.track] = s.most
	}
	return late
}
