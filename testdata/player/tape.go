package player

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const indexEvery = 64 // segments, as a recorder does

// A Tape seals a meeting into a folder, step by step, so that a test can look at
// a recording that goes on. It belongs to one goroutine.
type Tape struct {
	m       Meeting
	w       *archive.Writer
	tracks  []*reel
	epochs  []Epoch       // still to begin
	events  []media.Event // still to be told, in order
	at      time.Duration // where the next segment begins
	number  int
	index   media.Index
	tally   media.Tally
	padding []byte
}

// NewTape begins a recording in the folder, which the signer signs.
func NewTape(folder string, signer note.Signer, m Meeting) (*Tape, error) {
	return newTape(folder, archive.Config{Signer: signer}, m)
}

func newTape(folder string, c archive.Config, m Meeting) (*Tape, error) {
	m.Segment = cmp.Or(m.Segment, 5*time.Second)
	if len(m.Epochs) == 0 || m.Epochs[0].From != 0 {
		return nil, errors.New("no epoch begins at 0")
	}
	t := &Tape{m: m, epochs: m.Epochs, padding: make([]byte, 64<<10)}
	for i := range t.padding {
		t.padding[i] = byte(rand.Uint32())
	}
	t.plan()
	var err error
	if t.w, err = archive.Create(folder, c); err != nil {
		return nil, err
	}
	return t, nil
}

// Write seals all of a meeting into the folder and returns the recording's ID.
func Write(folder string, signer note.Signer, m Meeting) (id string, err error) {
	t, err := NewTape(folder, signer, m)
	if err != nil {
		return "", err
	}
	if err := t.Until(m.Length); err != nil {
		return "", err
	}
	return t.ID(), t.Close()
}

// ID returns the recording's ID.
func (t *Tape) ID() string { return t.w.ID() }

// Tracks returns the tracks in the order of the members, with their UIDs.
func (t *Tape) Tracks() []media.Track {
	out := make([]media.Track, len(t.tracks))
	for i, r := range t.tracks {
		out[i] = r.track
	}
	return out
}

