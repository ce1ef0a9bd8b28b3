package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// An Encoder makes a file of pictures and sound, or of sound alone. Each has its
// own pipe and needs its own goroutine to write it: the process reads from them in
// any order.
type Encoder struct {
	Video, Audio *os.File // Video is nil for sound alone
	child        *process
	path         string // of an MP4 file; "" if it is written to a pipe
	subtitled    bool   // the file may have subtitles
	texts        errgroup.Group
}

// Film is what is encoded: pictures in planar YUV 4:2:0 in the range and the
// matrix of BT.601, and 48 kHz stereo in signed 16 bits, little endian.
type Film struct {
	Width, Height, Rate int
	Notes               Notes
}

// Encode starts an encoder that writes to path and replaces what is there. The
// file is whole when Wait returns nil. It begins with its index, so that it can
// play while it loads.
func (p *Program) Encode(ctx context.Context, path string, f Film) (_ *Encoder, err error) {
	if runtime.GOOS == "windows" {
		return nil, errors.New("MP4 needs pipes that this system does not hand to other programs")
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	variable, err := p.variableRate(ctx)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				err = errors.Join(err, f.Close())
			}
		}
	}()
	videoRead, videoWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, videoRead, videoWrite)
	widen(videoWrite)
	audioRead, audioWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, audioRead, audioWrite)
	texts, inputs, outputs, err := f.Notes.inputs(2, 4, true)
	if err != nil {
		return nil, err
	}
	extra := []*os.File{audioRead}
	for _, t := range texts {
		files = append(files, t.read, t.write)
		extra = append(extra, t.read)
	}

	args := slices.Concat([]string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-y"}, p.video.before,
		[]string{"-protocol_whitelist", "pipe,fd", "-thread_queue_size", "64"}, f.input(), []string{"-i", "pipe:0",
			"-protocol_whitelist", "pipe,fd", "-thread_queue_size", "256", "-f", "s16le", "-ar", "48000", "-ac", "2", "-i", "pipe:3"},
		inputs, []string{"-map", "0:v", "-map", "1:a"}, outputs, p.video.video(f))
	args = append(args, "-color_range", "tv", "-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m",
		"-c:a", p.audio.name)
	args = append(args, p.audio.args...)
	args = append(args, variable...)
	args = append(args, "-movflags", "+faststart", "-f", "mp4", "file:"+path)

	c, err := start(ctx, p.path, args, videoRead, nil, extra...)
	files = []*os.File{videoWrite, audioWrite}
	for _, t := range texts {
		files = append(files, t.write)
	}
	if err != nil {
		return nil, err
	}
	e := &Encoder{Video: videoWrite, Audio: audioWrite, child: c, path: path, subtitled: true}
	e.send(texts)
	return e, nil
}

// Wait waits until the file is written, after both pipes were closed or the
// context has ended. The error wraps syscall.ENOSPC if the disk is full, and
// syscall.EPIPE if what reads the pipe that the file goes to reads no more.
func (e *Encoder) Wait() error {
	err := e.child.wait()
	if terr := e.texts.Wait(); err == nil {
		err = terr
	}
	said := e.child.stderr.String()
	switch {
	case e.child.ctx.Err() != nil:
	case strings.Contains(said, "No space left on device"): // LC_ALL=C keeps it in English
		err = fmt.Errorf("ffmpeg: %w", syscall.ENOSPC)
	case err != nil && e.path == "" && strings.Contains(said, "Broken pipe"):
		err = fmt.Errorf("ffmpeg: %w", syscall.EPIPE)
	case err == nil && e.path != "":
		// Some versions report success although the end of the file, or its
		// index, could not be written.
		if err = whole(e.path); err != nil && said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		if err == nil && e.subtitled {
			err = hideSubtitles(e.path)
		}
	}
	return err
}

// whole returns an error unless the file is a whole MP4: boxes up to its end
// (ISO/IEC 14496-12, section 4.2), an index and media among them.
func whole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	var end int64
	for b := range boxes(f, 0, info.Size()) {
		seen[b.kind], end = true, b.to
	}
	if end != info.Size() {
		return errors.New("ffmpeg wrote an MP4 that is not whole")
	}
	if !seen["moov"] || !seen["mdat"] {
		return errors.New("ffmpeg wrote an MP4 without index or media")
	}
	return nil
}
