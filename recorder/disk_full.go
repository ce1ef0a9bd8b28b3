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

// A diskFullWriter writes items through a segmenter, and waits where a full disk stops
// it: frames are dropped then, events are kept, and as soon as there is room
// the hole is declared and recording goes on. It belongs to one goroutine.
type diskFullWriter struct {
	r          *Recorder
	s          *segmenter
	p          *producers
	room       Room
	announcing sync.WaitGroup // announcements under way
	readers    readerEpochs

	paused     bool
	since      time.Duration
	retryIn    time.Duration
	retryAt    time.Duration // when to try again
	heldEvents []media.Event
	heldBytes  int64                   // of those held here, in bytes
	dropped    droppedEvents           // events that found no place in held
	missing    map[uint64]*missingSpan // tracks that miss something, by UID
}

// A missingSpan is what one track misses; to is 0 while the track goes on.
type missingSpan struct {
	track    media.Track
	from, to time.Duration
}

// take takes an item. A fault costs the track or the member that it is of.
func (k *diskFullWriter) take(i item, now time.Duration) (err error) {
	broken := fault.Contain(func() {
		k.r.load.remove(i.data())
		if i.event != nil && i.event.Type == media.EventGap {
			k.r.countHole(*i.event)
		}
		if err = k.add(i, now); err == nil && i.event != nil && i.event.Type == media.EventTrackEnd {
			err = k.check(k.s.endTrack(i.event.Track, now), now)
		}
	})
	if broken != nil {
		_ = fault.Contain(func() { k.s.refuseFault(i, broken) })
	}
	return err
}

// add writes or holds an item.
func (k *diskFullWriter) add(i item, now time.Duration) error {
	left := i.event != nil && k.readers.update(*i.event)
	if k.paused {
		k.hold(i)
		if e, ok := k.readers.verifiedEvent(i.event); ok {
			k.hold(item{event: &e})
		}
		return k.tick(now)
	}
	if i.event != nil && changesReaders(i.event.Type) && k.readers.due() {
		// What came before is not for the readers of the next epoch.
		if err := k.check(k.s.cancelBoundary(), now); err != nil {
			return err
		}
		if k.paused {
			k.hold(i)
			return nil
		}
	}
	if left {
		// Whoever left ends with the current segment, and that ends now.
		if err := k.check(k.s.cut(now), now); err != nil {
			return err
		}
		if k.paused {
			k.hold(i)
			return nil
		}
	}
	err := k.check(k.s.add(i, now), now)
	if e, ok := k.readers.verifiedEvent(i.event); ok && err == nil {
		if k.paused {
			k.hold(item{event: &e})
		} else {
			err = k.check(k.s.add(item{event: &e}, now), now)
		}
	}
	if err == nil && !k.paused && i.event != nil && (i.event.Type == media.EventPause || i.event.Type == media.EventResume) {
		// What was kept until here is not to wait for what comes after a pause.
		err = k.check(k.s.cut(now), now)
	}
	return err
}

// beforeSegment starts the epoch that is due, if there is one, before a segment.
func (k *diskFullWriter) beforeSegment(now time.Duration) ([]media.Event, error) {
	if err := k.readers.admitOwed(); isFull(err) {
		return nil, err
	} else if err != nil {
		k.r.c.Log.Warn("a reader was not admitted; it is tried again with the next segment", "err", err)
	}
	if !k.readers.due() {
		return nil, nil
	}
	if err := k.s.endEpoch(); err != nil {
		return nil, err
	}
	events, err := k.readers.startEpoch()
	if err != nil {
		return nil, err
	}
	k.p.askKeys()
	for i := range events {
		events[i].Time = k.p.watch.within(now)
	}
	if n := len(events) - 1; n > 0 {
		k.r.c.Log.Warn("more readers are here than a recording can be sealed to", "without", n)
	}
	return events, nil
}

// tick does what is due.
func (k *diskFullWriter) tick(now time.Duration) error {
	if !k.paused {
		return k.check(k.s.tick(now), now)
	}
	if now < k.retryAt {
		return nil
	}
	k.retryAt, k.retryIn = now+k.retryIn, min(2*k.retryIn, lastRetry)
	return k.check(k.resume(now), now)
}

