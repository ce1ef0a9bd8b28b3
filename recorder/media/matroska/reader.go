package matroska

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Reader reads a Matroska file in one pass. It bounds what it takes from the file: a
// header of 2 MiB, media.MaxTracks tracks, frames of media.MaxFrame bytes.
type Reader struct {
	r      *bufio.Reader
	pos    int64
	header Header

	version    int
	scale      time.Duration
	tracks     map[uint64]trackEntry // by track number
	segmentEnd int64                 // endUnknown or the position after the Segment
	private    int                   // the longest CodecPrivate that is kept
	clusterEnd int64                 // the same for the open Cluster, noCluster outside one
	cluster    int64                 // its Timestamp in ticks, -1 before it came
	err        error                 // what Next returns from now on
}

// Ends of elements that are not positions.
const (
	endUnknown = -1
	noCluster  = -2
)

// A Block is one frame, or one event of the timeline. Event is nil for a frame.
type Block struct {
	Frame media.Frame
	Event *media.Event
}

// NewReader reads up to the first cluster. The error wraps ErrFormat if the input is
// not Matroska, or uses what this package does not read. It is io.ErrUnexpectedEOF if
// the input ends too early.
func NewReader(r io.Reader) (*Reader, error) { return newReader(r, media.MaxPrivate) }

// NewFileReader is NewReader for a file that another program made: the Private of its
// tracks may have up to 64 KiB, more than can be written.
func NewFileReader(r io.Reader) (*Reader, error) { return newReader(r, 64<<10) }

func newReader(r io.Reader, private int) (*Reader, error) {
	m := &Reader{
		private:    private,
		r:          bufio.NewReaderSize(r, 32<<10),
		scale:      time.Millisecond,
		clusterEnd: noCluster,
		segmentEnd: endUnknown,
	}
	if err := m.readHeader(); err != nil {
		return nil, readError(err)
	}
	return m, nil
}

// Header returns the file's header. If the file is no segment, Recording is empty and
// the Participant of each track is the one in the track's title. Tracks with codecs
// that package media does not know are left out.
func (m *Reader) Header() Header { return m.header }

// FormatVersion returns the archive format version that a segment declares. It is 0
// in other files.
func (m *Reader) FormatVersion() int { return m.version }

// Next returns the next frame or event in file order, or io.EOF. In a file that
// was cut it returns all complete blocks, then io.ErrUnexpectedEOF. A cut between
// two elements whose parents have unknown size cannot be seen, and is io.EOF.
// After an error it returns that error again.
//
// The time of a frame is that of its block, exact to the file's TimestampScale. The
// time of an event is the event's own. Opus frames have the Duration that the packet
// declares.
func (m *Reader) Next() (Block, error) {
	for m.err == nil {
		b, ok, err := m.step()
		if err != nil {
			m.err = readError(err)
			break
		}
		if ok {
			return b, nil
		}
	}
	return Block{}, m.err
}

func readError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return err
	}
	return fmt.Errorf("reading Matroska: %w", err)
}

// step reads one element of the Segment or Cluster. ok reports that it was a
// block.
func (m *Reader) step() (b Block, ok bool, err error) {
	if m.clusterEnd >= 0 && m.pos >= m.clusterEnd {
		m.clusterEnd = noCluster
	}
	if m.segmentEnd >= 0 && m.pos >= m.segmentEnd {
		return b, false, io.EOF
	}
	id, size, err := m.head()
	if err == io.EOF && (m.clusterEnd >= 0 || m.segmentEnd >= 0) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return b, false, err
	}
	if m.clusterEnd == noCluster || m.clusterEnd == endUnknown && topLevel(id) {
		m.clusterEnd = noCluster
		switch {
		case id == idCluster:
			return b, false, m.openCluster(size)
		case id == idEBML || id == idSegment:
			return b, false, fmt.Errorf("%w: a second document follows", ErrFormat)
		}
		return b, false, m.skip(size)
	}
	if m.clusterEnd >= 0 && (size < 0 || size > m.clusterEnd-m.pos) {
		return b, false, fmt.Errorf("%w: element %X overruns its cluster", ErrFormat, id)
	}
	return m.clusterElement(id, size)
}

// topLevel reports whether the element ends a Cluster of unknown size.
func topLevel(id uint32) bool {
	switch id {
	case idCluster, idCues, idTags, idSeekHead, idInfo, idTracks, idChapters, idAttachments, idSegment, idEBML:
		return true
	}
	return false
}

func (m *Reader) openCluster(size int64) error {
	m.cluster = -1
	m.clusterEnd = endUnknown
	if size >= 0 {
		m.clusterEnd = m.pos + size
		if m.segmentEnd >= 0 && m.clusterEnd > m.segmentEnd {
			return fmt.Errorf("%w: cluster overruns the segment", ErrFormat)
		}
	}
	return nil
}

