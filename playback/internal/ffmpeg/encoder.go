package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// An Encoder makes an MP4 file of pictures and sound. Each has a pipe of its
// own, to be written by a goroutine of its own: the process takes from them in
// whatever order it likes.
type Encoder struct {
	Video, Audio *os.File
	child        *child
}

// Film is what is encoded: pictures in planar YUV 4:2:0 in the range and the
// matrix of BT.601, and 48 kHz stereo in signed 16 bits, little endian.
type Film struct {
	Width, Height, Rate int
}

// Encode starts an encoder that writes to path, over what is there. The file is
// whole when Wait returns nil; it begins with its index, so that it plays while
// it is loaded.
func (p *Program) Encode(ctx context.Context, path string, f Film) (_ *Encoder, err error) {
	if runtime.GOOS == "windows" {
		return nil, errors.New("MP4 needs pipes that this system does not hand to other programs")
	}
	path, err = filepath.Abs(path)
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
	audioRead, audioWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, audioRead, audioWrite)

	rate := strconv.Itoa(f.Rate)
	args := []string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-y",
		"-protocol_whitelist", "pipe,fd", "-thread_queue_size", "64", "-f", "rawvideo", "-pix_fmt", "yuv420p",
		"-s", fmt.Sprintf("%dx%d", f.Width, f.Height), "-r", rate, "-i", "pipe:0",
		"-protocol_whitelist", "pipe,fd", "-thread_queue_size", "256", "-f", "s16le", "-ar", "48000", "-ac", "2", "-i", "pipe:3",
		"-map", "0:v", "-map", "1:a", "-map_metadata", "-1",
		"-c:v", p.video.name, "-pix_fmt", "yuv420p", "-g", strconv.Itoa(4 * f.Rate)}
	args = append(args, p.video.args...)
	args = append(args, "-color_range", "tv", "-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m",
		"-c:a", p.audio.name)
	args = append(args, p.audio.args...)
	args = append(args, "-movflags", "+faststart", "-f", "mp4", "file:"+path)

	c, err := start(ctx, p.path, args, videoRead, nil, audioRead)
	files = []*os.File{videoWrite, audioWrite}
	if err != nil {
		return nil, err
	}
	return &Encoder{Video: videoWrite, Audio: audioWrite, child: c}, nil
}

// Wait waits until the file is written, after both pipes were closed or the
// context has ended.
func (e *Encoder) Wait() error { return e.child.wait() }
