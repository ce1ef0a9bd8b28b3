package recorder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	queueLength  = 4096 // items between the tracks and the segmenter: over 2 s of 30 tracks
	tickEvery    = 100 * time.Millisecond
	declareEvery = 5 * time.Second
	noticeTime   = 2 * time.Second // for telling the room something when it matters to go on
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
	// media.GapConsent or media.GapUnverified, or "" if it may; encrypted is whether
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

// A Recorder records one room once.
type Recorder struct {
	c     Config
	items chan item
	load  queueBytes // the frames in items

	counts counts
	begun  atomic.Bool  // by Record
	alive  atomic.Int64 // see Status.Alive: on the recording clock, 0 before
	board  switchboard
	paused atomic.Bool          // by Pause
	asleep func() time.Duration // of a recordingClock, nil but in tests

	mu       sync.Mutex
	status   Status
	report   Report
	room     Room // nil before it was told
	roster   *Roster
	outcomes map[media.Codec]*outcomeCounts
	holes    map[string]Holes
	reading  map[*trackRecorder]bool
	pictures map[uint64]SmallPicture // that have ended, by track
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
	return &Recorder{
		c:      c,
		items:  make(chan item, queueLength),
		report: Report{Holes: make(map[string]time.Duration)},

		outcomes: make(map[media.Codec]*outcomeCounts),
		holes:    make(map[string]Holes),
		reading:  make(map[*trackRecorder]bool),
		pictures: make(map[uint64]SmallPicture),
	}
}

// Record announces the recording, then records room until ctx ends, the
// configured duration is over, nobody attends any more (Config.Grace and Wait) or
// the room has ended: none of these is an error. It closes the room and returns
// after everything that was received has been committed to the Sink. A Sink whose
// disk is full (ENOSPC, EDQUOT) pauses the recording until there is room; what is
// missing then is declared. An error means that the Sink failed otherwise, or is
// still full at the end, or that the room did in a way that Report.Reason does
// not cover; what was committed before stays. A Recorder records once: of a second
// call the error is ErrRecorded. A Config without a required field is an error, too. In both cases
// room is closed.
func (r *Recorder) Record(ctx context.Context, room Room) (Report, error) {
	if r.c.Recording == "" || r.c.Sink == nil || r.c.Notices.Start == "" {
		return Report{}, errors.Join(errIncomplete, room.Close())
	}
	if r.begun.Swap(true) {
		return Report{}, errors.Join(ErrRecorded, room.Close())
	}
	if err := room.Announce(ctx, r.c.Notices.Start); err != nil {
		return Report{}, errors.Join(fmt.Errorf("announcing the recording: %w", err), room.Close())
	}
	watch := startClock(r.asleep)
	r.begin(room, watch.start)
	r.c.Log.Info("recording: what the room sends is kept from now on")
	defer r.setState(StateEnded)

	run, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if r.c.Duration > 0 {
		timer := time.AfterFunc(r.c.Duration, func() { stop(errDuration) })
		defer timer.Stop()
	}

	p := &producers{r: r, activity: newActivity(), room: room, watch: watch, done: make(chan struct{}),
		slots: make(map[slotKey][]*slot), byID: make(map[string]*trackRecorder), running: make(map[*trackRecorder]bool), unarrived: make(map[string]*unarrivedTrack), aliveOf: make(map[string]int), turnedAway: make(turnedAway), reportedTurnedAway: make(map[string]time.Duration), late: memoryShares{room: pendingBytesAll, track: pendingBytesTrack}, early: memoryShares{room: playoutBytesAll, track: playoutBytesTrack},
		roster: r.Roster(), emptyRoom: emptyRoom{roster: r.Roster(), grace: r.c.Grace, wait: r.c.Wait, end: stop}}
	p.emit(media.Event{Type: media.EventStart, Text: room.Name()})
	p.emit(media.Event{Type: media.EventAnnounced, Text: r.c.Notices.Start})
	if r.c.Follows != "" {
		p.emit(media.Event{Type: media.EventFollows, Text: r.c.Follows})
	}
	r.board.set(p)
	p.emptyRoom.start()

	var closing error
	swept, sweeper := make(chan struct{}), sync.WaitGroup{}
	sweeper.Go(func() { p.sweep(swept) })
	go func() {
		err := p.accept(run)
		p.emptyRoom.stopTimer()
		reason := endReason(context.Cause(run), err)
		stop(nil)
		end := watch.stop()
		_ = p.contain("", func() { p.declareUnarrived(end) }) // while the room still knows
		if !errors.Is(err, ErrEnded) {
			p.over.Store(true) // else the room's last packets are still to be read
		}
		if r.c.Notices.End != "" && !errors.Is(err, ErrEnded) {
			// Bounded: a dead connection must not hold up the sealing.
			bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
			if err := room.Announce(bye, r.c.Notices.End); err != nil {
				r.c.Log.Warn("the end could not be announced", "err", err)
			}
			cancel()
		}
		closing = room.Close()
		p.tracks.Wait()
		close(swept)
		sweeper.Wait()
		_ = p.contain("", func() { p.flushActivity(end, true) })
		_ = p.contain("", func() { p.declareAbsence(end) })
		r.board.set(nil)
		// The last sounds last a little longer than they came. Events have milliseconds.
		end = (max(end, p.last) + time.Millisecond - 1).Truncate(time.Millisecond)
		p.emit(media.Event{Time: end, Type: media.EventStop, Reason: reason})
		r.mu.Lock()
		r.report.Reason, r.report.Duration = reason, end
		if errors.Is(err, ErrEnded) {
			r.report.Cause = err
		}
		r.mu.Unlock()
		close(r.items)
	}()

	err := r.write(p)
	if err != nil {
		close(p.done) // nobody reads the queue any more
		stop(err)
		for range r.items {
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Frames = r.counts.frames.Load()
	r.report.Small = r.small()
	return r.report, errors.Join(err, closing)
}

var errDuration = errors.New("duration reached")

func endReason(cause, err error) string {
	switch {
	case errors.Is(err, ErrEnded):
		return err.Error()
	case errors.Is(cause, errDuration), errors.Is(cause, errAllLeft), errors.Is(cause, errNobody):
		return cause.Error()
	case cause != nil:
		return "stopped"
	}
	return err.Error()
}

// write keeps what the producers deliver, until the queue is closed.
func (r *Recorder) write(p *producers) error {
	k := &diskFullWriter{r: r, p: p, room: p.room, s: &segmenter{
		sink: r.c.Sink, recording: r.c.Recording, watch: p.watch,
		length: r.c.Segment, maxBytes: r.c.SegmentBytes, onCommit: r.segmentDone, onOpen: r.sealing,
		refusedItems: refusedItems{declare: r.countHole, dropped: p.refused},
	}, readers: readerEpochs{access: r.c.Access, roster: p.roster}}
	k.s.beforeOpen, k.s.boundary.requestKeyFrames = k.beforeSegment, p.endSegment
	defer func() { r.setCounted(&k.s.counts) }()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case i, ok := <-r.items:
			now := p.watch.elapsed()
			r.alive.Store(int64(now))
			if !ok {
				return k.finish(now)
			}
			if err := k.take(i, now); err != nil {
				return err
			}
		case <-tick.C:
			now := p.watch.elapsed()
			r.alive.Store(int64(now))
			if err := k.tick(now); err != nil {
				return err
			}
		}
	}
}
