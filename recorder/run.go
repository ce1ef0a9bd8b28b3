package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	tickEvery    = 100 * time.Millisecond
	declareEvery = 5 * time.Second // a hole that lasts is declared piece by piece
	noticeTime   = 2 * time.Second // for telling the room something when it matters to go on
)

// A run is one recording, from its announcement to its last segment. These are its
// goroutines, and what each of them owns:
//
//   - one accepts what happens in the room, and in the end shuts down: emptyRoom;
//   - one reads each track: its trackRecorder;
//   - one sweeps, every 100 ms, what waits for too long: its unopenedReporter;
//   - one writes, the one that called Recorder.Record: its diskFullWriter.
type run struct {
	// Set by newRun and not changed after: any goroutine reads them.
	config Config
	log    *slog.Logger
	room   Room
	roster *Roster

	// Set by start, before the run has a second goroutine. Methods of Recorder look at
	// them only while open is set.
	clock *recordingClock         // 0 is when the room was told
	stop  context.CancelCauseFunc // ends the recording; the first cause stands

	// Each is safe for concurrent use. Locks are taken in this order: remote, tracks or a
	// trackRecorder's, board, any other. Whoever writes takes tracks, so nothing is queued
	// while that is held: the queue may be full until it is written.
	queue         *queue // from all who read the room to the one who writes
	board         *board // what Status and Report say
	tracks        *tracks
	activity      *activity
	transcripts   *transcripts
	roomClocks    roomClocks
	away          awayLog
	standstill    standstill
	pendingShares memoryShares // of frames that wait for their keys
	playoutShares memoryShares // and of those that wait for their time
	pause         cutoff       // by Recorder.Pause and Resume
	over          atomic.Bool  // nothing is wanted any more, though the room is not left yet

	// reading counts the goroutines that read tracks. The goroutine that accepts adds to
	// it and, in shutdown, waits for it: so none is added while it waits.
	reading sync.WaitGroup

	// sweeping is the goroutine that sweeps, until endSweep is closed.
	sweeping sync.WaitGroup
	endSweep chan struct{}

	emptyRoom emptyRoom // owned by the goroutine that accepts

	// remote is held by each method of Recorder that changes the recording, and to set
	// open: so nothing is queued that way after shutdown has closed the queue.
	remote sync.Mutex
	open   bool // since the room was told, until shutdown has waited for the last track
}

func newRun(c Config, room Room) *run {
	r := &run{config: c, log: c.Log, room: room,
		queue: newQueue(), board: newBoard(), tracks: newTracks(), activity: newActivity(), transcripts: newTranscripts(), endSweep: make(chan struct{}),
		pendingShares: memoryShares{room: pendingBytesAll, track: pendingBytesTrack},
		playoutShares: memoryShares{room: playoutBytesAll, track: playoutBytesTrack}}
	r.board.declared = c.Declared
	if l, ok := room.(Lister); ok {
		r.roster = l.Roster()
	} else {
		r.roster = NewRoster()
	}
	return r
}

