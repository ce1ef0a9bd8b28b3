package playback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A Ledger is a Source with what the signed log says of it.
type Ledger interface {
	Source
	// Epoch returns the epoch of a segment. Torn reports whether a crash tore it;
	// ReadSegment may then return its beginning only.
	Epoch(segment int) int
	Torn(segment int) bool
	// Indexes returns the numbers of the indexes. ReadIndex reads one, as
	// ReadSegment reads a segment.
	Indexes() []int
	ReadIndex(ctx context.Context, n int) ([]byte, error)
}

// Kinds of contradictions that Check reports.
const (
	ContradictionTags      = "tags"      // a segment says that it is another segment
	ContradictionMalformed = "malformed" // it is no segment or index, or lacks its end
	ContradictionTrack     = "track"     // a track differs from what it was before
	ContradictionOrder     = "order"     // a frame is where no reader looks for it
	ContradictionHole      = "hole"      // a declared hole is none
	ContradictionKeyFrame  = "key-frame" // a picture continues after a hole without a key frame
	ContradictionIndex     = "index"     // an index and its segments disagree
)

// A Contradiction is one contradiction of a recording.
type Contradiction struct {
	Kind   string // one of the constants above
	Index  bool   // Number is an index's, and not a segment's
	Number int
	Text   string // what is wrong, for people
}

// A CheckReport is what Check found out.
type CheckReport struct {
	Segments, Indexes, Frames int // how many were read
	Contradictions            int
	Duration                  time.Duration // as Session.Duration returns
	// Holes are the declared holes, as Session.Holes returns them. Incomplete
	// reports that a track has a hole of a second or more in one piece.
	Holes      []media.Event
	Incomplete bool
	// Unread are the segments that could not be read, and UnreadIndexes are the
	// errors of indexes. LeftOut are the numbers between others that the log does
	// not have.
	Unread        []SegmentError
	UnreadIndexes []error
	LeftOut       int
	// Quiet counts the spans of a second or more in which a sound track has no
	// frames and is not muted, not unpublished, and not in a declared hole.
	// QuietTime is their sum. Senders that pause look like that, and so would a
	// recorder that hides a loss.
	Quiet     int
	QuietTime time.Duration
}

// Check reads and decrypts all of a recording once, and reports its
// contradictions. It checks
//
//   - a segment's tags against recording, number and epoch of the log, its format
//     version, start and tracks against those of the segments before;
//   - that it is Matroska to its end, and whether it may be torn;
//   - that frames of a track are in order, to the 2 s that readers sort;
//   - that a declared hole is one of a track there is, ends after it begins and
//     holds no frame of its track, and that a picture goes on after it with a
//     key frame;
//   - that indexes are about segments of the log, with their sizes, times, key
//     frames and holes.
//
// Times that the track itself counted are exact to a millisecond. The edges of
// holes that the recorder timed (start, reconnect, bandwidth, spool-full) are
// exact to a second. Check does not decode frames. It cannot find frames that are
// missing without a declared hole, since nobody counts what was sent: see Quiet.
//
// A nil report is allowed. The error is that of ctx, and nothing else.
func Check(ctx context.Context, l Ledger, o Options, report func(Contradiction)) (CheckReport, error) {
	c := &checker{ledger: l, o: o, report: report, tracks: make(map[uint64]*trackCheck), facts: make(map[int]*segmentFacts)}
	numbers := l.Segments()
	for i, n := range numbers {
		if i > 0 && n > numbers[i-1]+1 {
			c.LeftOut += n - numbers[i-1] - 1
			c.lost()
		}
		if err := c.segment(ctx, n); err != nil {
			if ctx.Err() != nil {
				return c.CheckReport, ctx.Err()
			}
			c.Unread = append(c.Unread, SegmentError{Number: n, Err: err})
			c.lost()
		}
	}
	c.drain(true)
	for _, n := range l.Indexes() {
		if err := c.index(ctx, n); err != nil {
			if ctx.Err() != nil {
				return c.CheckReport, ctx.Err()
			}
			c.UnreadIndexes = append(c.UnreadIndexes, fmt.Errorf("index %d: %w", n, err))
		}
	}
	var segments []media.IndexSegment
	for _, facts := range c.facts {
		if facts.frames {
			segments = append(segments, facts.IndexSegment)
		}
	}
	c.Duration = media.End(segments, append(c.ends, c.latest))
	c.Holes = Holes(c.holes)
	c.Incomplete = wideHole(c.holes)
	return c.CheckReport, nil
}

type checker struct {
	ledger Ledger
	o      Options
	report func(Contradiction)
	CheckReport

	number int // of the segment that is being read
	start  time.Time
	tracks map[uint64]*trackCheck
	holes  []media.Event
	newest time.Duration // of all frames
	latest media.Event   // of all events
	ends   []media.Event // of kinds that end the recording
	facts  map[int]*segmentFacts
	tally  media.Tally
	broken bool // not all segments were read: some track may have begun in one that was not
}

// A segmentFacts is what a segment says of itself that its index says too. If not
// all segments before it were read, Begin of its tracks may be unknown.
type segmentFacts struct {
	media.IndexSegment
	frames bool
	holes  []media.Event
}

