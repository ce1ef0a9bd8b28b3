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

// Never is a duration of a Config. It means that the moment never comes.
const Never time.Duration = -1

// ErrRecorded: Record was called a second time.
var ErrRecorded = errors.New("a recorder records once")

var errIncomplete = errors.New("recorder: Config without Recording, Sink or Notices.Start")

// A Config says how to record. It must not change after New. For a duration or a size, 0
// means the default.
type Config struct {
	// Recording is the ID of the recording. Every segment has it. Required.
	Recording string
	// Follows is the ID of an earlier recording of this meeting that could not go on.
	// The timeline says so. "" means that there is none.
	Follows string
	// Before, if not nil, returns the ID of such a recording by the word of the room's server,
	// as far as it is known when what the room sends is kept; "" if there is none. It is asked
	// once, and may be another than Follows. GoesOnWith is for what is told later.
	Before func() string
	// PartOf is the ID of the recording of the main room, if this one is of a smaller
	// room of the same meeting. The timeline says so. "" means that it is not.
	PartOf string
	// Card is the recorder's card as text, and CardName the name on it. The timeline has
	// them, so that a reader knows who recorded by the card's approvals. "" means none.
	Card, CardName string
	// Started, if not nil, is called when what the room sends is kept from now on, and
	// Declared for each hole, when it is declared. They must return quickly.
	Started  func(time.Time)
	Declared func(hole media.Event)
	// Title is what the recording is called. The timeline has it at the start, and again
	// at the start of each epoch, for readers who open only that one. "" means no title.
	Title string
	// Sink takes the segments. Required. The recorder does not close it.
	Sink Sink
	// Keys opens end-to-end-encrypted frames. With Keys, a track that was published
	// without encryption is refused, unless Plaintext lets it in. A nil Keys means a
	// room without end-to-end encryption. Then a track that was published with it is
	// refused.
	Keys KeyProvider
	// MemberKeys says that members made the Keys, each their own, and hand them to the
	// recorder, so that they can refuse them. The timeline says so, and Evidence has what
	// they signed.
	MemberKeys bool
	// Plaintext has kinds of senders, Sender constants, that cannot have keys. Their
	// tracks are recorded without encryption in a room with Keys, and marked so.
	Plaintext []string
	// Access lets members open what is recorded while they are in the room. Nil means
	// one epoch, that of the Sink.
	Access Access
	// Permission returns why nothing that a participant publishes or writes may be kept:
	// media.HoleConsent or media.HoleUnverified. "" means that it may be kept. encrypted
	// says whether it is end-to-end encrypted. Permission is called when something
	// comes, and by Reconsider. It must return quickly and not call the Recorder. A nil
	// Permission allows everything.
	Permission func(participant string, encrypted bool) (why string)
	// Notices are what the room is told. Notices.Start is required.
	Notices Notices
	// Duration is how long to record, from the moment at which the room was told.
	// Default: Never, until the room ends.
	Duration time.Duration
	// Grace is how long recording goes on after the last person who joined during it
	// has left. Default: 2 minutes. Never: until the room ends. Agents and other
	// recorders are no persons.
	Grace time.Duration
	// Wait is how long to wait for the first person. Then the recording ends. Default:
	// Never, until the room ends.
	Wait time.Duration
	// Segment is the length of a segment. It bounds what a crash costs. Default: 5 s.
	Segment time.Duration
	// SegmentBytes is the size at which a segment ends, also before its length. In
	// bytes. Default: 8 MiB.
	SegmentBytes int64
	// Hold is how long the recorder waits for a missing packet. Default: 1 s.
	Hold time.Duration
	// KeyFrames is how long the recorder waits for the next key frame of a picture
	// before it asks for one. Default: 10 s. Never: it asks for none. A player must read
	// back to the last key frame, and shows nothing of a picture before the first. The
	// recorder also asks for key frames when a segment ends, so that the next segment
	// begins with them, as long as key frames are at most a twentieth of the picture's
	// bytes.
	KeyFrames time.Duration
	// Unopened is called with media that has not opened for some seconds, and with media
	// that opens again, as a rule within five seconds, and for each source of a member at
	// most once a minute. news names people. The room is told the returned notice; ""
	// means nothing. One goroutine calls Unopened, and it must return quickly. It may
	// be nil: Status and Log say the same.
	Unopened func(news []Unopened) (notice string)
	// TurnedAway is called for a member with more tracks than are recorded: after one
	// or two seconds, and then at most once a minute. One goroutine calls it, and it
	// must return quickly. It may be nil: Status says the same.
	TurnedAway func(TurnedAway)
	// Log gets what happens. Names appear at debug level only. Nil discards it.
	Log *slog.Logger
}

// Notices are the texts that the room is told. "" means that it is told nothing.
type Notices struct {
	// Start comes before anything is kept.
	Start string
	// Paused comes after Recorder.Pause has paused the recording. Resumed comes before
	// Recorder.Resume continues it.
	Paused, Resumed string
	// DiskFull comes after a full disk has paused the recording. DiskFree comes when
	// there is space again.
	DiskFull, DiskFree string
	// End comes after the end of the recording, if the recorder is still in the room.
	End string
}

// A Report says what was recorded. Its counts are those of [media.Count] for what was
// committed, so whoever reads the recording counts the same.
type Report struct {
	// Duration is the length of the recording, see media.End.
	Duration     time.Duration
	Participants int
	Tracks       int
	Frames       int64
	// Holes has the sum of the declared holes for each reason.
	Holes map[string]time.Duration
	// Missing says whose holes they are, the longest first.
	Missing []media.Missing
	// Incomplete says that a track has a hole of 1 s or more which nobody wanted.
	Incomplete bool
	// Small are the pictures that never came as large as they were published.
	Small []SmallPicture
	// Reason says why the recording ended.
	Reason string
	// Cause is the error of the room if the room ended the recording. It wraps ErrEnded.
	Cause error
}

// A Recorder records one room once. Any goroutine may call its methods, except Record, at
// any time.
type Recorder struct {
	config Config
	run    atomic.Pointer[run]  // nil before Record
	asleep func() time.Duration // of the recordingClock; only tests set it
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

// Record announces the recording, and then records room. It ends when ctx ends, when
// Config.Duration is over, when nobody attends (Config.Grace and Wait), or when the room
// ends. None of these is an error. Record then closes the room. It returns after
// everything that was received has been committed to the Sink.
//
// If the disk of the Sink is full (ENOSPC, EDQUOT), the recording pauses until there is
// space, and what is missing is declared. An error means that the Sink failed in another
// way or is still full at the end, or that the room failed in a way that Report.Reason
// does not say. What was committed before stays.
//
// A second call returns ErrRecorded. A Config without a required field is an error, too.
// In both cases room is closed.
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