// record does what Recorder.Record says. asleep is for a recordingClock.
func (r *run) record(ctx context.Context, asleep func() time.Duration) (Report, error) {
	if err := r.room.Announce(ctx, r.config.Notices.Start); err != nil {
		return Report{}, errors.Join(fmt.Errorf("announcing the recording: %w", err), r.room.Close())
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r.start(stop, asleep)
	defer r.board.setState(StateEnded)
	if r.config.Duration > 0 {
		timer := time.AfterFunc(r.config.Duration, func() { stop(errDuration) })
		defer timer.Stop()
	}

	r.sweeping.Go(r.sweep)
	left := make(chan error, 1)
	go func() {
		accepting := r.accept(running)
		left <- r.shutdown(ctx, context.Cause(running), accepting)
	}()

	err := r.write()
	if err != nil {
		r.queue.abandon()
		stop(err)
	}
	closing := <-left
	return r.board.finalReport(), errors.Join(err, closing)
}

// start begins the timeline, now that the room was told.
func (r *run) start(stop context.CancelCauseFunc, asleep func() time.Duration) {
	r.stop = stop
	r.clock = startClock(asleep)
	r.board.begin(r.clock.start)
	r.log.Info("recording: what the room sends is kept from now on")
	if r.config.Started != nil {
		r.config.Started(r.clock.start)
	}
	start := media.Event{Type: media.EventStart, Text: r.room.Name(), Reason: r.config.startReason()}
	if m, ok := r.room.(Meeter); ok {
		start.Name = media.Clamp(m.SID(), media.MaxName)
	}
	r.emit(start)
	r.emit(media.Event{Type: media.EventAnnounced, Text: r.config.Notices.Start})
	if r.config.Title != "" {
		r.emit(media.Event{Type: media.EventTitle, Text: r.config.Title})
	}
	if r.config.Follows != "" {
		r.emit(media.Event{Type: media.EventFollows, Text: r.config.Follows})
	}
	if r.config.Before != nil {
		if id := r.config.Before(); id != "" {
			r.emit(media.Event{Type: media.EventFollows, Text: id, Reason: media.FollowsServer})
		}
	}
	if r.config.PartOf != "" {
		r.emit(media.Event{Type: media.EventPartOf, Text: r.config.PartOf})
	}
	if r.config.Card != "" {
		r.emit(media.Event{Type: media.EventRecorder, Text: r.config.Card, Name: r.config.CardName})
	}
	r.setOpen(true)
	r.emptyRoom = emptyRoom{roster: r.roster, grace: r.config.Grace, wait: r.config.Wait, end: stop}
	r.emptyRoom.start()
}

// startReason says who made the room's keys.
func (c *Config) startReason() string {
	if c.MemberKeys {
		return media.StartMembers
	}
	return ""
}

// shutdown ends what start began, step by step, after accepting has ended with an
// error; cause is the running context's, nil where the room ended. Each step says
// why it is where it is. It returns what closing the room came to.
func (r *run) shutdown(ctx context.Context, cause, accepting error) error {
	ended := errors.Is(accepting, ErrEnded)
	reason := endReason(cause, accepting)
	// No other cause after this one.
	r.emptyRoom.stopTimer()
	r.stop(nil)
	// The end comes before the farewell: what that takes is not recorded.
	end := r.clock.stop()
	// While the room still knows what it waits for.
	_ = r.contain("", func() {
		r.declareUnarrived(end)
		r.declareTurnedAway(end)
	})
	// Of a room that has ended, the last packets are still to be read.
	if !ended {
		r.over.Store(true)
		r.sayFarewell(ctx) // before it is left
	}
	// The tracks end with their room, and queue the last that they hold.
	closing := r.room.Close()
	r.reading.Wait()
	// Only now: until its end a track may wait for what a sweep lets go of.
	close(r.endSweep)
	r.sweeping.Wait()
	// What the last tracks told, and what they left.
	_ = r.contain("", func() { r.flushActivity(end, true) })
	_ = r.contain("", func() {
		for _, a := range r.tracks.takeAbsences() {
			r.declareAbsence(a, end)
		}
	})
	// Nothing more is told from outside, so that the stop is the last event.
	r.setOpen(false)
	// The last sounds last a little longer than they came. Events have milliseconds.
	end = (max(end, r.tracks.lastEnd()) + time.Millisecond - 1).Truncate(time.Millisecond)
	r.emit(media.Event{Time: end, Type: media.EventStop, Reason: reason})
	if !ended {
		accepting = nil
	}
	r.board.setEnd(end, reason, accepting)
	// Nobody is left who puts anything. The writer commits the rest, and is done.
	r.queue.close()
	return closing
}

var errDuration = errors.New("duration reached")

func endReason(cause, accepting error) string {
	switch {
	case errors.Is(accepting, ErrEnded):
		return accepting.Error()
	case errors.Is(cause, errDuration), errors.Is(cause, errAllLeft), errors.Is(cause, errNobody):
		return cause.Error()
	case cause != nil:
		return "stopped"
	}
	return accepting.Error()
}

// sayFarewell tells the room that the recording has ended. It is bounded: a dead
// connection must not hold up the sealing.
func (r *run) sayFarewell(ctx context.Context) {
	if r.config.Notices.End == "" {
		return
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), noticeTime)
	defer cancel()
	if err := r.room.Announce(bye, r.config.Notices.End); err != nil {
		r.log.Warn("the end could not be announced", "err", err)
	}
}

// write writes what is queued, until the queue is closed.
func (r *run) write() error {
	w := newDiskFullWriter(r)
	defer func() { r.board.setCounted(&w.segments.counts) }()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case i, ok := <-r.queue.items:
			now := r.clock.elapsed()
			r.board.alive.Store(int64(now))
			if !ok {
				return w.finish(now)
			}
			r.queue.took(i)
			if err := w.take(i, now); err != nil {
				return err
			}
		case <-tick.C:
			now := r.clock.elapsed()
			r.board.alive.Store(int64(now))
			if err := w.tick(now); err != nil {
				return err
			}
		}
	}
}

// emit queues an event, now unless it has a time.
func (r *run) emit(e media.Event) {
	if e.Time == 0 {
		e.Time = r.clock.now()
	}
	r.queue.put(item{event: &e})
}

// contain does what has to do with one participant, or with nobody in particular. A
// fault of it is declared, costs nobody else anything, and is returned.
func (r *run) contain(participant string, f func()) error {
	err := fault.Contain(f)
	if err == nil {
		return nil
	}
	_ = fault.Contain(func() {
		at := r.clock.now()
		if e := unrecorded(participant, at, media.HoleFault); r.activity.allows(e, at) {
			r.log.Error("something that happened could not be recorded", "err", err)
			r.emit(e)
		}
	})
	return err
}

// setOpen lets methods of Recorder tell the recording something, or does not any more.
func (r *run) setOpen(open bool) {
	r.remote.Lock()
	defer r.remote.Unlock()
	r.open = open
}

// remotely does what a method of Recorder asks of the recording while there is one,
// one after the other. Else it returns ErrNotRecording.
func (r *Recorder) remotely(f func(*run) error) error {
	n := r.run.Load()
	if n == nil {
		return ErrNotRecording
	}
	n.remote.Lock()
	defer n.remote.Unlock()
	if !n.open {
		return ErrNotRecording
	}
	return f(n)
}
