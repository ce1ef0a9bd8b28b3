package recorder

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Status is the present state of a recording.
type Status struct {
	// Started is when the recording began. Zero means that it has not.
	Started time.Time
	// State says what the recorder is doing.
	State State
	// Participants is the number of members present, without the recorder.
	Participants int
	// Tracks is the number of tracks that are being read.
	Tracks int
	// Frames is the number of frames kept, Failed that of frames that could not be
	// opened, and Lost that of packets that never came.
	Frames, Failed, Lost int64
	// MediaBytes is the size of the kept frames.
	MediaBytes int64
	// Outcomes counts what became of the frames that came, by codec.
	Outcomes map[CodecOutcome]int64
	// Holes has the holes declared so far, by reason.
	Holes map[string]Holes
	// Segments is the number of committed segments, SegmentBytes their size before
	// sealing.
	Segments     int
	SegmentBytes int64
	// Epoch is the number of the present epoch, as the Sink counts. It is 0 before the
	// first segment.
	Epoch int
	// Queued is how many items wait between the tracks and the segments. QueueSize is
	// how many can wait; beyond it the tracks wait.
	Queued, QueueSize int
	// SyncError is how far the clock of a track is from its sender reports, for the
	// track that is furthest. It is corrected little by little.
	SyncError time.Duration
	// Unopened is media that comes now and has not opened for some seconds, by track.
	Unopened []Unopened
	// TurnedAway are the members with more tracks than are recorded. Those with the most
	// come first.
	TurnedAway []TurnedAway
	// Opened is when a frame of any track opened last. Zero means that none did.
	Opened time.Time
	// Small is the number of tracks whose pictures have come clearly smaller than they
	// are published for 10 s.
	Small int
	// Alive is when the goroutine that writes segments last gave a sign. That is a few
	// tenths of a second ago at most, unless it is behind or waits for a disk.
	Alive time.Time
}

// A State says what a recorder is doing.
type State string

const (
	StateStarting     State = "starting"     // it tells the room
	StateRecording    State = "recording"    //
	StatePaused       State = "paused"       // nothing is kept, because people wanted that
	StateDiskFull     State = "disk-full"    // nothing can be kept; the hole will be declared
	StateReconnecting State = "reconnecting" // the room is lost, and nothing comes
	StateEnded        State = "ended"        //
)

// Holes are the declared holes with one reason.
type Holes struct {
	Count int
	Time  time.Duration // sum over all tracks
}

// An Outcome says what became of a frame.
type Outcome string

const (
	Kept      Outcome = "kept"
	Auth      Outcome = media.HoleAuth      // it did not authenticate under any key
	NoKey     Outcome = media.HoleNoKey     // there is no key for its key index
	Plaintext Outcome = media.HolePlaintext // not encrypted, in an encrypted room
	Unfit     Outcome = media.HoleFormat    // no segment can hold it: see media.Frame.Check and media.Picture.Fits
	Replayed  Outcome = "replayed"          // it came before
	KeyFrame  Outcome = "key-frame"         // cannot be decoded before the next key frame
	Injected  Outcome = "injected"          // the server's own silence or black picture
	Empty     Outcome = "empty"             // it has no data
	Early     Outcome = "early"             // captured before the recording began
	Crowded   Outcome = "crowded"           // between holes that come so fast that they are one
	Paused    Outcome = media.HolePaused    // the recording was paused
	// NotPermitted: Config.Permission did not allow it.
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

// A Connector is a Room that knows whether it is connected to its server. Any goroutine
// may call Connected at any time.
type Connector interface {
	Connected() bool
}

// counts are shared by all tracks. They are safe for concurrent use.
type counts struct {
	frames, lost, failed, bytes atomic.Int64
	opened                      atomic.Int64 // when a frame opened last, on the recording clock; 0: none did
}

// A board is what Status and Report say of a run. It is safe for concurrent use.
type board struct {
	counts counts
	alive  atomic.Int64 // see Status.Alive: on the recording clock, 0 before

	declared func(hole media.Event) // see Config.Declared; nil is nobody

	mu       sync.Mutex // guards what follows
	status   Status
	report   Report
	outcomes map[media.Codec]*outcomeCounts
	holes    map[string]Holes
	reading  map[*trackRecorder]bool
	pictures map[uint64]SmallPicture // that have ended, by track
}

func newBoard() *board {
	return &board{
		report:   Report{Holes: make(map[string]time.Duration)},
		outcomes: make(map[media.Codec]*outcomeCounts),
		holes:    make(map[string]Holes),
		reading:  make(map[*trackRecorder]bool),
		pictures: make(map[uint64]SmallPicture),
	}
}

// Status returns the recording as it stands.
func (r *Recorder) Status() Status {
	n := r.run.Load()
	if n == nil {
		return Status{State: StateStarting, QueueSize: queueLength,
			Outcomes: make(map[CodecOutcome]int64), Holes: make(map[string]Holes)}
	}
	s := n.board.current()
	s.Queued, s.QueueSize = len(n.queue.items), cap(n.queue.items)
	if !s.Started.IsZero() {
		s.Participants = n.roster.Len()
	}
	connector, _ := n.room.(Connector)
	switch {
	case s.State == StateEnded:
	case s.Started.IsZero():
		s.State = StateStarting
	case n.pause.keepsNothing():
		s.State = StatePaused
	case s.State == StateDiskFull:
	case connector != nil && !connector.Connected():
		s.State = StateReconnecting
	default:
		s.State = StateRecording
	}
	return s
}

// Roster is who is in the room that is recorded, nil before there is one.
func (r *Recorder) Roster() *Roster {
	if n := r.run.Load(); n != nil && n.board.begun() {
		return n.roster
	}
	return nil
}

// current is the status as far as the board has it.
func (b *board) current() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Frames, s.Failed = b.counts.frames.Load(), b.counts.failed.Load()
	s.Lost, s.MediaBytes = b.counts.lost.Load(), b.counts.bytes.Load()
	s.Outcomes = make(map[CodecOutcome]int64)
	for codec, counts := range b.outcomes {
		for i, o := range allOutcomes {
			if n := counts[i].Load(); n > 0 || o == Kept {
				s.Outcomes[CodecOutcome{codec, o}] = n
			}
		}
	}
	s.Holes = maps.Clone(b.holes)
	for t := range b.reading {
		s.SyncError = max(s.SyncError, time.Duration(t.syncError.Load()))
		if !t.inbox.muted.on() && t.published.isSmall(time.Since(s.Started)) {
			s.Small++
		}
	}
	s.Unopened, s.TurnedAway = slices.Clone(s.Unopened), slices.Clone(s.TurnedAway)
	if n := b.counts.opened.Load(); n != 0 {
		s.Opened = s.Started.Add(time.Duration(n))
	}
	if n := b.alive.Load(); n != 0 {
		s.Alive = s.Started.Add(time.Duration(n))
	}
	return s
}

