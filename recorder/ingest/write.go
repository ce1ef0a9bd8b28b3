package ingest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	// A segment lasts at least segmentLength, and then until a picture can begin the
	// next one, but not longer than longestSegment, and has about as many bytes.
	segmentLength  = 5 * time.Second
	longestSegment = 15 * time.Second
	segmentBytes   = 16 << 20
	// indexEvery is how many segments an index describes.
	indexEvery = 64
)

// A Report says what was written.
type Report struct {
	Length time.Duration
	// Tracks are those that have frames, and Sums what they were.
	Tracks []media.Track
	Sums   map[uint64]Sum
	// Segments is how many were written.
	Segments int
	// Said is what ffmpeg complained of, and what else shows that not all of a file is in
	// the recording, a line for each file. What could be read is there.
	Said []string
}

// Write reads the files of a meeting and writes its segments and indexes to sink, which
// has an epoch. progress, which may be nil, is called with how far it is on the
// recording clock. After an error sink has nothing of use.
func (p *Program) Write(ctx context.Context, sink recorder.Sink, m Meeting, progress func(time.Duration)) (*Report, error) {
	if len(m.Parts) == 0 || len(m.Parts) > MaxParts {
		return nil, fmt.Errorf("%d files in one recording, not 1 to %d", len(m.Parts), MaxParts)
	}
	for i := range m.Parts {
		for range m.Parts[i].File.Streams {
			m.Parts[i].uids = append(m.Parts[i].uids, newUID())
		}
	}
	w := &writer{sink: sink, m: m, progress: progress, sums: make(map[uint64]*Sum)}
	err := p.merge(ctx, m.Parts, w.begin, w.write)
	if err == nil {
		err = w.end()
	}
	if err != nil {
		if w.object != nil {
			err = errors.Join(err, w.object.Abort())
		}
		return nil, err
	}
	said, err := w.doubts()
	if err != nil {
		return nil, err
	}
	r := &Report{Said: said, Length: w.latest, Sums: make(map[uint64]Sum), Segments: w.segments}
	for _, t := range w.tracks {
		if s := w.sums[t.UID]; s != nil {
			r.Tracks = append(r.Tracks, t)
			r.Sums[t.UID] = *s
		}
	}
	return r, nil
}

// newUID returns a TrackUID of 63 bits that is not zero.
func newUID() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return max(binary.BigEndian.Uint64(b[:])>>1, 1)
}

// A writer writes groups as segments. It belongs to one goroutine.
type writer struct {
	sink     recorder.Sink
	m        Meeting
	progress func(time.Duration)

	tracks []media.Track
	events []media.Event // not written yet, in order of time
	sums   map[uint64]*Sum
	last   map[int]time.Duration // by track, where its media ends

	object   recorder.Object
	mkv      *matroska.Writer
	opened   time.Duration
	written  []media.Event
	tally    media.Tally
	index    media.Index
	latest   time.Duration
	segments int
}

func (w *writer) begin(tracks []media.Track) error {
	w.tracks, w.last = tracks, make(map[int]time.Duration)
	w.events = w.m.timeline(tracks)
	for _, t := range tracks {
		if t.Codec == "" {
			continue
		}
		// A stream without a packet has nothing to decode it with.
		if t.Check() == nil {
			w.index.Tracks = append(w.index.Tracks, t)
		}
	}
	return w.open(0)
}

// write writes a group, and begins another segment before it if it is time to.
func (w *writer) write(g group) error {
	if err := w.due(g); err != nil {
		return err
	}
	if err := w.tell(g.at); err != nil {
		return err
	}
	t := w.tracks[g.track]
	if err := t.Check(); err != nil {
		return fmt.Errorf("%s: %w", t.Label(), err)
	}
	sum := w.sums[t.UID]
	if sum == nil {
		sum = NewSum()
		w.sums[t.UID] = sum
	}
	for _, f := range g.frames {
		f.Track = t.UID
		if err := w.mkv.WriteFrame(f); err != nil {
			return fmt.Errorf("%s at %v: %w", t.Label(), f.Time.Round(time.Millisecond), err)
		}
		sum.Add(f)
		w.tally.Frame(f, t.Codec)
		w.last[g.track] = max(w.last[g.track], f.Time+f.Duration)
		w.latest = max(w.latest, f.Time+f.Duration)
	}
	if w.progress != nil {
		w.progress(g.at)
	}
	return nil
}

// due begins another segment if the group is to be the first of one.
func (w *writer) due(g group) error {
	lasts := g.at - w.opened
	key := !w.tracks[g.track].Codec.Audio() && g.frames[0].Key || !w.pictures()
	if w.mkv.Size() < segmentBytes && lasts < longestSegment && (lasts < segmentLength || !key) {
		return nil
	}
	if err := w.commit(); err != nil {
		return err
	}
	return w.open(g.at)
}

func (w *writer) pictures() bool {
	return slices.ContainsFunc(w.tracks, func(t media.Track) bool { return t.Codec != "" && !t.Codec.Audio() })
}

// tell writes the events up to a time.
func (w *writer) tell(until time.Duration) error {
	for len(w.events) > 0 && w.events[0].Time <= until {
		e := w.events[0]
		w.events = w.events[1:]
		if err := w.mkv.WriteEvent(e); err != nil {
			return err
		}
		w.written = append(w.written, e)
	}
	return nil
}

func (w *writer) open(at time.Duration) (err error) {
	if w.object, err = w.sink.CreateSegment(); err != nil {
		return fmt.Errorf("starting a segment: %w", err)
	}
	var tracks []media.Track
	for _, t := range w.tracks {
		if t.Check() == nil {
			tracks = append(tracks, t)
		}
	}
	w.mkv, err = matroska.NewWriter(w.object, matroska.Header{
		Recording: w.m.Recording, Segment: w.object.Number(), Epoch: w.object.Epoch(), Start: w.m.Start, Tracks: tracks,
	})
	if err != nil {
		return fmt.Errorf("starting segment %d: %w", w.object.Number(), err)
	}
	w.opened, w.written = at, nil
	w.tally.Open(w.object.Number(), w.object.Epoch())
	return nil
}

func (w *writer) commit() error {
	o := w.object
	if err := w.mkv.Close(); err != nil {
		return fmt.Errorf("closing segment %d: %w", o.Number(), err)
	}
	if err := o.Commit(); err != nil {
		return fmt.Errorf("sealing segment %d: %w", o.Number(), err)
	}
	w.object = nil
	w.segments++
	w.index.Segments = append(w.index.Segments, w.tally.Close(w.mkv.Size(), w.opened))
	w.index.Events = append(w.index.Events, w.written...)
	if len(w.index.Segments) < indexEvery {
		return nil
	}
	return w.writeIndex()
}

func (w *writer) writeIndex() error {
	o, err := w.sink.CreateIndex()
	if err != nil {
		return fmt.Errorf("starting an index: %w", err)
	}
	w.index.Recording, w.index.Start = w.m.Recording, w.m.Start
	if err := media.WriteIndex(o, &w.index); err != nil {
		return errors.Join(fmt.Errorf("writing index %d: %w", o.Number(), err), o.Abort())
	}
	w.index = media.Index{}
	return o.Commit()
}

// end writes what ends with the files, and commits what is open.
func (w *writer) end() error {
	if len(w.sums) == 0 {
		return ErrNothing
	}
	w.events = append(w.events, w.m.ends(w.tracks, w.last, w.latest)...)
	slices.SortStableFunc(w.events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
	if err := w.tell(1<<63 - 1); err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	if len(w.index.Segments) == 0 {
		return nil
	}
	return w.writeIndex()
}
