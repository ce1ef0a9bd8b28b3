package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/internal/child"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// before is added to all times in the pipe, since Matroska has none before zero, and
// files have: sound that an encoder began with, and pictures before a cut.
const before = 100 * time.Second

// Rates of Opus for sound that is encoded, in bits a second: those that its makers
// recommend for music.
const (
	rateMono   = "64k"
	rateStereo = "128k"
)

// A packet is a frame of one of the file's streams. Its time counts from the file's
// beginning, and may be before it.
type packet struct {
	stream int // place in File.Streams
	media.Frame
}

// demux passes the packets of a file on, in the order of the file, after begin, which
// gets what is known of each stream by then: its codec, its size, and its Private.
func (p *Program) demux(ctx context.Context, f *File, begin func([]media.Track) error, frame func(packet) error) (err error) {
	args, in, err := f.input()
	if err != nil {
		return err
	}
	defer in.Close()
	args = append([]string{"-nostdin", "-nostats"}, args...)
	sound := 0
	for _, s := range f.Streams {
		args = append(args, "-map", "0:"+strconv.Itoa(s.Index))
		if s.Codec.Audio() {
			args = append(args, soundArgs(s, strconv.Itoa(sound))...)
			sound++
		}
	}
	args = append(args, "-c:v", "copy", "-map_metadata", "-1", "-map_chapters", "-1", "-avoid_negative_ts", "disabled",
		"-output_ts_offset", strconv.Itoa(int(before/time.Second)), "-f", "matroska", "pipe:1")

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, read.Close()) }()
	var said child.Said
	c := command(ctx, p.ffmpeg, args, in, write, &said)
	if err := errors.Join(c.Start(), write.Close()); err != nil {
		return fmt.Errorf("starting ffmpeg: %w", err)
	}
	err = f.packets(read, begin, frame)
	if err != nil {
		cancel()
	}
	werr := c.Wait()
	switch {
	case err != nil && errors.Is(err, errPipe) && complaint(&said) != "":
		return fmt.Errorf("%w: %s", ErrUnreadable, complaint(&said))
	case err != nil:
		return err
	case werr != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case werr != nil:
		return fmt.Errorf("%w to its end: %s", ErrUnreadable, complaint(&said))
	}
	f.said = complaint(&said)
	return nil
}

// errPipe is in errors of what came through the pipe.
var errPipe = errors.New("ffmpeg's output makes no sense")

func soundArgs(s Stream, n string) []string {
	if s.Copied() {
		return []string{"-c:a:" + n, "copy"}
	}
	channels, rate := 1, rateMono
	if s.Channels > 1 {
		channels, rate = media.MaxChannels, rateStereo
	}
	// Sound that pauses goes on at its own time.
	return []string{"-c:a:" + n, "libopus", "-b:a:" + n, rate, "-ac:a:" + n, strconv.Itoa(channels), "-ar:a:" + n, "48000",
		"-filter:a:" + n, "aresample=async=1:min_hard_comp=0.1"}
}

// packets reads the pipe.
func (f *File) packets(pipe io.Reader, begin func([]media.Track) error, frame func(packet) error) error {
	r, err := matroska.NewFileReader(pipe)
	if err != nil {
		return fmt.Errorf("%w: %w", errPipe, err)
	}
	tracks := make([]media.Track, len(f.Streams))
	places := make(map[uint64]int)
	lengths := make([]int, len(f.Streams)) // of the sizes of NAL units
	for _, t := range r.Header().Tracks {
		n := int(r.Number(t.UID)) - 1
		if n < 0 || n >= len(tracks) || t.Codec != f.Streams[n].Codec {
			return fmt.Errorf("%w: a stream that was not asked for", errPipe)
		}
		places[t.UID] = n
		lengths[n] = lengthSize(t)
		tracks[n] = settled(t)
	}
	if err := begin(tracks); err != nil {
		return err
	}
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%w: %w", errPipe, err)
		}
		n, ok := places[b.Frame.Track]
		if !ok || b.Event != nil {
			continue
		}
		b.Frame.Time -= before
		if size := lengths[n]; size != 0 && size != 4 {
			b.Frame.Data = longer(b.Frame.Data, size)
		}
		if len(b.Frame.Data) == 0 {
			continue
		}
		if err := frame(packet{n, b.Frame}); err != nil {
			return err
		}
	}
}

// settled returns a track as a recording has it. What a decoder must know is made anew
// of its parameter sets: encoders put messages of their own beside them.
func settled(t media.Track) media.Track {
	t.Participant, t.Name, t.Source, t.UID = "", "", "", 0
	if t.Codec != media.H264 && t.Codec != media.H265 {
		return t
	}
	t.Reordered = true
	if p := media.Describe(t.Codec, media.ConfigFrame(t)); p.Private != "" {
		t.Private = p.Private
		t.Width, t.Height = p.Width, p.Height
	}
	return t
}

// lengthSize returns how many bytes the length of a NAL unit has. 0: there are none.
func lengthSize(t media.Track) int {
	switch p := t.Private; {
	case t.Codec == media.H264 && len(p) > 4:
		return int(p[4]&3) + 1
	case t.Codec == media.H265 && len(p) > 21:
		return int(p[21]&3) + 1
	}
	return 0
}

// longer returns a frame whose NAL units have lengths of size bytes with lengths of
// four. What is malformed is left out.
func longer(b []byte, size int) (out []byte) {
	for len(b) >= size {
		n := 0
		for _, c := range b[:size] {
			n = n<<8 | int(c)
		}
		if b = b[size:]; n > len(b) {
			break
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
		out = append(out, b[:n]...)
		b = b[n:]
	}
	return out
}
