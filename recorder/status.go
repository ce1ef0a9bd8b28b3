package recorder

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Status is a recording as it stands.
type Status struct {
	// Started is when the recording began, the zero time before that.
	Started time.Time
	// State is what the recorder is doing.
	State State
	// Participants are the members present, the recorder not counted.
	Participants int
	// Tracks are being read now.
	Tracks int
	// Frames were kept, Failed could not be opened, and Lost counts the packets
	// that never came.
	Frames, Failed, Lost int64
	// MediaBytes is the size of the frames kept.
	MediaBytes int64
	// Outcomes counts what became of the frames that came, by codec.
	Outcomes map[CodecOutcome]int64
	// Holes are those declared so far, by reason.
	Holes map[string]Holes
	// Segments were committed, SegmentBytes long before sealing.
	Segments     int
	SegmentBytes int64
	// Epoch is the one that is sealed to, as the Sink numbers them, 0 before the
	// first segment.
	Epoch int
	// Queued items wait between the tracks and the segments; the queue holds
	// QueueSize, and then the tracks wait.
	Queued, QueueSize int
	// SyncError is by how much the clock of a track that is being read is off
	// what its sender reports say, of the worst track: it is corrected little by
	// little.
	SyncError time.Duration
	// Unopened is media that comes now and has not opened for some seconds, by track.
	Unopened []Unopened
	// TurnedAway are members some of whose tracks are not recorded now, because they
	// are too many; those who have most come first.
	TurnedAway []TurnedAway
	// Opened is when a frame of any track opened last, the zero time if none did.
	Opened time.Time
	// Small counts the tracks being read whose pictures have come clearly smaller
	// than they are published for 10 s.
	Small int
	// Alive is when the goroutine that writes segments was last seen at work.
	// While it is neither behind nor held up by a disk, that is not longer ago
	// than a few tenths of a second.
	Alive time.Time
}

// A State says what a recorder is doing.
type State string

const (
	StateStarting     State = "starting"     // it tells the room
	StateRecording    State = "recording"    //
	StatePaused       State = "paused"       // nothing is kept, because people asked for that
	StateDiskFull     State = "disk-full"    // nothing can be kept; the hole will be declared
	StateReconnecting State = "reconnecting" // the room is away; so is what it sends
	StateEnded        State = "ended"        //
)

// Holes are the holes declared for one reason.
type Holes struct {
	Count int
	Time  time.Duration // their sum over all tracks
}

// An Outcome says what became of a frame.
type Outcome string

const (
	Kept      Outcome = "kept"
	Auth      Outcome = media.GapAuth      // its authentication failed under the keys there are
	NoKey     Outcome = media.GapNoKey     // there is no key for its key index
	Plaintext Outcome = media.GapPlaintext // not encrypted, in a room that is
	Unfit     Outcome = media.GapFormat    // no file has room for it: see media.Frame.Check and media.Picture.Fits
	Replayed  Outcome = "replayed"         // it came before
	KeyFrame  Outcome = "key-frame"        // not decodable before the next key frame
	Injected  Outcome = "injected"         // the server's own silence or black picture
	Empty     Outcome = "empty"            // it carries nothing
	Early     Outcome = "early"            // captured before the recording began
	Crowded   Outcome = "crowded"          // between holes that were too many to be told apart
	Paused    Outcome = media.GapPaused    // not to be kept
	// NotPermitted: Config.Permission does not let it be kept.
	NotPermitted Outcome = "not-permitted"
	Refused      Outcome = "refused" // a packet, not a frame, of a track that is not recorded
)

// allOutcomes orders the counters of an outcomeCounts.
var allOutcomes = [...]Outcome{Kept, Auth, NoKey, Plaintext, Unfit, Replayed, KeyFrame, Injected, Empty, Early, Crowded, Paused, NotPermitted, Refused}

// A CodecOutcome is what became of a frame of a codec.
type CodecOutcome struct {
	Codec   media.Codec
	Outcome Outcome
}

// outcomeCounts counts the frames of one codec. It is safe for concurrent use.
type outcomeCounts [len(allOutcomes)]atomic.Int64

func (c *outcomeCounts) add(o Outcome) {
	for i, x := range allOutcomes {
		if x == o {
			c[i].Add(1)
			return
		}
	}
}

