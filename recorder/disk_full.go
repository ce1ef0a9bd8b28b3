package recorder

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	firstRetry = 2 * time.Second // after a full disk, doubled up to lastRetry
	lastRetry  = 30 * time.Second
	// Events kept while there is no room, and their bytes; more are dropped and counted.
	maxHeldEvents = 4096
	maxHeldBytes  = 16 << 20
)

// isFull reports whether err may go away when somebody makes room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// A diskFullWriter writes items through a segmenter, and starts epochs. A full disk pauses
// it: then it drops frames and holds events. As soon as there is room it declares the
// hole, writes the events and goes on. It belongs to the goroutine that writes.
type diskFullWriter struct {
	run        *run
	segments   *segmenter
	announcing sync.WaitGroup // announcements under way
	readers    readerEpochs
	evidence   evidence

	// While the disk is full.
	paused      bool
	pausedSince time.Duration
	retryIn     time.Duration // after the next try
	retryAt     time.Duration // the next try
	heldEvents  []media.Event
	heldBytes   int64
	dropped     droppedEvents           // those of too many to hold
	missing     map[uint64]*missingSpan // what tracks miss, by UID
}

func newDiskFullWriter(r *run) *diskFullWriter {
	w := &diskFullWriter{run: r, readers: readerEpochs{access: r.config.Access, roster: r.roster}}
	w.segments = &segmenter{
		sink: r.config.Sink, recording: r.config.Recording, clock: r.clock,
		length: r.config.Segment, maxBytes: r.config.SegmentBytes,
		beforeOpen: w.beforeSegment, onOpen: r.board.setEpoch, onCommit: r.board.segmentDone,
		boundary:     boundary{requestKeyFrames: func() { r.tracks.post(segmentEnding) }},
		refusedItems: refusedItems{declare: r.board.countHole, dropped: w.leftOut},
	}
	return w
}

// A missingSpan is what one track misses; to is 0 while the track goes on.
type missingSpan struct {
	track    media.Track
	from, to time.Duration
}

// take writes an item. A fault costs the track or the member that it is of.
func (w *diskFullWriter) take(i item, now time.Duration) (err error) {
	broken := fault.Contain(func() {
		if i.event != nil && i.event.Type == media.EventHole {
			w.run.board.countHole(*i.event)
		}
		if err = w.add(i, now); err == nil && i.event != nil && i.event.Type == media.EventTrackEnd {
			err = w.check(w.segments.endTrack(i.event.Track, now), now)
		}
	})
	if broken != nil {
		_ = fault.Contain(func() { w.segments.refuseFault(i, broken) })
	}
	return err
}

// add writes or holds an item, and what follows from it.
func (w *diskFullWriter) add(i item, now time.Duration) error {
	if i.event != nil {
		w.evidence.take(*i.event)
	}
	left := i.event != nil && w.readers.update(*i.event)
	if !w.paused {
		if err := w.check(w.endForReaders(i, left, now), now); err != nil {
			return err
		}
	}
	if err := w.writeOrHold(i, now); err != nil {
		return err
	}
	if e, ok := w.readers.verifiedEvent(i.event); ok {
		if err := w.writeOrHold(item{event: &e}, now); err != nil {
			return err
		}
	}
	if w.paused {
		return w.tick(now)
	}
	if i.event != nil && (i.event.Type == media.EventPause || i.event.Type == media.EventResume) {
		// What was kept until here is not to wait for what comes after a pause.
		return w.check(w.segments.cut(now), now)
	}
	return nil
}

// endForReaders ends what was written before an item that changes who reads; left says
// that a reader left.
func (w *diskFullWriter) endForReaders(i item, left bool, now time.Duration) error {
	if i.event != nil && changesReaders(i.event.Type) && w.readers.due() {
		// What came before is not for the readers of the next epoch.
		if err := w.segments.cancelBoundary(); err != nil {
			return err
		}
	}
	if left {
		// Whoever left can open the current segment. It ends here.
		return w.segments.cut(now)
	}
	return nil
}

func (w *diskFullWriter) writeOrHold(i item, now time.Duration) error {
	if w.paused {
		w.hold(i)
		return nil
	}
	return w.check(w.segments.add(i, now), now)
}

// beforeSegment starts the epoch that is due, if there is one, before a segment.
func (w *diskFullWriter) beforeSegment(now time.Duration) ([]media.Event, error) {
	if err := w.readers.admitOwed(); isFull(err) {
		return nil, err
	} else if err != nil {
		w.run.log.Warn("a reader was not admitted; it is tried again with the next segment", "err", err)
	}
	if !w.readers.due() {
		return nil, nil
	}
	if err := w.segments.endEpoch(); err != nil {
		return nil, err
	}
	events, err := w.readers.startEpoch()
	if err != nil {
		return nil, err
	}
	w.run.tracks.post(keyFrameWanted | newReaders)
	if n := len(events) - 1; n > 0 {
		w.run.log.Warn("more readers are here than a recording can be sealed to", "without", n)
	}
	if w.run.config.Title != "" {
		events = append(events, media.Event{Type: media.EventTitle, Text: w.run.config.Title})
	}
	events = append(events, w.evidence.standing()...)
	for i := range events {
		events[i].Time = w.run.clock.within(now)
	}
	return events, nil
}

