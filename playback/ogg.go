package playback

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// preSkip is what oggwriter declares (RFC 7845 section 4.2): the decoder
	// drops the first 80 ms. Silence of that length goes ahead of time zero.
	preSkip = 80 * time.Millisecond
	// behind is how far a file may fall behind the clock before silence is
	// put in, tooFar how far it may run ahead before a frame is left out.
	// Clocks of senders that drift end within these.
	behind = 10 * time.Millisecond
	tooFar = 15 * time.Millisecond
)

// An opusFile writes one sound track as Ogg/Opus, true to real time: Ogg knows
// a packet's place only by the length of all before it.
type opusFile struct {
	out     *oggOutput
	writer  *oggwriter.Writer
	track   *oggwriter.Track
	stereo  bool
	end     time.Duration // where the next packet will play
	dropped int
}

// newOpusFile writes the file's headers to f, which stays the caller's.
func newOpusFile(f *os.File, t media.Track) (*opusFile, error) {
	channels := 2
	if t.Channels == 1 {
		channels = 1
	}
	out := &oggOutput{f: f, b: bufio.NewWriterSize(f, 64<<10)}
	// oggwriter closes an output that can be closed; oggOutput cannot.
	w, err := oggwriter.NewWriter(out, oggwriter.WithSeekableOutput(out))
	if err != nil {
		return nil, fmt.Errorf("writing Ogg: %w", err)
	}
	track, err := w.NewTrack(0,
		oggwriter.WithChannelCount(uint16(channels)),
		oggwriter.WithVendor("sealtape"),
		oggwriter.WithUserComments(oggwriter.UserComment{Comment: "TITLE", Value: t.Label()}))
	if err != nil {
		return nil, fmt.Errorf("writing Ogg: %w", err)
	}
	return &opusFile{out: out, writer: w, track: track, stereo: channels == 2, end: -preSkip}, nil
}

// WriteFrame writes the frame at its time: after silence if there is a hole
// before it, and not at all if the file is past it already.
func (o *opusFile) WriteFrame(f media.Frame) error {
	lasts := media.OpusDuration(f.Data)
	if lasts == 0 || o.end-f.Time > max(tooFar, lasts/2) {
		o.dropped++
		return nil
	}
	if f.Time-o.end >= behind {
		if err := o.silence(f.Time - o.end); err != nil {
			return err
		}
	}
	return o.packet(f.Data, lasts)
}

// silence writes d of silence, down to a multiple of 2.5 ms.
func (o *opusFile) silence(d time.Duration) error {
	for d >= 2500*time.Microsecond {
		p := silentPacket(d, o.stereo)
		lasts := media.OpusDuration(p)
		if err := o.packet(p, lasts); err != nil {
			return err
		}
		d -= lasts
	}
	return nil
}

// silentPacket returns the longest packet of silence that lasts no longer than
// d, which is 2.5 ms or more. Its frames are CELT, fullband (RFC 6716 table 2,
// configurations 28 to 31) and hold the silence flag alone (section 4.3).
func silentPacket(d time.Duration, stereo bool) []byte {
	const ms = time.Millisecond
	var toc byte
	if stereo {
		toc = 0x04
	}
	switch {
	case d >= 120*ms:
		// Six frames of 20 ms, of one length.
		p := []byte{toc | 31<<3 | 3, 6}
		for range 6 {
			p = append(p, 0xff, 0xfe)
		}
		return p
	case d >= 20*ms:
		toc |= 31 << 3
	case d >= 10*ms:
		toc |= 30 << 3
	case d >= 5*ms:
		toc |= 29 << 3
	default:
		toc |= 28 << 3
	}
	return []byte{toc, 0xff, 0xfe}
}

func (o *opusFile) packet(data []byte, lasts time.Duration) error {
	err := o.track.WriteRTP(&rtp.Packet{Payload: data})
	if o.out.err != nil {
		return fmt.Errorf("writing Ogg: %w", o.out.err)
	}
	if err != nil {
		// The packet was refused, not the disk's doing.
		o.dropped++
		return nil
	}
	o.end += lasts
	return nil
}

// Close marks the last page as the last. It does not close the file.
func (o *opusFile) Close() error {
	err := o.writer.Close()
	if ferr := o.out.flush(); ferr != nil {
		err = ferr
	}
	if err != nil {
		return fmt.Errorf("writing Ogg: %w", err)
	}
	return nil
}

// An oggOutput is a buffered file as oggwriter wants it: it tells its offset,
// and lets the last page be written again. It keeps the first error.
type oggOutput struct {
	f   *os.File
	b   *bufio.Writer
	n   int64
	err error
}

func (o *oggOutput) Write(b []byte) (int, error) {
	n, err := o.b.Write(b)
	o.n += int64(n)
	return n, o.fail(err)
}

func (o *oggOutput) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, o.fail(fmt.Errorf("seek to %d, %d in a stream", offset, whence))
	}
	return o.n, nil
}

func (o *oggOutput) WriteAt(b []byte, off int64) (int, error) {
	if err := o.flush(); err != nil {
		return 0, err
	}
	n, err := o.f.WriteAt(b, off)
	return n, o.fail(err)
}

func (o *oggOutput) flush() error { return o.fail(o.b.Flush()) }

func (o *oggOutput) fail(err error) error {
	if err != nil && o.err == nil {
		o.err = err
	}
	return err
}
