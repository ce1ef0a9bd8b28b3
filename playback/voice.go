package playback

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/sealtape/sealtape/recorder/media"
)

// ErrNoVoice: the participant sent no sound from a microphone that can be written as it
// was sent.
var ErrNoVoice = errors.New("nothing of a microphone to export")

// heldBack is how many bytes of a stream wait for what Ogg writes again at the end: a
// page, of 64 KiB at most.
const heldBack = 128 << 10

// StreamVoice writes what a participant's microphone sent to w, which may be a pipe, as
// ExportTracks writes it into a file of its own: Ogg/Opus, without decoding it. Of a
// participant with several microphones it is the first. ExportOptions.Participants names
// one. It holds 128 KiB of the file at most. After an error what was written is not
// whole.
func StreamVoice(ctx context.Context, s *Session, w io.Writer, o ExportOptions) (Report, error) {
	x, err := s.excerpt(ctx, o)
	r := x.report()
	if err != nil {
		return r, err
	}
	i := slices.IndexFunc(x.tracks, func(t media.Track) bool { return t.Source == media.Microphone && t.Codec == media.Opus })
	if i < 0 || len(o.Participants) != 1 {
		return r, ErrNoVoice
	}
	x.tracks = x.tracks[i : i+1]
	r.Tracks = x.tracks
	r.Holes = slices.DeleteFunc(slices.Clone(r.Holes), func(h media.Event) bool { return h.Track != x.tracks[0].UID })
	r.Incomplete = len(r.Missing) > 0 || wideHole(r.Holes)
	out := &tailWriter{w: w}
	f, err := newOggFile(out, x.names.Title(x.tracks[0]), x.tracks[0])
	if err != nil {
		return r, err
	}
	if err := x.pump(ctx, map[uint64]output{x.tracks[0].UID: f}, []output{f}, o, &r); err != nil {
		return r, err
	}
	return r, out.flush()
}

// A tailWriter passes on what is written, and holds back the end, which can be written
// again.
type tailWriter struct {
	w    io.Writer
	gone int64 // bytes that were passed on
	tail []byte
}

func (t *tailWriter) Write(b []byte) (int, error) {
	t.tail = append(t.tail, b...)
	if n := len(t.tail) - heldBack; n > 0 {
		if _, err := t.w.Write(t.tail[:n]); err != nil {
			return 0, err
		}
		t.gone += int64(n)
		t.tail = append(t.tail[:0], t.tail[n:]...)
	}
	return len(b), nil
}

// WriteAt writes within what is held back.
func (t *tailWriter) WriteAt(b []byte, off int64) (int, error) {
	at := off - t.gone
	if at < 0 || at+int64(len(b)) > int64(len(t.tail)) {
		return 0, errors.New("that part of the stream is gone")
	}
	return copy(t.tail[at:], b), nil
}

func (t *tailWriter) flush() error {
	_, err := t.w.Write(t.tail)
	return err
}