// plan puts tracks and events in order.
func (t *Tape) plan() {
	tell := func(e media.Event) { t.events = append(t.events, e) }
	tell(media.Event{Type: media.EventStart, Text: t.m.Room})
	tell(media.Event{Time: 200 * time.Millisecond, Type: media.EventAnnounced, Text: "This meeting is being recorded."})
	for _, m := range t.m.Members {
		to := cmp.Or(m.To, t.m.Length)
		tell(media.Event{Time: m.From, Type: media.EventJoin, Participant: m.ID, Name: m.Name})
		if m.By != "" {
			tell(media.Event{Time: m.From, Type: media.EventVerified, Participant: m.ID, Name: m.Card, Reason: m.By})
		}
		for _, s := range m.Speaks {
			tell(media.Event{Time: s.From, Type: media.EventSpeaking, Participant: m.ID, From: s.From, To: s.To})
		}
		for _, k := range m.Tracks {
			k.From, k.To = max(k.From, m.From), min(cmp.Or(k.To, to), to)
			r := newReel(uint64(len(t.tracks)+1)*1_000_003, m, k)
			t.tracks = append(t.tracks, r)
			for _, e := range r.events() {
				tell(e)
			}
		}
		if to < t.m.Length {
			tell(media.Event{Time: to, Type: media.EventLeave, Participant: m.ID, Name: m.Name})
		}
	}
	t.events = append(t.events, t.m.Events...)
	tell(media.Event{Time: t.m.Length, Type: media.EventStop, Reason: "stopped"})
	slices.SortStableFunc(t.events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
}

// Until seals every segment that ends at the given time or before it, and at the
// meeting's length the last one, however short.
func (t *Tape) Until(at time.Duration) error {
	for t.at < t.m.Length {
		to := min(t.at+t.m.Segment, t.m.Length)
		if len(t.epochs) > 0 && t.epochs[0].From <= t.at {
			if err := t.startEpoch(); err != nil {
				return err
			}
		}
		if len(t.epochs) > 0 {
			to = min(to, t.epochs[0].From)
		}
		if to > at {
			return nil
		}
		if err := t.segment(to); err != nil {
			return fmt.Errorf("segment %d: %w", t.number-1, err)
		}
		if len(t.index.Segments) >= indexEvery {
			if err := t.writeIndex(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close ends the recording where it is.
func (t *Tape) Close() error {
	return errors.Join(t.writeIndex(), t.w.Close())
}

func (t *Tape) startEpoch() error {
	e := t.epochs[0]
	t.epochs = t.epochs[1:]
	if err := t.writeIndex(); err != nil {
		return err
	}
	t.index.Tracks = t.alive(t.at, t.at+1) // whoever reads only this epoch learns them anew
	if _, err := t.w.StartEpoch(e.Readers); err != nil {
		return err
	}
	tell := media.Event{Time: t.at, Type: media.EventEpoch, Text: e.Names}
	i, _ := slices.BinarySearchFunc(t.events, t.at, func(e media.Event, at time.Duration) int { return cmp.Compare(e.Time, at) })
	t.events = slices.Insert(t.events, i, tell)
	return nil
}

// alive returns the tracks that are published between two times.
func (t *Tape) alive(from, to time.Duration) (out []media.Track) {
	for _, r := range t.tracks {
		if r.From < to && r.To > from {
			out = append(out, r.track)
		}
	}
	return out
}

// segment seals what is from t.at to a time.
func (t *Tape) segment(to time.Duration) error {
	from := t.at
	o, err := t.w.Create(archive.Segment)
	if err != nil {
		return err
	}
	t.at, t.number = to, t.number+1
	w, err := matroska.NewWriter(o, matroska.Header{
		Recording: t.w.ID(), Segment: o.Number(), Epoch: o.Epoch(), Start: t.m.Start, Tracks: t.alive(from, to)})
	if err != nil {
		return errors.Join(err, o.Abort())
	}
	t.tally.Open(o.Number(), o.Epoch())
	if err := t.fill(w, from, to); err != nil {
		return errors.Join(err, o.Abort())
	}
	if err := w.Close(); err != nil {
		return errors.Join(err, o.Abort())
	}
	t.index.Segments = append(t.index.Segments, t.tally.Close(w.Size(), from))
	return o.Commit()
}

// fill writes events and frames between two times, in order of time, and tallies
// them for the index.
func (t *Tape) fill(w *matroska.Writer, from, to time.Duration) error {
	for len(t.events) > 0 && (t.events[0].Time < to || to == t.m.Length) {
		e := t.events[0]
		t.events = t.events[1:]
		if err := w.WriteEvent(e); err != nil {
			return err
		}
		t.index.Events = append(t.index.Events, e)
	}
	var alive []*reel
	for _, r := range t.tracks {
		if r.seek(from) < to {
			alive = append(alive, r)
			if !r.told {
				r.told = true
				t.tell(r.track)
			}
		}
	}
	for {
		first := -1
		for i, r := range alive {
			if r.next < to && (first < 0 || r.next < alive[first].next) {
				first = i
			}
		}
		if first < 0 {
			break
		}
		r := alive[first]
		f := r.frame(t.padding)
		if err := w.WriteFrame(f); err != nil {
			return err
		}
		t.tally.Frame(f, r.track.Codec)
	}
	return nil
}

// tell puts a track into the next index.
func (t *Tape) tell(k media.Track) {
	k.Private = ""
	if !slices.ContainsFunc(t.index.Tracks, func(o media.Track) bool { return o.UID == k.UID }) {
		t.index.Tracks = append(t.index.Tracks, k)
	}
}

func (t *Tape) writeIndex() error {
	if len(t.index.Segments) == 0 {
		return nil
	}
	o, err := t.w.Create(archive.Index)
	if err != nil {
		return err
	}
	t.index.Recording, t.index.Start = t.w.ID(), t.m.Start
	err = media.WriteIndex(o, &t.index)
	t.index = media.Index{}
	if err != nil {
		return errors.Join(err, o.Abort())
	}
	return o.Commit()
}
