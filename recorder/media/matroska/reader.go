package matroska

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Reader reads a Matroska file in one pass. What it takes from the file is
// bounded: a header of 1 MiB, MaxTracks tracks, frames of MaxFrame bytes.
type Reader struct {
	r      *bufio.Reader
	pos    int64
	header Header

	version    int
	scale      time.Duration
	tracks     map[uint64]trackEntry // by track number
	segmentEnd int64                 // endUnknown or the position after the Segment
	clusterEnd int64                 // the same for the open Cluster, noCluster outside one
	cluster    int64                 // its Timestamp in ticks, -1 before it came
	err        error                 // what Next keeps returning
}

// Ends of elements that are no position.
const (
	endUnknown = -1
	noCluster  = -2
)

// A Block is one frame, or one event of the timeline. Event is nil for a frame.
type Block struct {
	Frame media.Frame
	Event *media.Event
}

// NewReader reads up to the first cluster. Input that is not Matroska, or
// needs what this package lacks, gives an error that wraps ErrFormat; input
// that ends too early, io.ErrUnexpectedEOF.
func NewReader(r io.Reader) (*Reader, error) {
	m := &Reader{
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

// Header returns what the file says of itself. In files that are no segment,
// Recording is empty and tracks have the Participant that their title names.
// Tracks of codecs that package media does not know are left out.
func (m *Reader) Header() Header { return m.header }

// FormatVersion returns the archive format version that a segment declares, 0
// in other files.
func (m *Reader) FormatVersion() int { return m.version }

// Next returns the next frame or event in file order, or io.EOF. In a file
// that was cut it returns all complete blocks, then io.ErrUnexpectedEOF; a cut
// between two elements of unknown-size parents cannot be seen and is io.EOF.
// After an error it returns that error again.
//
// The time of a frame is that of its block, exact to the file's
// TimestampScale; an event's is its own. Frames of Opus have the Duration that
// the packet says.
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

// readHeader reads the EBML header and the Segment's elements before the first
// Cluster, whose head is left consumed.
func (m *Reader) readHeader() error {
	id, size, err := m.head()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if id != idEBML || size < 0 || size > 1<<10 {
		return fmt.Errorf("%w: no EBML header", ErrFormat)
	}
	data, err := m.data(size)
	if err != nil {
		return err
	}
	if err := checkEBML(data); err != nil {
		return err
	}
	if err := m.openSegment(); err != nil {
		return err
	}

	var held int64
	tags := make(tagSet)
	var haveInfo, haveTracks bool
	for {
		if m.segmentEnd >= 0 && m.pos >= m.segmentEnd {
			break
		}
		id, size, err := m.head()
		if err == io.EOF && m.segmentEnd < 0 {
			break
		}
		if err != nil {
			return noEOF(err)
		}
		if id == idCluster {
			if err := m.openCluster(size); err != nil {
				return err
			}
			break
		}
		if id != idInfo && id != idTracks && id != idTags {
			if err := m.skip(size); err != nil {
				return err
			}
			continue
		}
		if held += size; size < 0 || held > maxHeader {
			return fmt.Errorf("%w: more than %d bytes of header", ErrFormat, maxHeader)
		}
		data, err := m.data(size)
		if err != nil {
			return err
		}
		// Info and Tracks may be repeated, but only with the same content.
		switch {
		case id == idInfo && !haveInfo:
			haveInfo = true
			m.scale, err = parseInfo(data, &m.header)
		case id == idTracks && !haveTracks:
			haveTracks = true
			err = m.parseTracks(data)
		case id == idTags:
			err = tags.parse(data)
		}
		if err != nil {
			return err
		}
	}
	if !haveTracks {
		return fmt.Errorf("%w: no tracks", ErrFormat)
	}
	return m.applyTags(tags)
}

func checkEBML(data []byte) error {
	var docType string
	readVersion := 1
	err := nodes(data, func(n node) (err error) {
		switch n.id {
		case idDocType:
			docType = n.text(32)
		case idEBMLReadVersion:
			_, err = n.small(1)
		case idEBMLMaxIDLength:
			_, err = n.small(4)
		case idEBMLMaxSizeLength:
			_, err = n.small(8)
		case idDocTypeReadVersion:
			readVersion, err = n.small(math.MaxInt32)
		}
		return err
	})
	if err != nil {
		return err
	}
	if docType != "matroska" && docType != "webm" || readVersion > 4 {
		return fmt.Errorf("%w: document type %q, read version %d", ErrFormat, docType, readVersion)
	}
	return nil
}

// openSegment reads the Segment's head, after Voids only.
func (m *Reader) openSegment() error {
	for {
		id, size, err := m.head()
		if err != nil {
			return noEOF(err)
		}
		switch {
		case id == idSegment:
			if size >= 0 {
				m.segmentEnd = m.pos + size
			}
			return nil
		case id == idVoid && size >= 0:
			if err := m.skip(size); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: element %X where the segment should begin", ErrFormat, id)
		}
	}
}

func (m *Reader) parseTracks(data []byte) error {
	m.tracks = make(map[uint64]trackEntry)
	uids := make(map[uint64]bool)
	return nodes(data, func(n node) error {
		if n.id != idTrackEntry {
			return nil
		}
		t, err := parseTrack(n.data)
		if err != nil {
			return err
		}
		if _, dup := m.tracks[t.number]; dup || uids[t.track.UID] {
			return fmt.Errorf("%w: two tracks with one number or UID", ErrFormat)
		}
		t.track.Codec = codecOf(t.codec)
		if t.track.Codec.Audio() != (t.kind == typeAudio) {
			t.track.Codec = ""
		}
		uids[t.track.UID] = true
		m.tracks[t.number] = t
		if len(m.tracks) > MaxTracks+1 {
			return fmt.Errorf("%w: more than %d tracks", ErrFormat, MaxTracks)
		}
		if t.track.Codec != "" {
			m.header.Tracks = append(m.header.Tracks, t.track)
		}
		return nil
	})
}

// applyTags completes the header and its tracks by what the tags say.
func (m *Reader) applyTags(tags tagSet) error {
	file := tags[0]
	m.header.Recording = file[tagRecording]
	for name, to := range map[string]*int{
		tagSegment: &m.header.Segment,
		tagEpoch:   &m.header.Epoch,
		tagFormat:  &m.version,
	} {
		v, ok := file[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil {
			return fmt.Errorf("%w: tag %s is not a number", ErrFormat, name)
		}
		*to = int(n)
	}
	names := make(map[uint64]string, len(m.tracks))
	for _, t := range m.tracks {
		names[t.track.UID] = t.name
	}
	for i := range m.header.Tracks {
		t := &m.header.Tracks[i]
		if about, ok := tags[t.UID]; ok && about[tagSource] != "" {
			t.Participant, t.Name = about[tagParticipant], media.Clamp(about[tagName], media.MaxName)
			t.Source = media.Source(media.Clamp(about[tagSource], media.MaxReason))
			continue
		}
		t.Participant, t.Source = media.Clamp(names[t.UID], media.MaxIdentity), media.Unknown
	}
	return nil
}

// step reads one element of the Segment or Cluster. ok says that it was a block.
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
		// A group holds a little more than its block.
		if limit := int64(MaxFrame + 4<<10); size < 0 || size > limit {
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
	if len(raw.data) > MaxFrame {
		return b, false, fmt.Errorf("%w: frame of %d bytes, more than %d", ErrFormat, len(raw.data), MaxFrame)
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

// head reads an element's ID and size; size is -1 for unknown. It returns
// io.EOF only if there is not one byte more.
func (m *Reader) head() (id uint32, size int64, err error) {
	first, err := m.r.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	m.pos++
	n := bits.LeadingZeros8(first)
	if n > 3 {
		return 0, 0, fmt.Errorf("%w: bad element ID at byte %d", ErrFormat, m.pos-1)
	}
	id = uint32(first)
	for range n {
		c, err := m.byte()
		if err != nil {
			return 0, 0, err
		}
		id = id<<8 | uint32(c)
	}
	first, err = m.byte()
	if err != nil {
		return 0, 0, err
	}
	n = bits.LeadingZeros8(first)
	if n > 7 {
		return 0, 0, fmt.Errorf("%w: bad element size at byte %d", ErrFormat, m.pos-1)
	}
	v := uint64(first) & (1<<(7-n) - 1)
	for range n {
		c, err := m.byte()
		if err != nil {
			return 0, 0, err
		}
		v = v<<8 | uint64(c)
	}
	if v == 1<<(7*(n+1))-1 {
		return id, -1, nil
	}
	return id, int64(v), nil
}

func (m *Reader) byte() (byte, error) {
	c, err := m.r.ReadByte()
	if err != nil {
		return 0, noEOF(err)
	}
	m.pos++
	return c, nil
}

// data reads size bytes, which the caller has bounded, into memory of their
// own. Memory grows with what arrives, not with what a head promises.
func (m *Reader) data(size int64) ([]byte, error) {
	const step = 64 << 10
	b := make([]byte, min(size, step))
	n, err := io.ReadFull(m.r, b)
	m.pos += int64(n)
	for err == nil && int64(len(b)) < size {
		have := len(b)
		b = append(b, make([]byte, min(size-int64(have), int64(max(have, step))))...)
		n, err = io.ReadFull(m.r, b[have:])
		m.pos += int64(n)
	}
	if err != nil {
		return nil, noEOF(err)
	}
	return b, nil
}

// skip passes over an element of known size.
func (m *Reader) skip(size int64) error {
	if size < 0 {
		return fmt.Errorf("%w: unknown size where it is not allowed", ErrFormat)
	}
	n, err := io.CopyN(io.Discard, m.r, size)
	m.pos += n
	return noEOF(err)
}

// noEOF makes the end of the input within an element an unexpected one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
