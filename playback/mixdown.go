//go:build !js

package playback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
)

// MixOptions are how sounds are mixed into one.
type MixOptions struct {
	// Unlevelled leaves each sound as loud as it was received. Otherwise it is
	// turned up or down, by 15 dB at most, to a loudness of -20 LUFS: measured
	// and gated as in EBU R128, in a minute of what is exported. A sound in which
	// nobody speaks stays as it is. Report.Gains has the result. What is too loud
	// when many speak at once is turned down for that moment, in any case.
	Unlevelled bool
}

// A SoundFormat is the format of a file with all sounds mixed into one.
type SoundFormat string

const (
	SoundM4A SoundFormat = "m4a" // AAC in MP4
	SoundOgg SoundFormat = "ogg" // Opus in Ogg
	SoundWAV SoundFormat = "wav" // 48 kHz, stereo, 16 bits; at most 6 hours and 12 minutes
)

// SoundOptions are the settings of ExportSound.
type SoundOptions struct {
	ExportOptions
	MixOptions
}

var (
	// ErrNoSound: what is to be exported has no sound.
	ErrNoSound = errors.New("nobody was heard in it")
	// ErrTooLong: the export is longer than the format can be.
	ErrTooLong = errors.New("it is longer than this format can be")
)

// maxWAV is the most bytes of samples in a WAV file, whose sizes have 32 bits.
const maxWAV = 1<<32 - 1 - 44

// ExportSound writes one file with all sounds mixed into one, and no picture. It
// has a title and a date, and chapters unless it is a WAV file. What is said of
// decoding at ExportMP4 applies here, except that SoundWAV and SoundOgg need no
// encoder of pictures or AAC.
//
// The file appears whole or not at all, durable once ExportSound returns. If path
// exists, it is left alone and the error wraps fs.ErrExist. If there is no sound,
// the error wraps ErrNoSound; if the format cannot be that long, ErrTooLong.
func ExportSound(ctx context.Context, s *Session, path string, format SoundFormat, o SoundOptions) (r Report, err error) {
	f, err := createBeside(path, format == SoundM4A) // FFmpeg opens the file by its name
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, f.discard()) }()
	if r, err = exportSound(ctx, s, f.File, f.Name(), format, o); err != nil {
		return r, err
	}
	return r, f.commit()
}

// StreamSound writes what ExportSound does to w, which may be a pipe. SoundM4A is
// then in fragments, and without chapters. After an error what was written is not
// whole.
func StreamSound(ctx context.Context, s *Session, w io.Writer, format SoundFormat, o SoundOptions) (Report, error) {
	return exportSound(ctx, s, w, "", format, o)
}

