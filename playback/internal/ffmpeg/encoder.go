package ffmpeg

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// An Encoder makes an MP4 file of pictures and sound. Each has its own pipe and
// needs its own goroutine to write it: the process reads from them in any order.
type Encoder struct {
	Video, Audio *os.File
	child        *child
	path         string
}

// Film is what is encoded: pictures in planar YUV 4:2:0 in the range and the
// matrix of BT.601, and 48 kHz stereo in signed 16 bits, little endian.
type Film struct {
	Width, Height, Rate int
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

	args := slices.Concat([]string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-y"}, p.video.before,
		[]string{"-protocol_whitelist", "pipe,fd", "-thread_queue_size", "64"}, f.input(), []string{"-i", "pipe:0",
			"-protocol_whitelist", "pipe,fd", "-thread_queue_size", "256", "-f", "s16le", "-ar", "48000", "-ac", "2", "-i", "pipe:3",
			"-map", "0:v", "-map", "1:a", "-map_metadata", "-1"}, p.video.video(f))
	args = append(args, "-color_range", "tv", "-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m",
		"-c:a", p.audio.name)
	args = append(args, p.audio.args...)
	args = append(args, variable...)
	args = append(args, "-movflags", "+faststart", "-f", "mp4", "file:"+path)

	c, err := start(ctx, p.path, args, videoRead, nil, audioRead)
	files = []*os.File{videoWrite, audioWrite}
	if err != nil {
		return nil, err
	}
	return &Encoder{Video: videoWrite, Audio: audioWrite, child: c, path: path}, nil
}

// Wait waits until the file is written, after both pipes were closed or the
// context has ended. The error wraps syscall.ENOSPC if the disk is full.
func (e *Encoder) Wait() error {
	err := e.child.wait()
	said := e.child.stderr.String()
	switch {
	case e.child.ctx.Err() != nil:
	case strings.Contains(said, "No space left on device"): // LC_ALL=C keeps it in English
		err = fmt.Errorf("ffmpeg: %w", syscall.ENOSPC)
	case err == nil:
		// Some versions report success although the end of the file, or its
		// index, could not be written.
		if err = whole(e.path); err != nil && said != "" {
			err = fmt.Errorf("%w: %s", err, said)
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
	for at := int64(0); at < info.Size(); {
		var head [16]byte
		n, err := f.ReadAt(head[:], at)
		if err != nil && err != io.EOF {
			return err
		}
		size := int64(binary.BigEndian.Uint32(head[:4]))
		if size == 1 {
			size = int64(binary.BigEndian.Uint64(head[8:]))
		}
		if n < 8 || size < 8 || size > info.Size()-at {
			return errors.New("ffmpeg wrote an MP4 that is not whole")
		}
		seen[string(head[4:8])] = true
		at += size
	}
	if !seen["moov"] || !seen["mdat"] {
		return errors.New("ffmpeg wrote an MP4 without index or media")
	}
	return nil
}
