package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// maxPixels is the largest picture that is decoded.
const maxPixels = 4096 * 2304

// A Decoder decodes a run of one track's frames. One goroutine writes and
// closes it, another reads and waits.
type Decoder struct {
	child *process
	in    *os.File
	out   *os.File
	mkv   *matroska.Writer
	uid   uint64
	kill  context.CancelFunc
}

// A Thrift says of which pictures a decoder may leave out work that is hardly seen.
type Thrift struct {
	// Rough: pictures that no other is made from are not smoothed. At half their size
	// nobody sees it.
	Rough bool
	// Skip: pictures that no other is made from are left out. That halves the rate of
	// those who send temporal layers, and changes nothing for others.
	Skip bool
}

// Picture starts a decoder of pictures. It returns planar YUV 4:2:0 of width
// times height, which are even, with the picture scaled to fit and centred on
// black, at rate pictures a second. Picture n is the one shown at n/rate of the
// frames' times. A picture comes out as soon as a later one was written.
func (p *Program) Picture(ctx context.Context, t media.Track, width, height, rate int, thrift Thrift) (*Decoder, error) {
	// FFmpeg makes the filter graph anew when pictures change their size. fps
	// then forgets the picture that it holds. The constant rate of a raw output
	// makes up for that: it counts.
	graph := upright[t.Turned] + fmt.Sprintf("scale=w=%d:h=%d:force_original_aspect_ratio=decrease:flags=bilinear:out_range=tv,"+
		"pad=%[1]d:%[2]d:(ow-iw)/2:(oh-ih)/2:black,setsar=1,fps=fps=%[3]d:round=near:eof_action=pass", width, height, rate)
	in := []string{"-threads", "1", "-max_pixels", fmt.Sprint(maxPixels), "-copyts"}
	if !t.Reordered { // else a decoder has to wait for pictures that are shown before
		in = append(in, "-flags", "low_delay")
	}
	if thrift.Rough {
		in = append(in, "-skip_loop_filter", "noref")
	}
	// In VP9 a picture may be of several frames, of which only one is shown.
	if thrift.Skip && t.Codec == media.VP8 {
		in = append(in, "-skip_frame", "noref")
	}
	return p.decode(ctx, t, in,
		[]string{"-vf", graph, "-pix_fmt", "yuv420p", "-f", "rawvideo"})
}

// upright are the filters that turn pictures clockwise by so many degrees.
var upright = map[int]string{90: "transpose=clock,", 180: "hflip,vflip,", 270: "transpose=cclock,"}

// Sound starts a decoder of sound. It returns samples of 48 kHz as 32-bit floats,
// little endian, interleaved: as many as the frames' times say, from zero on.
func (p *Program) Sound(ctx context.Context, t media.Track, channels int) (*Decoder, error) {
	// Frames that cannot be decoded leave silence of their length.
	return p.decode(ctx, t, []string{"-copyts"},
		[]string{"-af", "aresample=async=1:min_hard_comp=0.005:first_pts=0", "-ac", fmt.Sprint(channels), "-ar", "48000", "-f", "f32le"})
}

func (p *Program) decode(ctx context.Context, t media.Track, in, out []string) (_ *Decoder, err error) {
	decoder := p.decoder(t.Codec)
	if decoder == "" {
		return nil, p.Decodes(t.Codec)
	}
	var files []*os.File
	defer func() {
		if err != nil {
			for _, f := range files {
				err = errors.Join(err, f.Close())
			}
		}
	}()
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, inRead, inWrite)
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	files = append(files, outRead, outWrite)
	if !t.Codec.Audio() {
		widen(outRead)
	}

	// Small pictures are scaled faster by one thread than by several that meet.
	args := []string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-filter_threads", "1",
		"-protocol_whitelist", "pipe,fd", "-f", "matroska", "-probesize", "32", "-analyzeduration", "0"}
	stream := "-c:v"
	if t.Codec.Audio() {
		stream = "-c:a"
	}
	args = append(append(args, in...), stream, decoder, "-i", "pipe:0", "-map", "0:0", "-map_metadata", "-1")
	args = append(append(args, out...), "-flush_packets", "1", "pipe:1")

	ctx, kill := context.WithCancel(ctx)
	c, err := start(ctx, p.path, args, inRead, outWrite)
	files = []*os.File{inWrite, outRead}
	err = errors.Join(err, outWrite.Close())
	if err != nil {
		kill()
		if c != nil {
			err = errors.Join(err, c.wait())
		}
		return nil, err
	}
	d := &Decoder{child: c, in: inWrite, out: outRead, uid: t.UID, kill: kill}
	// The process does not need the names of the sender. Not all versions would turn the
	// pictures.
	t.Participant, t.Name, t.Source, t.Turned = "", "", "", 0
	if d.mkv, err = matroska.NewWriter(d.in, matroska.Header{Start: time.Unix(0, 0), Tracks: []media.Track{t}}); err != nil {
		kill()
		return nil, errors.Join(err, c.wait())
	}
	return d, nil
}

// Write writes a frame of the track to the decoder. Its time counts from the
// beginning of the run.
func (d *Decoder) Write(at time.Duration, f media.Frame) error {
	f.Time, f.Later = at, 0
	return d.mkv.WriteFrame(f)
}

// CloseWrite ends the input. The decoder decodes what was written.
func (d *Decoder) CloseWrite() error { return d.in.Close() }

// Read reads what was decoded, until io.EOF.
func (d *Decoder) Read(b []byte) (int, error) { return d.out.Read(b) }

// Kill ends the process at once.
func (d *Decoder) Kill() { d.kill() }

// Wait waits for the end of the process, after everything was read or it was
// killed. An error has the process's messages.
func (d *Decoder) Wait() error {
	err := d.child.wait()
	d.kill()
	if cerr := d.out.Close(); err == nil {
		err = cerr
	}
	return err
}

var _ io.Reader = (*Decoder)(nil)
