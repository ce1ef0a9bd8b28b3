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
	child *child
	in    *os.File
	out   *os.File
	mkv   *matroska.Writer
	uid   uint64
	kill  context.CancelFunc
}

// Picture starts a decoder of pictures. It gives planar YUV 4:2:0 of width times
// height, which are even, a picture that fits within centred on black, rate
// pictures a second: the n-th shows what stands at n/rate of the frames' times.
// A picture comes as soon as a later one was written.
func (p *Program) Picture(ctx context.Context, t media.Track, width, height, rate int) (*Decoder, error) {
	// The graph is made anew when a picture changes its size. Then fps forgets
	// the picture that it holds, which the constant rate of a raw output makes
	// good: it counts.
	graph := fmt.Sprintf("scale=w=%d:h=%d:force_original_aspect_ratio=decrease:flags=bilinear:out_range=tv,"+
		"pad=%[1]d:%[2]d:(ow-iw)/2:(oh-ih)/2:black,setsar=1,fps=fps=%[3]d:round=near:eof_action=pass", width, height, rate)
	return p.decode(ctx, t, []string{"-threads", "1", "-flags", "low_delay", "-max_pixels", fmt.Sprint(maxPixels), "-copyts"},
		[]string{"-vf", graph, "-pix_fmt", "yuv420p", "-f", "rawvideo"})
}

// Sound starts a decoder of sound. It gives samples of 48 kHz as 32-bit floats,
// little endian, interleaved: as many as the frames' times tell, from zero on.
func (p *Program) Sound(ctx context.Context, t media.Track, channels int) (*Decoder, error) {
	// What cannot be decoded leaves silence of its length.
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

	args := []string{"-nostdin", "-hide_banner", "-nostats", "-v", "error",
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
	// The names of who sent it are no business of the process.
	t.Participant, t.Name, t.Source = "", "", ""
	if d.mkv, err = matroska.NewWriter(d.in, matroska.Header{Start: time.Unix(0, 0), Tracks: []media.Track{t}}); err != nil {
		kill()
		return nil, errors.Join(err, c.wait())
	}
	return d, nil
}

// Write gives the decoder a frame of the track. Its time counts from where the
// run begins.
func (d *Decoder) Write(at time.Duration, f media.Frame) error {
	f.Time = at
	return d.mkv.WriteFrame(f)
}

// CloseWrite says that there are no more frames. What was written is decoded.
func (d *Decoder) CloseWrite() error { return d.in.Close() }

// Read reads what was decoded, until io.EOF.
func (d *Decoder) Read(b []byte) (int, error) { return d.out.Read(b) }

// Kill ends the process at once.
func (d *Decoder) Kill() { d.kill() }

// Wait waits for the process' end, when all is read or it was killed. An error
// is what the process said.
func (d *Decoder) Wait() error {
	err := d.child.wait()
	d.kill()
	if cerr := d.out.Close(); err == nil {
		err = cerr
	}
	return err
}

var _ io.Reader = (*Decoder)(nil)