// A Connector is a Room that can tell whether it is connected to its server. It
// may be asked at any time by any goroutine.
type Connector interface {
	Connected() bool
}

// Status returns the recording as it stands. It may be called at any time by
// any goroutine.
func (r *Recorder) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	if r.roster != nil {
		s.Participants = r.roster.Len()
	}
	s.Frames, s.Failed = r.counts.frames.Load(), r.counts.failed.Load()
	s.Lost, s.MediaBytes = r.counts.lost.Load(), r.counts.bytes.Load()
	s.Outcomes = make(map[CodecOutcome]int64)
	for codec, counts := range r.outcomes {
		for i, o := range allOutcomes {
			if n := counts[i].Load(); n > 0 || o == Kept {
				s.Outcomes[CodecOutcome{codec, o}] = n
			}
		}
	}
	s.Holes = maps.Clone(r.holes)
	s.Queued, s.QueueSize = len(r.items), cap(r.items)
	for t := range r.reading {
		s.SyncError = max(s.SyncError, time.Duration(t.syncError.Load()))
		if !t.muted.on() && t.published.isSmall(time.Since(s.Started)) {
			s.Small++
		}
	}
	s.Unopened, s.TurnedAway = slices.Clone(s.Unopened), slices.Clone(s.TurnedAway)
	if n := r.counts.opened.Load(); n != 0 {
		s.Opened = s.Started.Add(time.Duration(n))
	}
	if n := r.alive.Load(); n != 0 {
		s.Alive = s.Started.Add(time.Duration(n))
	}
	connector, _ := r.room.(Connector)
	switch {
	case s.State == StateEnded:
	case s.Started.IsZero():
		s.State = StateStarting
	case r.paused.Load():
		s.State = StatePaused
	case s.State == StateDiskFull:
	case connector != nil && !connector.Connected():
		s.State = StateReconnecting
	default:
		s.State = StateRecording
	}
	return s
}

// begin notes that the room was told, at start.
func (r *Recorder) begin(room Room, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.room, r.status.Started = room, start
	if l, ok := room.(Lister); ok {
		r.roster = l.Roster()
	} else {
		r.roster = NewRoster()
	}
	r.alive.Store(1)
}

// Roster is who is in the room that is recorded, nil before there is one.
func (r *Recorder) Roster() *Roster {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.roster
}

// setState notes a state that does not follow from others; "" is none.
func (r *Recorder) setState(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.State = s
}

// setUnopened notes what does not open now.
func (r *Recorder) setUnopened(all []Unopened) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Unopened = all
}

// setTurnedAway notes whose tracks are not all recorded now.
func (r *Recorder) setTurnedAway(all []TurnedAway) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.TurnedAway = all
}

// segmentDone counts a committed segment.
func (r *Recorder) segmentDone(segments int, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Segments = segments
	r.status.SegmentBytes += bytes
}

// sealing notes the epoch of a segment that begins.
func (r *Recorder) sealing(epoch int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Epoch = epoch
}

// outcomesOf returns the counters of a codec. A room may name any codec it likes;
// those that nobody knows are counted as one.
func (r *Recorder) outcomesOf(c media.Codec) *outcomeCounts {
	if !c.Known() {
		c = "other"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.outcomes[c]
	if n == nil {
		n = new(outcomeCounts)
		r.outcomes[c] = n
	}
	return n
}

// countTrack counts a track that begins or, with done, one that is over.
func (r *Recorder) countTrack(t *trackRecorder, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if done {
		delete(r.reading, t)
		r.status.Tracks--
		return
	}
	r.reading[t] = true
	r.status.Tracks++
}

// countHole counts a declared hole, for Status.
func (r *Recorder) countHole(e media.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.holes[e.Reason]
	r.holes[e.Reason] = Holes{h.Count + 1, h.Time + e.To - e.From}
}

// setCounted puts into the report what the recording tells.
func (r *Recorder) setCounted(c *media.Count) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Participants, r.report.Tracks = c.People(), c.Tracks()
	r.report.Holes, r.report.Missing, r.report.Incomplete = c.Holes(), c.Missing(), c.Incomplete()
}