func (m *Reader) clusterElement(id uint32, size int64) (b Block, ok bool, err error) {
	switch id {
	case idTimestamp:
		if size < 0 || size > 8 {
			return b, false, fmt.Errorf("%w: cluster timestamp of %d bytes", ErrFormat, size)
		}
		data, err := m.data(size)
		if err != nil {
			return b, false, err
		}
		at, err := node{id, data}.uint()
		if limit := uint64(math.MaxInt64/m.scale) - math.MaxInt16; err == nil && at > limit {
			err = fmt.Errorf("%w: cluster timestamp %d", ErrFormat, at)
		}
		m.cluster = int64(at)
		return b, false, err
	case idSimpleBlock, idBlockGroup:
		// A group has a little more than its block.
		if limit := int64(media.MaxFrame + 4<<10); size < 0 || size > limit {
			return b, false, fmt.Errorf("%w: block of %d bytes, more than %d", ErrFormat, size, limit)
		}
		data, err := m.data(size)
		if err != nil {
			return b, false, err
		}
		if id == idSimpleBlock {
			raw, err := parseBlock(data)
			if err != nil {
				return b, false, err
			}
			return m.block(raw, raw.flags&0x80 != 0, 0)
		}
		return m.blockGroup(data)
	}
	return b, false, m.skip(size)
}

func (m *Reader) blockGroup(data []byte) (b Block, ok bool, err error) {
	var raw rawBlock
	var have bool
	var lasts uint64
	key := true
	err = nodes(data, func(n node) (err error) {
		switch n.id {
		case idBlock:
			have = true
			raw, err = parseBlock(n.data)
		case idReferenceBlk:
			key = false
		case idBlockDuration:
			lasts, err = n.uint()
		}
		return err
	})
	if err != nil {
		return b, false, err
	}
	if !have {
		return b, false, fmt.Errorf("%w: block group without a block", ErrFormat)
	}
	if lasts > uint64(math.MaxInt64/m.scale) {
		return b, false, fmt.Errorf("%w: block duration %d", ErrFormat, lasts)
	}
	return m.block(raw, key, time.Duration(lasts)*m.scale)
}

// block turns a block into a frame or event, or skips one of a track that
// Header does not have.
func (m *Reader) block(raw rawBlock, key bool, lasts time.Duration) (b Block, ok bool, err error) {
	if m.cluster < 0 {
		return b, false, fmt.Errorf("%w: block before its cluster's timestamp", ErrFormat)
	}
	t, known := m.tracks[raw.number]
	if !known {
		return b, false, fmt.Errorf("%w: block of a track that is not listed", ErrFormat)
	}
	at := m.cluster + int64(raw.rel)
	if at < 0 {
		return b, false, fmt.Errorf("%w: block before time zero", ErrFormat)
	}
	if len(raw.data) > media.MaxFrame {
		return b, false, fmt.Errorf("%w: frame of %d bytes, more than %d", ErrFormat, len(raw.data), media.MaxFrame)
	}
	if t.kind == typeMetadata && t.codec == codecEvents && t.track.UID == EventsUID {
		e, err := parseEvent(raw.data)
		return Block{Event: e}, err == nil, err
	}
	if t.track.Codec == "" || len(raw.data) == 0 {
		return b, false, nil
	}
	f := media.Frame{
		Track:    t.track.UID,
		Time:     time.Duration(at) * m.scale,
		Duration: lasts,
		Key:      key || t.track.Codec.Audio(),
		Data:     raw.data,
	}
	if t.track.Codec == media.Opus {
		f.Duration = media.OpusDuration(raw.data)
	}
	return Block{Frame: f}, true, nil
}

func parseEvent(data []byte) (*media.Event, error) {
	line, ok := bytes.CutPrefix(data, []byte("\n\n"))
	if !ok {
		return nil, fmt.Errorf("%w: timeline block without its empty lines", ErrFormat)
	}
	e := new(media.Event)
	if len(line) > media.MaxEventLine {
		return nil, fmt.Errorf("%w: event of %d bytes", ErrFormat, len(line))
	}
	if err := json.Unmarshal(line, e); err != nil {
		return nil, fmt.Errorf("%w: timeline: %s", ErrFormat, strings.ToValidUTF8(err.Error(), "?"))
	}
	return e, nil
}

// Number returns the number that the file gives a track. 0: it has no such track.
func (m *Reader) Number(uid uint64) uint64 {
	for n, t := range m.tracks {
		if t.track.UID == uid {
			return n
		}
	}
	return 0
}
