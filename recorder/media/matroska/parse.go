package matroska

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A node is an element held in memory.
type node struct {
	id   uint32
	data []byte
}

// nodes splits the data of a master element. It takes each byte once.
func nodes(data []byte, yield func(node) error) error {
	for len(data) > 0 {
		id, n := idAt(data)
		if n == 0 {
			return fmt.Errorf("%w: bad element ID", ErrFormat)
		}
		size, m := vintAt(data[n:])
		if m == 0 || size > uint64(len(data)-n-m) {
			return fmt.Errorf("%w: element %X overruns its parent", ErrFormat, id)
		}
		data = data[n+m:]
		if err := yield(node{id, data[:size]}); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

// idAt decodes the element ID at the beginning of b, and returns it with its length.
// The length 0 means that there is none.
func idAt(b []byte) (uint32, int) {
	if len(b) == 0 {
		return 0, 0
	}
	n := bits.LeadingZeros8(b[0]) + 1
	if n > 4 || n > len(b) {
		return 0, 0
	}
	var id uint32
	for _, c := range b[:n] {
		id = id<<8 | uint32(c)
	}
	return id, n
}

// vintAt decodes the variable-length integer at the beginning of b, and returns it
// with its length. The length 0 means that there is none. All ones, which stands for
// "unknown", is returned unchanged.
func vintAt(b []byte) (uint64, int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n := bits.LeadingZeros8(b[0]) + 1
	if n > len(b) {
		return 0, 0
	}
	v := uint64(b[0]) & (1<<(8-n) - 1)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

func (n node) uint() (uint64, error) {
	if len(n.data) > 8 {
		return 0, fmt.Errorf("%w: integer %X of %d bytes", ErrFormat, n.id, len(n.data))
	}
	var v uint64
	for _, c := range n.data {
		v = v<<8 | uint64(c)
	}
	return v, nil
}

// float reads a floating-point number of four or eight bytes; of none, it is 0.
func (n node) float() (float64, error) {
	switch len(n.data) {
	case 0:
		return 0, nil
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(n.data))), nil
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(n.data)), nil
	}
	return 0, fmt.Errorf("%w: number %X of %d bytes", ErrFormat, n.id, len(n.data))
}

// small reads an unsigned integer of at most limit.
func (n node) small(limit int) (int, error) {
	v, err := n.uint()
	if err == nil && v > uint64(limit) {
		err = fmt.Errorf("%w: element %X is %d, more than %d", ErrFormat, n.id, v, limit)
	}
	return int(v), err
}

// text reads a string. A NUL ends it early, RFC 8794 section 7.4.
func (n node) text(limit int) string {
	s, _, _ := strings.Cut(string(n.data), "\x00")
	return media.Clamp(s, limit)
}

// A trackEntry is a TrackEntry as read.
type trackEntry struct {
	number uint64
	kind   uint64
	codec  string
	name   string
	track  media.Track
}

func parseTrack(data []byte, private int) (trackEntry, error) {
	var t trackEntry
	err := nodes(data, func(n node) (err error) {
		switch n.id {
		case idTrackNumber:
			t.number, err = n.uint()
		case idTrackUID:
			t.track.UID, err = n.uint()
		case idTrackType:
			t.kind, err = n.uint()
		case idName:
			t.name = n.text(media.MaxIdentity + media.MaxReason)
		case idCodecID:
			t.codec = n.text(media.MaxReason)
		case idCodecPrivate:
			if len(n.data) <= private {
				t.track.Private = string(n.data)
			}
		case idContentEncodings:
			err = fmt.Errorf("%w: content encodings (compression or encryption) are not supported", ErrFormat)
		case idVideo:
			err = nodes(n.data, func(n node) (err error) {
				switch n.id {
				case idPixelWidth:
					t.track.Width, err = n.small(media.MaxSide)
				case idPixelHeight:
					t.track.Height, err = n.small(media.MaxSide)
				case idProjection:
					t.track.Turned, err = parseProjection(n.data)
				}
				return err
			})
		case idAudio:
			t.track.Channels = 1 // the element's default
			err = nodes(n.data, func(n node) (err error) {
				if n.id == idChannels {
					t.track.Channels, err = n.small(255)
				}
				return err
			})
		}
		return err
	})
	if err == nil && (t.number == 0 || t.track.UID == 0) {
		err = fmt.Errorf("%w: track without a number or UID", ErrFormat)
	}
	return t, err
}

