package recorder

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Never, as a duration of a Config, says that the moment does not come.
const Never time.Duration = -1

// ErrRecorded is the error of a second Record of one Recorder.
var ErrRecorded = errors.New("a recorder records once")

var errIncomplete = errors.New("recorder: Config without Recording, Sink or Notices.Start")

// A Config says how to record. It must not change after New. Zero means the default
// of a duration or a size.
type Config struct {
	// Recording is the recording's ID; every segment carries it. Required.
	Recording string
	// Follows is the ID of the recording that could not go on with this meeting, and
	// that this one goes on with; the timeline says so. "" is none.
	Follows string
	// Title is what the recording is called; the timeline has it at the start, and again
	// at the start of each epoch, for those who read only that one. "" is none.
	Title string
	// Sink takes the segments. Required. The recorder does not close it.
	Sink Sink
	// Keys opens end-to-end-encrypted frames. With Keys, a track that was published
	// without encryption is refused, unless Plaintext lets it in; without, one that was published
	// with it. The zero value is a room without end-to-end encryption.
	Keys KeyProvider
	// Plaintext are the kinds of senders, Sender constants, whose tracks are recorded
	// without encryption in a room with Keys, and marked so: such as cannot have any.
	Plaintext []string
	// Access admits members to what is recorded while they are here. Nil is one
	// epoch, the Sink's own.
	Access Access
	// Permission says why nothing that a participant publishes or writes may be kept,
	// media.HoleConsent or media.HoleUnverified, or "" if it may; encrypted is whether
	// that is end-to-end encrypted. It is asked when something comes, and by
	// Reconsider; it must be quick and call nothing of the Recorder. Nil keeps
	// everyone's.
	Permission func(participant string, encrypted bool) (why string)
	// Notices are what the room is told. Notices.Start is required.
	Notices Notices
	// Duration is how long to record, counted from the moment the room was told.
	// Default: Never, which records until the room ends.
	Duration time.Duration
	// Grace is how long recording goes on after the last person who joined during it
	// has left. Default: 2 minutes. Never: until the room ends. Agents and other
	// recorders are no persons.
	Grace time.Duration
	// Wait is how long to wait for the first person to come. Default: Never, which
	// waits until the room ends.
	Wait time.Duration
	// Segment is the length of a segment. It bounds what a crash costs. Default: 5 s.
	Segment time.Duration
	// SegmentBytes is the size in bytes at which a segment is cut before that.
	// Default: 8 MiB.
	SegmentBytes int64
	// Hold is how long a missing packet is waited for. Default: 1 s.
	Hold time.Duration
	// KeyFrames is how long a picture may go without a key frame before one is
	// asked for. Default: 10 s. Never: none is asked for. A player shows nothing of a
	// picture before its next key frame, and has to read back to the last one. One is
	// also asked for where a segment ends, so that the next begins with it, if key
	// frames are then no more than a twentieth of what the picture sends.
	KeyFrames time.Duration
	// Unopened is called with media that has not opened for some seconds, and with what
	// opens again, within five seconds as a rule; it names whose. What it returns the
	// room is told, "" is nothing. It must be quick; one goroutine calls it. Nil is
	// fine: Status and Log tell the same.
	Unopened func(news []Unopened) (notice string)
	// TurnedAway is called with a member who publishes too many tracks for all to be
	// recorded, a second or two after that, and then at most once a minute. It must be
	// quick; one goroutine calls it. Nil is fine: Status tells the same.
	TurnedAway func(TurnedAway)
	// Log takes what happens; nil discards it. Names appear at debug level only.
	Log *slog.Logger
}

// Notices are what the room is told at each moment of a recording. "" says nothing.
type Notices struct {
	// Start is said before anything is kept.
	Start string
	// Paused is said when Recorder.Pause has stopped the recording, Resumed before
	// Recorder.Resume lets it go on.
	Paused, Resumed string
	// DiskFull is said when a full disk has stopped the recording, DiskFree when there
	// is room again.
	DiskFull, DiskFree string
	// End is said after the last of what is kept, if the recorder is still in the room.
	End string
}

// A Report says what was recorded. What it counts is counted as whoever reads the
// recording does, see [media.Count], of what was committed.
type Report struct {
	// Duration is how long it is, as media.End says of it.
	Duration     time.Duration
	Participants int
	Tracks       int
	Frames       int64
	// Holes sums the declared holes by reason.
	Holes map[string]time.Duration
	// Missing says whose they are, the longest first.
	Missing []media.Missing
	// Incomplete: a hole of 1 s or more is missing from what was published.
	Incomplete bool
	// Small are the pictures that never came as large as they were published.
	Small []SmallPicture
	// Reason says why the recording ended.
	Reason string
	// Cause is the room's error, which wraps ErrEnded, if the room ended it.
	Cause error
}

// A Recorder records one room once. All its methods but Record may be called at any
// time by any goroutine.
type Recorder struct {
	config Config
	run    atomic.Pointer[run]  // the one run, from Record on and after it
	asleep func() time.Duration // of the recordingClock, nil but in tests
}

// New returns a Recorder.
func New(c Config) *Recorder {
	c.Segment = cmp.Or(c.Segment, 5*time.Second)
	c.SegmentBytes = cmp.Or(c.SegmentBytes, 8<<20)
	c.Hold = cmp.Or(c.Hold, time.Second)
	c.KeyFrames = cmp.Or(c.KeyFrames, 10*time.Second)
	c.Duration, c.Grace, c.Wait = cmp.Or(c.Duration, Never), cmp.Or(c.Grace, 2*time.Minute), cmp.Or(c.Wait, Never)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Recorder{config: c}
}

// Record announces the recording, then records room until ctx ends, the
// configured duration is over, nobody attends any more (Config.Grace and Wait) or
// the room has ended: none of these is an error. It closes the room and returns
// after everything that was received has been committed to the Sink.
//
// A Sink whose disk is full (ENOSPC, EDQUOT) pauses the recording until there is
// room; what is missing then is declared. An error means that the Sink failed
// otherwise, or is still full at the end, or that the room did in a way that
// Report.Reason does not cover; what was committed before stays.
//
// A Recorder records once: of a second call the error is ErrRecorded. A Config
// without a required field is an error, too. In both cases room is closed.
func (r *Recorder) Record(ctx context.Context, room Room) (Report, error) {
	if r.config.Recording == "" || r.config.Sink == nil || r.config.Notices.Start == "" {
		return Report{}, errors.Join(errIncomplete, room.Close())
	}
	n := newRun(r.config, room)
	if !r.run.CompareAndSwap(nil, n) {
		return Report{}, errors.Join(ErrRecorded, room.Close())
	}
	return n.record(ctx, r.asleep)
}
