package media

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// An Index describes a run of segments, so that a reader can list and seek them
// without fetching them. It is a cache: everything in it is in the segments too,
// and a reader that distrusts it reads those.
type Index struct {
	// Recording is the recording's ID, Start its start to the nanosecond.
	Recording string
	Start     time.Time
	// Segments are in the order of their numbers.
	Segments []IndexSegment
	// Tracks are those first seen in these segments, without their Private. The
	// size of their pictures is the largest that was known; IndexTrack has those
	// of each segment.
	Tracks []Track
	// Events are those of these segments, joins with names included.
	Events []Event
}

// An IndexSegment describes one segment.
type IndexSegment struct {
	// Number and Epoch are the segment's, Size its length as plaintext in bytes.
	Number, Epoch int
	Size          int64
	// Start is the earliest time in the segment on the recording clock, and
	// Duration the span from it to the end of the last frame. Both are kept to
	// the millisecond.
	Start, Duration time.Duration
	// Tracks are the tracks that have frames in the segment.
	Tracks []IndexTrack
}

// An IndexTrack describes one track within a segment.
type IndexTrack struct {
	UID uint64
	// Keys are the times of the key frames of a video track, on the recording
	// clock, ascending. A sound track has none: each of its frames is one.
	Keys []time.Duration
	// Continues reports that the track's first picture in the segment is no key
	// frame, so that the segment alone shows nothing of it before the first of
	// Keys. Begin is then the time of the key frame to begin with, in an earlier
	// segment. 0 means the recording's beginning, or that it is not known.
	Continues bool
	Begin     time.Duration
	// Width and Height are the size of the largest picture in the segment by its
	// key frames, in pixels. 0 means sound, or that no key frame has a size.
	Width, Height int
}

// Limits of an index that is read.
const (
	// MaxIndexSegments bounds the segments of one index.
	MaxIndexSegments = 4096
	// MaxIndexKeys is the most key frames of one segment, of all its tracks
	// together.
	MaxIndexKeys = 1 << 16
	// MaxIndexTracks bounds the tracks that one index lists as first seen.
	MaxIndexTracks = 4 * MaxIndexSegments
	maxIndexEvents = 1 << 20
	maxIndexLine   = 4<<20 + MaxEventLine
	maxIndexSize   = 64 << 20
)

// indexVersion is the version of the lines.
const indexVersion = 1

// An indexLine is one line of an index: exactly one of its fields is set.
type indexLine struct {
	Index   *indexHeadJSON    `json:"index,omitempty"`
	Segment *indexSegmentJSON `json:"segment,omitempty"`
	Track   *trackJSON        `json:"track,omitempty"`
	Event   *Event            `json:"event,omitempty"`
}

type indexHeadJSON struct {
	Version   int       `json:"version"`
	Recording string    `json:"recording"`
	Start     time.Time `json:"start"`
}

type indexSegmentJSON struct {
	Number   int              `json:"number"`
	Epoch    int              `json:"epoch"`
	Start    seconds          `json:"start"`
	Duration seconds          `json:"duration"`
	Size     int64            `json:"size"`
	Tracks   []indexTrackJSON `json:"tracks,omitempty"`
}

type indexTrackJSON struct {
	UID       uint64    `json:"uid,string"`
	Keys      []seconds `json:"keys,omitempty"`
	Continues bool      `json:"continues,omitempty"`
	Begin     *seconds  `json:"begin,omitempty"` // with Continues
	Width     int       `json:"width,omitempty"`
	Height    int       `json:"height,omitempty"`
}