// tick does what is due.
func (w *diskFullWriter) tick(now time.Duration) error {
	if !w.paused {
		return w.check(w.segments.tick(now), now)
	}
	if now < w.retryAt {
		return nil
	}
	w.retryAt, w.retryIn = now+w.retryIn, min(2*w.retryIn, lastRetry)
	return w.check(w.resume(now), now)
}

// finish writes the rest. A disk that is still full is an error now.
func (w *diskFullWriter) finish(now time.Duration) error {
	defer w.announcing.Wait()
	if w.paused {
		if err := w.resume(now); err != nil {
			return err
		}
	}
	err := w.segments.finish(now)
	if err != nil {
		w.segments.abandon(now)
	}
	return errors.Join(err, w.readers.admitOwed()) // who came in the last segment
}

// check pauses if err is a full disk, and returns any other error.
func (w *diskFullWriter) check(err error, now time.Duration) error {
	if err == nil {
		return nil
	}
	from, events := w.segments.abandon(now)
	if !isFull(err) {
		return err
	}
	w.heldEvents = append(events, w.heldEvents...)
	if w.paused {
		return nil // it did not go on after all
	}
	w.paused, w.pausedSince = true, from
	w.run.board.setState(StateDiskFull)
	w.retryIn, w.retryAt = 2*firstRetry, now+firstRetry
	w.missing, w.dropped = make(map[uint64]*missingSpan), nil
	for _, t := range w.segments.tracks {
		w.missing[t.UID] = &missingSpan{track: t, from: from}
	}
	w.run.log.Error("the disk is full; the recording pauses until there is room", "err", err)
	w.tellRoom("paused", w.run.config.Notices.DiskFull)
	return nil
}

// hold holds an event. Of a frame it notes that it is missing.
func (w *diskFullWriter) hold(i item) {
	if f := i.frame; f != nil {
		if i.track.Check() == nil {
			w.segments.update(i.track)
		}
		if w.missing[f.Track] == nil {
			w.missing[f.Track] = &missingSpan{track: i.track, from: f.Time}
		}
		return
	}
	e := *i.event
	if sp := w.missing[e.Track]; e.Type == media.EventTrackEnd && sp != nil {
		sp.to = max(e.Time, sp.from)
	}
	if len(w.heldEvents) >= maxHeldEvents || w.heldBytes > maxHeldBytes {
		w.dropped.add(e.Participant, e.Type, 1)
		return
	}
	w.heldEvents = append(w.heldEvents, e)
	w.heldBytes += i.weight()
}

// resume opens a segment and declares what is missing before it.
func (w *diskFullWriter) resume(now time.Duration) error {
	// As many segments as they fill. Where the disk is full still, check takes back
	// what was not committed.
	for i := range w.heldEvents {
		w.segments.delay(item{event: &w.heldEvents[i]}, now)
	}
	w.heldEvents, w.heldBytes = nil, 0
	if err := w.segments.cut(now); err != nil {
		return err
	}
	if w.segments.current == nil {
		if err := w.segments.open(now); err != nil {
			return err
		}
	}
	var lost []media.Event
	missing := now - w.pausedSince
	now = w.run.clock.within(now)
	for uid, sp := range w.missing {
		to := sp.to
		if to == 0 {
			to = now
		}
		if to > sp.from {
			lost = append(lost, media.Event{Time: sp.from, Type: media.EventHole, Participant: sp.track.Participant, Track: uid,
				From: sp.from, To: to, Reason: media.HoleSpool})
		}
	}
	lost = append(lost, w.dropped.events(now)...)
	open := w.segments.current
	said := len(open.written)
	for i := range lost {
		if err := w.segments.write(item{event: &lost[i]}); err != nil {
			open.written = open.written[:said] // they are told when it does go on
			return err
		}
	}
	for _, e := range lost {
		if e.Type == media.EventHole {
			w.run.board.countHole(e)
		}
	}
	if len(w.dropped) > 0 {
		w.run.log.Warn("events of the room were dropped while the disk was full", "kinds", len(w.dropped))
	}
	w.paused, w.missing, w.dropped = false, nil, nil
	w.run.board.setState("")
	w.run.tracks.post(mediaDropped)
	w.run.log.Info("there is room again; the recording goes on", "missing", missing)
	if !w.run.pause.keepsNothing() { // else it does not go on: whoever paused it will tell
		w.tellRoom("recording", w.run.config.Notices.DiskFree)
	}
	return nil
}

// tellRoom shows the state and announces text, without holding up the writing.
func (w *diskFullWriter) tellRoom(state, text string) {
	if w.run.over.Load() {
		return
	}
	w.announcing.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), noticeTime)
		defer cancel()
		if err := w.run.tellRoom(ctx, state, text); err != nil {
			w.run.log.Warn("the room does not know of the disk", "state", state, "err", err)
		}
	})
}

// leftOut logs and counts what could not be written: an event of a type, or a frame if typ
// is "", whose hole is declared besides.
func (w *diskFullWriter) leftOut(participant string, typ media.EventType, err error) {
	w.run.log.Error("something that cannot be written was left out", "type", typ, "err", err)
	if typ != "" {
		w.run.activity.drop(participant, typ, 1)
	}
}
