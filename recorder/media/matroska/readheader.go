package matroska

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/sealtape/sealtape/recorder/media"
)

// readHeader reads the EBML header, the Segment's elements before the first Cluster,
// and the head of that Cluster.
func (m *Reader) readHeader() error {
	if err := m.readEBML(); err != nil {
		return err
	}
	if err := m.openSegment(); err != nil {
		return err
	}
	p := headerParts{tags: make(tagSet)}
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
		if err := m.readPart(&p, id, size); err != nil {
			return err
		}
	}
	if !p.tracks {
		return fmt.Errorf("%w: no tracks", ErrFormat)
	}
	return m.applyTags(p.tags)
}

// readEBML reads the EBML header.
func (m *Reader) readEBML() error {
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
	return checkEBML(data)
}

// headerParts are what was read of a Segment before its first Cluster.
type headerParts struct {
	info, tracks bool
	tags         tagSet
	bytes        int64
}

// readPart reads an element of the Segment before the first Cluster, or passes over it.
func (m *Reader) readPart(p *headerParts, id uint32, size int64) error {
	if id != idInfo && id != idTracks && id != idTags {
		return m.skip(size)
	}
	if p.bytes += size; size < 0 || p.bytes > maxHeader {
		return fmt.Errorf("%w: more than %d bytes of header", ErrFormat, maxHeader)
	}
	data, err := m.data(size)
	if err != nil {
		return err
	}
	// Info and Tracks may be repeated, but only with the same content.
	switch {
	case id == idInfo && !p.info:
		p.info = true
		m.scale, err = parseInfo(data, &m.header)
	case id == idTracks && !p.tracks:
		p.tracks = true
		err = m.parseTracks(data)
	case id == idTags:
		err = p.tags.parse(data)
	}
	return err
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

// openSegment reads the head of the Segment. Only Voids may come before it.
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
		t, err := parseTrack(n.data, m.private)
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
		switch {
		case !media.NeedsPrivate(t.track.Codec):
			t.track.Private = ""
		case t.track.Private == "":
			t.track.Codec = "" // it cannot be decoded
		}
		uids[t.track.UID] = true
		m.tracks[t.number] = t
		if len(m.tracks) > media.MaxTracks+1 {
			return fmt.Errorf("%w: more than %d tracks", ErrFormat, media.MaxTracks)
		}
		if t.track.Codec.Audio() {
			t.track.Turned = 0
		}
		if t.track.Codec != "" {
			m.header.Tracks = append(m.header.Tracks, t.track)
		}
		return nil
	})
}

// applyTags adds what the tags say to the header and its tracks.
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
		about, ok := tags[t.UID]
		t.Reordered = about[tagOrder] == orderDecoding && !t.Codec.Audio()
		if ok && about[tagSource] != "" {
			t.Participant, t.Name = about[tagParticipant], media.Clamp(about[tagName], media.MaxName)
			t.Source = media.Source(media.Clamp(about[tagSource], media.MaxReason))
			continue
		}
		t.Participant, t.Source = media.Clamp(names[t.UID], media.MaxIdentity), media.Unknown
	}
	return nil
}