// parseProjection returns by how many degrees clockwise a picture is turned. What is more
// than that, such as a film of all directions, is left to those who know it.
func parseProjection(data []byte) (turned int, err error) {
	flat, roll := true, 0.0
	err = nodes(data, func(n node) (err error) {
		switch n.id {
		case idProjectionType:
			var kind uint64
			kind, err = n.uint()
			flat = kind == 0
		case idProjectionRoll:
			roll, err = n.float()
		}
		return err
	})
	if !flat || err != nil {
		return 0, err
	}
	return turnedBy(roll), nil
}

// A tagSet is the Tags of a file, by track UID. The tags of the whole file have UID 0.
type tagSet map[uint64]map[string]string

func (s tagSet) parse(data []byte) error {
	return nodes(data, func(n node) error {
		if n.id != idTag {
			return nil
		}
		var uids []uint64
		found := make(map[string]string)
		err := nodes(n.data, func(n node) error {
			switch n.id {
			case idTargets:
				return nodes(n.data, func(n node) error {
					if n.id != idTagTrackUID {
						return nil
					}
					uid, err := n.uint()
					uids = append(uids, uid)
					return err
				})
			case idSimpleTag:
				var name, value string
				err := nodes(n.data, func(n node) error {
					switch n.id {
					case idTagName:
						name = n.text(media.MaxReason)
					case idTagString:
						value = n.text(media.MaxIdentity)
					}
					return nil
				})
				found[name] = value
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(uids) == 0 {
			uids = []uint64{0}
		}
		if len(uids) > 1 {
			// Each of our tags names one track. Many tags, each for many tracks,
			// would cost the product of both.
			uids = uids[:1]
		}
		for _, uid := range uids {
			if s[uid] == nil {
				s[uid] = found
				continue
			}
			for k, v := range found {
				s[uid][k] = v
			}
		}
		return nil
	})
}

// parseInfo reads Info into h and returns the TimestampScale.
func parseInfo(data []byte, h *Header) (time.Duration, error) {
	scale := uint64(time.Millisecond)
	err := nodes(data, func(n node) (err error) {
		switch n.id {
		case idTimestampScale:
			scale, err = n.uint()
		case idDateUTC:
			if len(n.data) == 8 {
				h.Start = epochUTC.Add(time.Duration(binary.BigEndian.Uint64(n.data)))
			}
		case idTitle:
			h.Title = n.text(media.MaxName)
		}
		return err
	})
	if err == nil && (scale == 0 || scale > uint64(time.Second)) {
		err = fmt.Errorf("%w: timestamp scale of %d ns", ErrFormat, scale)
	}
	return time.Duration(scale), err
}

// A rawBlock is a SimpleBlock or Block taken apart.
type rawBlock struct {
	number uint64
	rel    int16
	flags  byte
	data   []byte
}

func parseBlock(b []byte) (rawBlock, error) {
	number, n := vintAt(b)
	if n == 0 || len(b) < n+3 {
		return rawBlock{}, fmt.Errorf("%w: block of %d bytes", ErrFormat, len(b))
	}
	r := rawBlock{
		number: number,
		rel:    int16(binary.BigEndian.Uint16(b[n:])),
		flags:  b[n+2],
		data:   b[n+3:],
	}
	if r.flags&0x06 != 0 {
		return r, fmt.Errorf("%w: laced blocks are not supported", ErrFormat)
	}
	return r, nil
}