func (c *checker) contradiction(kind, format string, args ...any) {
	c.contradict(Contradiction{Kind: kind, Number: c.number, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) contradict(x Contradiction) {
	c.Contradictions++
	if c.report != nil {
		c.report(x)
	}
}

// lost notes that the next segment does not continue the last one.
func (c *checker) lost() {
	c.broken, c.tally = true, media.Tally{}
	c.drain(true)
	for _, t := range c.tracks {
		t.unknown = true
	}
}

// segment reads segment n. The error is that of reading, not about the content.
func (c *checker) segment(ctx context.Context, n int) error {
	data, err := c.ledger.ReadSegment(ctx, n)
	if err != nil {
		return err
	}
	c.number = n
	c.Segments++
	torn := c.ledger.Torn(n)
	r, err := matroska.NewReader(bytes.NewReader(data))
	if torn && errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil {
		c.contradiction(ContradictionMalformed, "%v", err)
		c.lost()
		return nil
	}
	h := r.Header()
	if err := belongs(r, n, c.o); err != nil {
		c.contradiction(ContradictionTags, "%v", err)
		c.lost()
		return nil
	}
	if want := c.ledger.Epoch(n); h.Epoch != want {
		c.contradiction(ContradictionTags, "it says that it is of epoch %d, the log has it in %d", h.Epoch, want)
	}
	if c.start.IsZero() {
		c.start = h.Start
	} else if !h.Start.Equal(c.start) {
		c.contradiction(ContradictionTags, "it counts from %v, segments before it from %v", h.Start.UTC(), c.start.UTC())
	}
	c.header(h.Tracks)
	facts := new(segmentFacts)
	c.facts[n] = facts
	c.tally.Open(n, h.Epoch)
	whole := true
	for {
		b, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			if !torn || !errors.Is(err, io.ErrUnexpectedEOF) {
				c.contradiction(ContradictionMalformed, "%v", err)
				whole = false
			}
			break
		}
		if b.Event != nil {
			c.event(*b.Event, facts)
		} else {
			c.frame(b.Frame)
		}
	}
	facts.frames = c.tally.Any()
	facts.IndexSegment = c.tally.Close(int64(len(data)), 0)
	if !whole {
		c.lost()
	}
	c.drain(false)
	return nil
}

// header compares tracks with what they were before.
func (c *checker) header(tracks []media.Track) {
	for _, t := range tracks {
		known, ok := c.tracks[t.UID]
		switch {
		case !ok:
			known = &trackCheck{}
			c.tracks[t.UID] = known
			fallthrough
		case known.UID == 0: // an event of it came first
			known.Track = t
		case known.Participant != t.Participant || known.Source != t.Source || known.Codec != t.Codec:
			c.contradiction(ContradictionTrack, "track %d was %q of %q in %s, and is %q of %q in %s", t.UID,
				known.Source, known.Participant, known.Codec, t.Source, t.Participant, t.Codec)
		}
	}
}

func (c *checker) event(e media.Event, facts *segmentFacts) {
	if c.o.OnEvent != nil {
		c.o.OnEvent(e)
	}
	if e.Type == media.EventStop {
		c.ends = append(c.ends, e)
	}
	if e.Time > c.latest.Time {
		c.latest = e
	}
	if e.Time > maxTime || e.To > maxTime {
		c.contradiction(ContradictionMalformed, "an event beyond %v", maxTime)
		return
	}
	t := c.tracks[e.Track]
	if t == nil && e.Type == media.EventTrack && e.Track != 0 {
		t = &trackCheck{}
		c.tracks[e.Track] = t
	}
	if e.Type == media.EventHole {
		facts.holes = append(facts.holes, e)
		if e.To < e.From {
			c.contradiction(ContradictionHole, "a hole from %v ends before, at %v", e.From, e.To)
			return
		}
		c.holes = append(c.holes, e)
		if t == nil && e.Track != 0 && !c.broken {
			c.contradiction(ContradictionHole, "a hole from %v to %v in track %d, which there is not", e.From, e.To, e.Track)
		}
	}
	if t != nil {
		t.event(e)
	}
}

func (c *checker) frame(f media.Frame) {
	if f.Time > maxTime {
		c.contradiction(ContradictionMalformed, "a frame beyond %v", maxTime)
		return
	}
	c.Frames++
	c.newest = max(c.newest, f.Time)
	t := c.tracks[f.Track] // never missing: the Matroska reader refuses frames of no track
	if c.o.OnFrame != nil {
		c.o.OnFrame(t.Track, f)
	}
	t.waiting = append(t.waiting, checkedFrame{f.Time, f.Time + f.Duration, f.Key, c.number})
	c.tally.Frame(f, t.Codec)
}

// drain checks the frames whose holes must be declared by now.
func (c *checker) drain(all bool) {
	for _, t := range c.tracks {
		n := 0
		for _, f := range t.waiting {
			if !all && f.from > c.newest-declaredWithin {
				break
			}
			c.number = f.segment
			t.check(c, f)
			n++
		}
		t.waiting = slices.Delete(t.waiting, 0, n)
	}
}