// exportSound writes to w, or M4A to path if there is one.
func exportSound(ctx context.Context, s *Session, w io.Writer, path string, format SoundFormat, o SoundOptions) (Report, error) {
	x, err := s.excerpt(ctx, o.ExportOptions)
	r := x.report()
	if err != nil {
		return r, err
	}
	x.soundsOnly(&r)
	if len(x.tracks) == 0 {
		return r, ErrNoSound
	}
	if format == SoundWAV && 4*x.samplesOf(soundRate) > maxWAV {
		return r, ErrTooLong
	}
	program, err := ffmpeg.FindSound(ctx)
	if err != nil {
		return r, err
	}
	for _, t := range x.tracks {
		if err := program.Decodes(t.Codec); err != nil {
			return r, err
		}
	}
	if r.Gains, err = x.levels(ctx, program, o.MixOptions); err != nil {
		return r, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	notes := x.notes(o.ExportOptions)
	var enc *ffmpeg.Encoder
	switch format {
	case SoundM4A:
		if path != "" {
			enc, err = program.EncodeM4A(running, path, notes)
		} else {
			enc, err = program.StreamM4A(running, w, notes)
		}
	case SoundOgg:
		enc, err = program.EncodeOgg(running, w, notes)
	case SoundWAV:
		_, err = w.Write(wavHeader(4 * x.samplesOf(soundRate)))
	default:
		err = fmt.Errorf("no format of sound is called %.20q", string(format))
	}
	if err != nil {
		return r, err
	}
	return r, x.mixDown(ctx, running, cancel, program, enc, w, o, &r)
}

// soundRate is the rate that times are rounded to in a mix without pictures, in
// steps a second.
const soundRate = 25

// samplesOf returns how many samples the excerpt has, if it ends with a whole
// picture at a rate.
func (x *excerpt) samplesOf(rate int) int64 {
	n := int64((x.length()*time.Duration(rate) + time.Second - 1) / time.Second)
	return n * sampleRate / int64(rate)
}

// soundsOnly leaves tracks of sound in the excerpt, and in the report the holes of
// those and of all.
func (x *excerpt) soundsOnly(r *Report) {
	pictures := make(map[uint64]bool)
	for _, t := range x.s.Tracks() {
		pictures[t.UID] = !t.Codec.Audio()
	}
	kept := x.tracks[:0:0]
	for _, t := range x.tracks {
		if !pictures[t.UID] {
			kept = append(kept, t)
		}
	}
	x.tracks, r.Tracks = kept, kept
	holes := r.Holes[:0:0]
	for _, h := range r.Holes {
		if !pictures[h.Track] {
			holes = append(holes, h)
		}
	}
	r.Holes = holes
	r.Incomplete = len(r.Missing) > 0 || wideHole(holes)
}

// mixDown mixes all sounds and writes them to the encoder, or without one to w.
func (x *excerpt) mixDown(ctx, running context.Context, cancel func(), program *ffmpeg.Program, enc *ffmpeg.Encoder, w io.Writer, o SoundOptions, r *Report) error {
	feed := newFeed(running, x, program, MP4Options{Rate: soundRate}, nil)
	feed.gains = r.Gains
	to := &counted{w: w, length: x.length(), progress: o.Progress}
	hear := func() error { return feed.hear(to, x.samplesOf(soundRate)) }
	if enc != nil {
		to.w = enc.Audio
		hear = func() error { return errors.Join(feed.hear(to, x.samplesOf(soundRate)), enc.Audio.Close()) }
	}
	err := feed.encode(ctx, cancel, enc, r, hear)
	if err == nil && o.Progress != nil {
		o.Progress(x.length(), x.length())
	}
	return err
}

// A counted writes samples and reports the progress each second of sound.
type counted struct {
	w        io.Writer
	n, told  int64
	length   time.Duration
	progress func(done, total time.Duration)
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	if done := c.n / (4 * sampleRate); done > c.told && c.progress != nil && time.Duration(done)*time.Second < c.length {
		c.told = done
		c.progress(time.Duration(done)*time.Second, c.length)
	}
	return n, err
}

// wavHeader returns what stands before n bytes of samples in a WAV file.
func wavHeader(n int64) []byte {
	return wavHeaderOf(sampleRate, 2, n)
}

// notes returns what a file of the excerpt says of itself. A file with one chapter
// has none.
func (x *excerpt) notes(o ExportOptions) ffmpeg.Notes {
	n := ffmpeg.Notes{Title: x.s.title(o), Start: x.s.Start().Add(x.from), Length: x.length()}
	if chapters := x.chapters(); len(chapters) > 1 {
		for _, c := range chapters {
			n.Chapters = append(n.Chapters, ffmpeg.Line{At: c.Start, Text: c.Title})
		}
	}
	for _, t := range x.texts() {
		s := ffmpeg.Subtitles{Name: t.name}
		for _, c := range t.lines {
			s.Lines = append(s.Lines, ffmpeg.Line{At: c.at, Lasts: c.lasts, Text: c.text})
		}
		n.Subtitles = append(n.Subtitles, s)
	}
	return n
}
