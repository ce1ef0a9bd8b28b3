package ingest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/internal/child"
	"github.com/sealtape/sealtape/recorder/ingest/align"
)

// longestHeard is how much of a file is listened to at once: its samples are in memory.
const longestHeard = 2 * time.Hour

// sounds reports whether a file has sound.
func (f *File) sounds() bool { return f.sound() >= 0 }

// sound returns the place of the first sound in f.Streams, -1 if there is none.
func (f *File) sound() int {
	for i, s := range f.Streams {
		if s.Codec.Audio() {
			return i
		}
	}
	return -1
}

// hear returns samples of the first sound of a file at align.Rate, from a time on the file's
// clock on, and as many as p hears at once.
// progress is called with how many bytes of samples came since.
func (p *Program) hear(ctx context.Context, f *File, from time.Duration, progress func(int)) (samples []int16, err error) {
	args, in, err := f.input()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if from > 0 {
		args = append([]string{"-ss", strconv.Itoa(int(from / time.Second))}, args...)
	}
	args = append([]string{"-nostdin", "-nostats"}, args...)
	args = append(args, "-map", "0:"+strconv.Itoa(f.Streams[f.sound()].Index), "-t", strconv.Itoa(int(p.hears/time.Second)),
		"-af", "aresample=async=1:min_hard_comp=0.1:first_pts=0", "-ac", "1", "-ar", strconv.Itoa(align.Rate), "-f", "s16le", "pipe:1")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, read.Close()) }()
	var said child.Said
	c := command(ctx, p.ffmpeg, args, in, write, &said)
	if err := errors.Join(c.Start(), write.Close()); err != nil {
		return nil, fmt.Errorf("starting ffmpeg: %w", err)
	}
	out := bufio.NewReaderSize(read, 1<<16)
	buf := make([]byte, 1<<15)
	for len(samples) < int(p.hears/time.Second)*align.Rate {
		n, rerr := io.ReadFull(out, buf)
		for i := 0; i+1 < n; i += 2 {
			samples = append(samples, int16(binary.LittleEndian.Uint16(buf[i:])))
		}
		if progress != nil {
			progress(n)
		}
		if errors.Is(rerr, io.EOF) || errors.Is(rerr, io.ErrUnexpectedEOF) {
			break
		} else if rerr != nil {
			err = rerr
			break
		}
	}
	if err != nil {
		cancel()
	}
	werr := c.Wait()
	switch {
	case err != nil:
		return nil, err
	case werr != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case werr != nil:
		return nil, fmt.Errorf("%w to its end: %s", ErrUnreadable, complaint(&said))
	}
	return samples, nil
}
