//go:build !js

package playback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Layout is which tiles are large in the picture of ExportMP4.
type Layout string

const (
	LayoutGrid    Layout = Layout(mix.Grid)    // all of one size; a shared screen is large
	LayoutSpeaker Layout = Layout(mix.Speaker) // the speaker is large, or a shared screen
)

// MP4Options are the settings of ExportMP4.
type MP4Options struct {
	ExportOptions
	MixOptions
	// Layout is the layout. Empty means LayoutGrid.
	Layout Layout
	// Width and Height are the picture's, even, from 160x90 to 3840x2160. If both
	// are 0, they are 1280x720.
	Width, Height int
	// Rate is the most pictures a second, from 1 to 60. 0 means 25. While nothing
	// changes, there is one a second.
	Rate int

	// Encoder is EncoderAuto, EncoderSoftware or one of HardwareEncoders. Empty means
	// EncoderAuto.
	Encoder string
	// Warn, if it is set, is called with why hardware that is there is not used.
	Warn func(error)

	stuck   time.Duration                          // in place of stuck, for tests
	devices func(pattern string) ([]string, error) // in place of the machine's, for tests
}

const (
	// EncoderAuto is the first of HardwareEncoders that works here, or else software.
	EncoderAuto = ffmpeg.Auto
	// EncoderSoftware is software, such as libx264.
	EncoderSoftware = ffmpeg.Software
)

// HardwareEncoders returns the names of the hardware encoders that ExportMP4 knows, in
// the order in which EncoderAuto tries them.
func HardwareEncoders() []string { return ffmpeg.Hardware() }

var (
	// ErrEncoder: the hardware encoder that was chosen does not work here.
	ErrEncoder = ffmpeg.ErrEncoder
	// ErrFFmpegMissing: ExportMP4 found no ffmpeg in PATH.
	ErrFFmpegMissing = ffmpeg.ErrMissing
	// ErrFFmpegLacks: the ffmpeg in PATH was built without an encoder or a
	// decoder that ExportMP4 needs; the error says which.
	ErrFFmpegLacks = ffmpeg.ErrLacks
)

// FindsFFmpeg reports whether PATH has an ffmpeg. It does not ask what that can do.
func FindsFFmpeg() bool { return ffmpeg.Is() }

func (o *MP4Options) check() error {
	o.Layout = cmp.Or(o.Layout, LayoutGrid)
	o.Rate = cmp.Or(o.Rate, 25)
	o.Encoder = cmp.Or(o.Encoder, EncoderAuto)
	if o.Width == 0 && o.Height == 0 {
		o.Width, o.Height = 1280, 720
	}
	switch {
	case o.Layout != LayoutGrid && o.Layout != LayoutSpeaker:
		return fmt.Errorf("no layout is called %.20q", string(o.Layout))
	case o.Encoder != EncoderAuto && o.Encoder != EncoderSoftware && !slices.Contains(HardwareEncoders(), o.Encoder):
		return fmt.Errorf("no encoder is called %.20q", o.Encoder)
	case o.Rate < 1 || o.Rate > 60:
		return fmt.Errorf("%d pictures a second, want 1 to 60", o.Rate)
	case o.Width%2 != 0 || o.Height%2 != 0 || o.Width < 160 || o.Height < 90 || o.Width > 3840 || o.Height > 2160:
		return fmt.Errorf("a picture of %dx%d, want even numbers from 160x90 to 3840x2160", o.Width, o.Height)
	}
	return nil
}

// ExportMP4 writes one file with one picture (H.264) and one sound (AAC), mixed
// from all tracks: participants are tiles with their names, and their sounds are
// levelled and added up. It has a title, a date, chapters, and the chat as
// subtitles that are off by default. Names are drawn in any script for which the program or the machine has a
// font; where neither has, the identity is drawn. Pictures and sounds keep their
// times, to within half the time of a picture. In a hole the last picture stands
// still, dimmed and with the reason, and sound is silent.
//
// It needs ffmpeg in PATH. Decoded media goes to ffmpeg and back through pipes,
// and is on disk only in the finished file. Strangers sent the frames of a
// meeting, and ffmpeg decodes them with the rights of this program's user.
// ExportFile and ExportTracks decode nothing.
//
// At most 32 pictures and 64 sounds are decoded at once, each by a process.
// Tracks beyond that, and frames that cannot be decoded, count as dropped. The
// file appears whole or not at all, durable once ExportMP4 returns. If path
// exists, it is left alone and the error wraps fs.ErrExist.
func ExportMP4(ctx context.Context, s *Session, path string, o MP4Options) (r Report, err error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	f, err := createBeside(path, true) // FFmpeg opens the file by its name
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, f.discard()) }()
	x, err := s.excerpt(ctx, o.ExportOptions)
	r = x.report()
	if err != nil {
		return r, err
	}
	r.Tracks = x.tracks
	program, err := ffmpeg.Find(ctx)
	if err != nil {
		return r, err
	}
	for _, t := range x.tracks {
		if err := program.Decodes(t.Codec); err != nil {
			return r, err
		}
	}
	first := x.notes(o.ExportOptions)
	if err := x.film(ctx, program, f.Name(), o, &r); err != nil {
		return r, err
	}
	return r, x.commitNoted(ctx, program, f, o.ExportOptions, first)
}