// begin notes that the room was told, at start.
func (b *board) begin(start time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Started = start
	b.alive.Store(1)
}

func (b *board) begun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.status.Started.IsZero()
}

// setState notes StateDiskFull or StateEnded; "" is neither. Other states follow from
// what holds when Status is called.
func (b *board) setState(s State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.State = s
}

// diskFull reports whether nothing can be kept now, asked to or not.
func (b *board) diskFull() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status.State == StateDiskFull
}

// setUnopened notes what does not open now.
func (b *board) setUnopened(all []Unopened) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Unopened = all
}

// setTurnedAway notes whose tracks are not all recorded now.
func (b *board) setTurnedAway(all []TurnedAway) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.TurnedAway = all
}

// segmentDone counts a committed segment.
func (b *board) segmentDone(segments int, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Segments = segments
	b.status.SegmentBytes += bytes
}

// setEpoch notes the epoch of a segment that begins.
func (b *board) setEpoch(epoch int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Epoch = epoch
}

// outcomesOf returns the counters of a codec. A room may name any codec it likes;
// those that nobody knows are counted as one.
func (b *board) outcomesOf(c media.Codec) *outcomeCounts {
	if !c.Known() {
		c = "other"
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.outcomes[c]
	if n == nil {
		n = new(outcomeCounts)
		b.outcomes[c] = n
	}
	return n
}

// trackBegins and trackEnds count the tracks that are being read.
func (b *board) trackBegins(t *trackRecorder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading[t] = true
	b.status.Tracks++
}

func (b *board) trackEnds(t *trackRecorder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reading, t)
	b.status.Tracks--
}

// countHole counts a declared hole, for Status.
func (b *board) countHole(e media.Event) {
	if b.declared != nil {
		b.declared(e)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holes[e.Reason]
	b.holes[e.Reason] = Holes{h.Count + 1, h.Time + e.To - e.From}
}

// setCounted puts into the report what the recording tells.
func (b *board) setCounted(c *media.Count) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Participants, b.report.Tracks = c.People(), c.Tracks()
	b.report.Holes, b.report.Missing, b.report.Incomplete = c.Holes(), c.Missing(), c.Incomplete()
}

// setEnd puts into the report when and why the recording ended; cause is nil unless
// the room ended it.
func (b *board) setEnd(end time.Duration, reason string, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Duration, b.report.Reason, b.report.Cause = end, reason, cause
}

// finalReport is the report, when the run is over.
func (b *board) finalReport() Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Frames = b.counts.frames.Load()
	b.report.Small = b.small()
	return b.report
}