type trackJSON struct {
	UID         uint64 `json:"uid,string"`
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
	Source      Source `json:"source"`
	Codec       Codec  `json:"codec"`
	Channels    int    `json:"channels,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Reordered   bool   `json:"reordered,omitempty"`
	Turned      int    `json:"turned,omitempty"`
}

// WriteIndex writes the index as lines of JSON: the head first, then segments,
// tracks and events, each line an object with one field that says which.
func WriteIndex(w io.Writer, x *Index) error {
	b := bufio.NewWriter(w)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	var firstErr error
	line := func(l indexLine) {
		if err := enc.Encode(l); err != nil && firstErr == nil {
			firstErr = err
		}
	}
	line(indexLine{Index: &indexHeadJSON{Version: indexVersion, Recording: x.Recording, Start: x.Start.UTC()}})
	for _, s := range x.Segments {
		j := indexSegmentJSON{
			Number: s.Number, Epoch: s.Epoch, Size: s.Size,
			Start: seconds(s.Start), Duration: seconds(s.Duration),
		}
		for _, t := range s.Tracks {
			tj := indexTrackJSON{UID: t.UID, Continues: t.Continues, Width: t.Width, Height: t.Height}
			if t.Continues {
				begin := seconds(t.Begin)
				tj.Begin = &begin
			}
			for _, k := range t.Keys {
				tj.Keys = append(tj.Keys, seconds(k))
			}
			j.Tracks = append(j.Tracks, tj)
		}
		line(indexLine{Segment: &j})
	}
	for _, t := range x.Tracks {
		line(indexLine{Track: &trackJSON{
			UID: t.UID, Codec: t.Codec, Channels: t.Channels, Width: t.Width, Height: t.Height, Reordered: t.Reordered, Turned: t.Turned,
			Participant: Clamp(t.Participant, MaxIdentity),
			Name:        Clamp(t.Name, MaxName),
			Source:      Source(Clamp(string(t.Source), MaxReason)),
		}})
	}
	for i := range x.Events {
		line(indexLine{Event: &x.Events[i]})
	}
	if firstErr != nil {
		return fmt.Errorf("writing index: %w", firstErr)
	}
	return b.Flush()
}

// ReadIndex reads what WriteIndex wrote. It ignores lines and fields that it
// does not know, and refuses numbers out of range and more than 64 MiB.
func ReadIndex(r io.Reader) (*Index, error) {
	limited := &io.LimitedReader{R: r, N: maxIndexSize + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 64<<10), maxIndexLine)
	var x *Index
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var l indexLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("index line %d: %w", n, err)
		}
		if x == nil {
			if l.Index == nil || l.Index.Version != indexVersion {
				return nil, fmt.Errorf("index line %d: no index of version %d", n, indexVersion)
			}
			if len(l.Index.Recording) > MaxReason {
				return nil, fmt.Errorf("index line %d: long recording ID", n)
			}
			x = &Index{Recording: l.Index.Recording, Start: l.Index.Start}
			continue
		}
		if err := x.add(l); err != nil {
			return nil, fmt.Errorf("index line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading index: %w", err)
	}
	if limited.N <= 0 {
		return nil, errors.New("index is too long")
	}
	if x == nil {
		return nil, errors.New("index is empty")
	}
	return x, nil
}

// add checks one line after the head and appends it.
func (x *Index) add(l indexLine) error {
	switch {
	case l.Index != nil:
		return errors.New("second head")
	case l.Segment != nil:
		s, err := l.Segment.segment()
		if err != nil {
			return err
		}
		if n := len(x.Segments); n >= MaxIndexSegments || n > 0 && x.Segments[n-1].Number >= s.Number {
			return errors.New("too many segments, or out of order")
		}
		x.Segments = append(x.Segments, s)
	case l.Track != nil:
		j := l.Track
		t := Track{UID: j.UID, Participant: j.Participant, Name: j.Name, Source: j.Source, Codec: j.Codec,
			Channels: j.Channels, Width: j.Width, Height: j.Height, Reordered: j.Reordered, Turned: j.Turned}
		switch {
		case len(x.Tracks) >= MaxIndexTracks:
			return errors.New("too many tracks")
		case t.UID == 0:
			return errors.New("track without a UID")
		case len(t.Participant) > MaxIdentity || len(t.Name) > MaxName || len(t.Source) > MaxReason || len(t.Codec) > MaxReason:
			return errors.New("track with a string beyond its limit")
		case t.Channels < 0 || t.Width < 0 || t.Height < 0 || t.Channels > math.MaxUint8 || t.Width > MaxSide || t.Height > MaxSide ||
			t.Turned < 0 || t.Turned > 270 || t.Turned%90 != 0:
			return errors.New("track with a number out of range")
		}
		x.Tracks = append(x.Tracks, t)
	case l.Event != nil:
		if len(x.Events) >= maxIndexEvents {
			return errors.New("too many events")
		}
		x.Events = append(x.Events, *l.Event)
	}
	return nil
}

func (j *indexSegmentJSON) segment() (IndexSegment, error) {
	s := IndexSegment{
		Number: j.Number, Epoch: j.Epoch, Size: j.Size,
		Start: time.Duration(j.Start), Duration: time.Duration(j.Duration),
	}
	if j.Number < 0 || j.Epoch < 0 || j.Size < 0 || len(j.Tracks) > MaxTracks {
		return s, errors.New("segment with a number out of range")
	}
	for _, t := range j.Tracks {
		if t.UID == 0 || len(t.Keys) > MaxIndexKeys || min(t.Width, t.Height) < 0 || max(t.Width, t.Height) > MaxSide {
			return s, errors.New("segment with a track out of range")
		}
		track := IndexTrack{UID: t.UID, Continues: t.Continues, Width: t.Width, Height: t.Height}
		if t.Begin != nil {
			track.Begin = time.Duration(*t.Begin)
		}
		for i, k := range t.Keys {
			if i > 0 && k < t.Keys[i-1] {
				return s, errors.New("key frames out of order")
			}
			track.Keys = append(track.Keys, time.Duration(k))
		}
		s.Tracks = append(s.Tracks, track)
	}
	return s, nil
}