// finish writes the rest. What a full disk still refuses is an error now.
func (k *diskFullWriter) finish(now time.Duration) error {
	defer k.announcing.Wait()
	if k.paused {
		if err := k.resume(now); err != nil {
			return err
		}
	}
	err := k.s.finish(now)
	if err != nil {
		k.s.abandon(now)
	}
	return errors.Join(err, k.readers.admitOwed()) // who came in the last segment
}

// check pauses if err is a full disk, and returns any other error.
func (k *diskFullWriter) check(err error, now time.Duration) error {
	if err == nil {
		return nil
	}
	from, events := k.s.abandon(now)
	if !isFull(err) {
		return err
	}
	k.heldEvents = append(events, k.heldEvents...)
	if k.paused {
		return nil // it did not go on after all
	}
	k.paused, k.since = true, from
	k.r.setState(StateDiskFull)
	k.retryIn, k.retryAt = 2*firstRetry, now+firstRetry
	k.missing, k.dropped = make(map[uint64]*missingSpan), nil
	for _, t := range k.s.tracks {
		k.missing[t.UID] = &missingSpan{track: t, from: from}
	}
	k.r.c.Log.Error("the disk is full; the recording pauses until there is room", "err", err)
	k.tellRoom("paused", k.r.c.Notices.DiskFull)
	return nil
}

// hold keeps an event, and of a frame that it is missing.
func (k *diskFullWriter) hold(i item) {
	if f := i.frame; f != nil {
		if i.track.Check() == nil {
			k.s.update(i.track)
		}
		if k.missing[f.Track] == nil {
			k.missing[f.Track] = &missingSpan{track: i.track, from: f.Time}
		}
		return
	}
	e := *i.event
	if sp := k.missing[e.Track]; e.Type == media.EventTrackEnd && sp != nil {
		sp.to = max(e.Time, sp.from)
	}
	if len(k.heldEvents) >= maxHeldEvents || k.heldBytes > maxHeldBytes {
		k.dropped.add(e.Participant, e.Type, 1)
		return
	}
	k.heldEvents = append(k.heldEvents, e)
	k.heldBytes += i.weight()
}

// resume opens a segment and declares what is missing before it.
func (k *diskFullWriter) resume(now time.Duration) error {
	// As many segments as they fill. Where the disk is full still, check takes back
	// what was not committed.
	for i := range k.heldEvents {
		k.s.delay(item{event: &k.heldEvents[i]}, now)
	}
	k.heldEvents, k.heldBytes = nil, 0
	if err := k.s.cut(now); err != nil {
		return err
	}
	if k.s.object == nil {
		if err := k.s.open(now); err != nil {
			return err
		}
	}
	var lost []media.Event
	missing := now - k.since
	now = k.p.watch.within(now)
	for uid, sp := range k.missing {
		to := sp.to
		if to == 0 {
			to = now
		}
		if to > sp.from {
			lost = append(lost, media.Event{Time: sp.from, Type: media.EventGap, Participant: sp.track.Participant, Track: uid,
				From: sp.from, To: to, Reason: media.GapSpool})
		}
	}
	lost = append(lost, k.dropped.events(now)...)
	said := len(k.s.written)
	for i := range lost {
		if err := k.s.write(item{event: &lost[i]}); err != nil {
			k.s.written = k.s.written[:said] // they are told when it does go on
			return err
		}
	}
	for _, e := range lost {
		if e.Type == media.EventGap {
			k.r.countHole(e)
		}
	}
	if len(k.dropped) > 0 {
		k.r.c.Log.Warn("events of the room were dropped while the disk was full", "kinds", len(k.dropped))
	}
	k.paused, k.missing, k.dropped = false, nil, nil
	k.r.setState("")
	k.p.refresh()
	k.r.c.Log.Info("there is room again; the recording goes on", "missing", missing)
	if !k.r.paused.Load() { // else it does not go on: whoever paused it will tell
		k.tellRoom("recording", k.r.c.Notices.DiskFree)
	}
	return nil
}

// tellRoom shows the state and announces text, without holding up the writing.
func (k *diskFullWriter) tellRoom(state, text string) {
	if k.p.over.Load() {
		return
	}
	k.announcing.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), noticeTime)
		defer cancel()
		if err := k.p.tellRoom(ctx, state, text); err != nil {
			k.r.c.Log.Warn("the room does not know of the disk", "state", state, "err", err)
		}
	})
}