// commitNoted gives an MP4 file its name. If something turned out to be damaged while it
// was made, it is written again first, with the chapters that say so.
func (x *excerpt) commitNoted(ctx context.Context, program *ffmpeg.Program, f *atomicFile, o ExportOptions, first ffmpeg.Notes) (err error) {
	notes := x.notes(o)
	if slices.Equal(notes.Chapters, first.Chapters) {
		return f.commit()
	}
	again, err := createBeside(f.path, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, again.discard()) }()
	if err := program.Rewrite(ctx, f.Name(), again.Name(), notes); err != nil {
		return err
	}
	return again.commit()
}

// film makes the file.
func (x *excerpt) film(ctx context.Context, program *ffmpeg.Program, path string, o MP4Options, r *Report) error {
	var err error
	if r.Gains, err = x.levels(ctx, program, o.MixOptions); err != nil {
		return err
	}
	scenes := mix.Scenes(x.meeting(*r), mix.Layout(o.Layout), o.Width, o.Height, x.from, x.to)
	// Everything that runs ends with this context, and is waited for.
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	film := ffmpeg.Film{Width: o.Width, Height: o.Height, Rate: o.Rate, Notes: x.notes(o.ExportOptions)}
	skipped, err := program.Choose(running, ffmpeg.Wish{Encoder: o.Encoder, Devices: o.devices, For: o.stuck}, film)
	if err != nil {
		return err
	}
	if skipped != nil && o.Warn != nil {
		o.Warn(skipped)
	}
	enc, err := program.Encode(running, path, film)
	if err != nil {
		return err
	}
	n := int64((x.length()*time.Duration(o.Rate) + time.Second - 1) / time.Second)
	feed := newFeed(running, x, program, o, scenes)
	feed.gains = r.Gains
	pictures := &ffmpeg.PictureWriter{W: enc.Video, Film: film}
	// Each closes its pipe: the encoder waits for one pipe while it has enough
	// from the other.
	err = feed.encode(ctx, cancel, enc, r,
		func() error { return errors.Join(feed.hear(enc.Audio, n*sampleRate/int64(o.Rate)), enc.Audio.Close()) },
		func() error { return errors.Join(feed.show(pictures, n, o, scenes), enc.Video.Close()) })
	if err == nil && o.Progress != nil {
		o.Progress(x.length(), x.length())
	}
	return err
}

// meeting returns what the picture shows of the excerpt.
func (x *excerpt) meeting(r Report) mix.Meeting {
	m := mix.Meeting{Tracks: slices.Clone(x.tracks), Events: slices.Clone(x.events), Chosen: x.of}
	for i := range m.Tracks {
		t := &m.Tracks[i]
		t.Name = x.label(t.Participant, t.Name)
	}
	for i := range m.Events {
		if e := &m.Events[i]; e.Type == media.EventJoin {
			e.Name = x.label(e.Participant, e.Name)
		}
	}
	for _, g := range r.Holes {
		m.Holes = append(m.Holes, mix.Hole{Track: g.Track, From: g.From, To: g.To, Text: reason(g.Reason)})
	}
	for _, s := range r.Missing {
		text := "missing"
		if errors.Is(s.Err, ErrLocked) {
			text = "locked"
		}
		m.Holes = append(m.Holes, mix.Hole{From: s.From, To: s.To, Text: text})
	}
	return m
}

// label returns somebody's name for their tile. A name of which nothing can be seen
// stays so.
func (x *excerpt) label(identity, name string) string {
	if media.Plain(cmp.Or(name, identity), media.MaxTitle) == "" {
		return name
	}
	return x.names.Of(identity, name)
}
