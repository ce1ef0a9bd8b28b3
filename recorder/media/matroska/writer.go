package matroska

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// tick is the TimestampScale of segments; the package comment says why.
const tick = 100 * time.Microsecond

// clusterTicks is the longest span of a cluster.
const clusterTicks = int64(time.Second / tick)

// A Writer writes one segment to an io.Writer. It does not need to seek.
type Writer struct {
	w   io.Writer
	n   int64
	err error // the first error of w; every later call returns it

	tracks  map[uint64]writerTrack
	events  uint64 // track number of the timeline
	cluster int64  // start of the open cluster in ticks, -1 before the first
	buf     []byte
}

type writerTrack struct {
	number uint64
	audio  bool
}

// NewWriter writes the segment's header to w and returns a Writer for the rest.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if err := checkTracks(h.Tracks); err != nil {
		return nil, err
	}
	if h.Segment < 0 || h.Epoch < 0 {
		return nil, errors.New("negative segment or epoch number")
	}
	h.Tracks = clampTracks(h.Tracks)
	h.Title = media.Clamp(h.Title, media.MaxName)
	header := segmentHeader(h)
	if len(header) > maxHeader {
		return nil, fmt.Errorf("header of %d bytes, more than %d", len(header), maxHeader)
	}
	m := &Writer{w: w, tracks: trackNumbers(h.Tracks), events: uint64(len(h.Tracks) + 1), cluster: -1}
	if err := m.write(header); err != nil {
		return nil, err
	}
	return m, nil
}

func trackNumbers(tracks []media.Track) map[uint64]writerTrack {
	m := make(map[uint64]writerTrack, len(tracks))
	for i, t := range tracks {
		m[t.UID] = writerTrack{number: uint64(i + 1), audio: t.Codec.Audio()}
	}
	return m
}

// WriteFrame writes one frame of a track of the header. Frames may be out of order,
// also within a track: each block has its own time, when the frame is shown. After an error that wraps
// ErrFrame the frame is left out, and the Writer stays usable.
func (m *Writer) WriteFrame(f media.Frame) error {
	t, err := checkFrame(m.tracks, f)
	if err != nil {
		return err
	}
	return m.block(t.number, f.Shown(), f.Key || t.audio, f.Data)
}

// WriteEvent writes one event of the timeline. Long strings are cut, as
// [media.Event] documents.
func (m *Writer) WriteEvent(e media.Event) error {
	line, err := e.MarshalJSON()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return m.block(m.events, e.Time, true, append([]byte("\n\n"), line...))
}

// Size returns the number of bytes written so far.
func (m *Writer) Size() int64 { return m.n }

// Close pads the segment with a Void element to the next Padmé length. It does not
// close the underlying writer. The Writer must not be used afterwards.
func (m *Writer) Close() error {
	if m.err != nil {
		return m.err
	}
	if pad := paddedSize(m.n) - m.n; pad > 0 {
		if err := m.write(appendVoid(nil, pad)); err != nil {
			return err
		}
	}
	m.err = errClosed
	return nil
}

var errClosed = errors.New("matroska: write after Close")

// paddedSize returns padme(n). If the padding would then be one byte, it returns the
// next larger Padmé length: no element has one byte.
func paddedSize(n int64) int64 {
	p := padme(n)
	if p == n+1 {
		p = padme(n + 2)
	}
	return p
}

func checkFrame(tracks map[uint64]writerTrack, f media.Frame) (writerTrack, error) {
	t, ok := tracks[f.Track]
	if !ok {
		return t, fmt.Errorf("%w: unknown track %d", ErrFrame, f.Track)
	}
	if err := f.Check(); err != nil {
		return t, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return t, nil
}

// ticks converts to ticks of the given length, rounding to the nearest.
func ticks(d, tick time.Duration) int64 {
	n := int64(d / tick)
	if d%tick >= (tick+1)/2 {
		n++
	}
	return n
}

func (m *Writer) block(number uint64, at time.Duration, key bool, data []byte) error {
	if m.err != nil {
		return m.err
	}
	b := m.buf[:0]
	now, cluster := ticks(at, tick), m.cluster
	rel := now - cluster
	if cluster < 0 || rel > clusterTicks || rel < math.MinInt16 {
		cluster, rel = now, 0
		b = appendID(b, idCluster)
		b = appendSizeWidth(b, unknownSize, 8)
		b = append(b, uintElement(idTimestamp, uint64(now))...)
	}
	b = appendBlockHeader(b, number, int16(rel), key, len(data))
	b = append(b, data...)
	m.buf = b
	if err := m.write(b); err != nil {
		return err
	}
	m.cluster = cluster
	return nil
}

// appendBlockHeader appends a SimpleBlock up to where its data of size n begins.
func appendBlockHeader(b []byte, number uint64, rel int16, key bool, n int) []byte {
	width := 1
	if number >= 1<<7-1 {
		width = 2
	}
	b = appendID(b, idSimpleBlock)
	b = appendSize(b, uint64(width+3+n))
	b = appendSizeWidth(b, number, width)
	b = binary.BigEndian.AppendUint16(b, uint16(rel))
	if key {
		return append(b, 0x80)
	}
	return append(b, 0)
}

// write writes all of b, counts its bytes and keeps the first error.
func (m *Writer) write(b []byte) error {
	if m.err != nil {
		return m.err
	}
	n, err := m.w.Write(b)
	m.n += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		m.err = fmt.Errorf("writing Matroska: %w", err)
	}
	return m.err
}
