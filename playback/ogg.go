package playback

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// preSkip is what oggwriter declares (RFC 7845 section 4.2): the decoder drops
// the first 80 ms. So that much silence is written before time zero.
const preSkip = 80 * time.Millisecond

// An oggFile is one sound track as Ogg/Opus. In Ogg a packet's time is the length
// of all packets before it.
type oggFile struct {
	sound
	out    *oggOutput
	writer *oggwriter.Writer
	ogg    *oggwriter.Track
}

// An oggTarget is what an Ogg file is written to. Only its last page is written again.
type oggTarget interface {
	io.Writer
	io.WriterAt
}

// newOggFile writes the file's headers to f. The caller closes f.
func newOggFile(f oggTarget, title string, t media.Track) (*oggFile, error) {
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
		oggwriter.WithSerial(uint32(t.UID^t.UID>>32)), // the same each time
		oggwriter.WithVendor("sealtape"),
		oggwriter.WithUserComments(oggwriter.UserComment{Comment: "TITLE", Value: title}))
	if err != nil {
		return nil, fmt.Errorf("writing Ogg: %w", err)
	}
	o := &oggFile{out: out, writer: w, ogg: track}
	o.sound = sound{stereo: channels == 2, write: o.packet, track: t.UID, end: -preSkip, last: -preSkip}
	return o, nil
}

func (o *oggFile) packet(f media.Frame) error {
	err := o.ogg.WriteRTP(&rtp.Packet{Payload: f.Data})
	if o.out.err != nil {
		return fmt.Errorf("writing Ogg: %w", o.out.err)
	}
	if err != nil {
		// The packet was refused: the disk did not fail.
		return fmt.Errorf("writing Ogg: %w: %w", matroska.ErrFrame, err)
	}
	return nil
}

func (o *oggFile) frame(x excerptFrame) error { return o.sound.frame(x.Frame) }

func (o *oggFile) finish(length time.Duration) error {
	if err := o.until(length); err != nil {
		return err
	}
	return o.close()
}

func (o *oggFile) late() map[uint64]time.Duration {
	return map[uint64]time.Duration{o.track: o.most}
}

// close marks the last page as last. It does not close the file.
func (o *oggFile) close() error {
	err := o.writer.Close()
	if ferr := o.out.flush(); ferr != nil {
		err = ferr
	}
	if err != nil {
		return fmt.Errorf("writing Ogg: %w", err)
	}
	return nil
}

// An oggOutput is a buffered file with what oggwriter needs: its offset, and
// writing the last page again. It stores the first error.
type oggOutput struct {
	f   oggTarget
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
