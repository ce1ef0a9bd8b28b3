package recorder

import (
	"context"
	"errors"
	"maps"
	"slices"
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
	maxHeld      = 4096
	maxHeldBytes = 16 << 20
)

// isFull reports whether err may go away when somebody makes room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// A keeper writes items through a segmenter, and waits where a full disk stops
// it: frames are dropped then, events are kept, and as soon as there is room
// the hole is declared and recording goes on. It belongs to one goroutine.
type keeper struct {
	r     *Recorder
	s     *segmenter
	p     *producers
	room  Room
	tells sync.WaitGroup // announcements under way
	admit admission

	paused bool
	since  time.Duration
	wait   time.Duration
	next   time.Duration // when to try again
	held   []media.Event
	weight int64                   // of those held here, in bytes
	missed map[media.EventType]int // events that found no place in held
	spans  map[uint64]*missing     // tracks that miss something, by UID
}

// A missing is what one track misses; to is 0 while the track goes on.
type missing struct {
	track    media.Track
	from, to time.Duration
}

// take takes an item. A fault costs the track or the member that it is of.
func (k *keeper) take(i item, now time.Duration) (err error) {
	broken := fault.Contain(func() {
		k.r.load.remove(i.data())
		if i.event != nil && i.event.Type == media.EventGap {
			k.r.gap(*i.event)
		}
		if err = k.add(i, now); err == nil && i.event != nil && i.event.Type == media.EventTrackEnd {
			err = k.check(k.s.end(i.event.Track, now), now)
		}
	})
	if broken != nil {
		_ = fault.Contain(func() { k.s.spoil(i, broken) })
	}
	return err
}

// add writes or holds an item.
func (k *keeper) add(i item, now time.Duration) error {
	left := i.event != nil && k.admit.event(*i.event)
	if k.paused {
		k.hold(i)
		if e, ok := k.admit.verified(i.event); ok {
			k.hold(item{event: &e})
		}
		return k.tick(now)
	}
	if i.event != nil && changesReaders(i.event.Type) && k.admit.due() {
		// What came before is not for the readers of the next epoch.
		if err := k.check(k.s.unturn(), now); err != nil {
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
	if e, ok := k.admit.verified(i.event); ok && err == nil {
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

// before starts the epoch that is due, if there is one, before a segment.
func (k *keeper) before(now time.Duration) ([]media.Event, error) {
	if err := k.admit.admit(); isFull(err) {
		return nil, err
	} else if err != nil {
		k.r.c.Log.Warn("a reader was not admitted; it is tried again with the next segment", "err", err)
	}
	if !k.admit.due() {
		return nil, nil
	}
	if err := k.s.endEpoch(); err != nil {
		return nil, err
	}
	events, err := k.admit.start()
	if err != nil {
		return nil, err
	}
	k.p.askKeys()
	for i := range events {
		events[i].Time = now
	}
	if n := len(events) - 1; n > 0 {
		k.r.c.Log.Warn("more readers are here than a recording can be sealed to", "without", n)
	}
	return events, nil
}

// tick does what is due.
func (k *keeper) tick(now time.Duration) error {
	if !k.paused {
		return k.check(k.s.tick(now), now)
	}
	if now < k.next {
		return nil
	}
	k.next, k.wait = now+k.wait, min(2*k.wait, lastRetry)
	return k.check(k.resume(now), now)
}

// finish writes the rest. What a full disk still refuses is an error now.
func (k *keeper) finish(now time.Duration) error {
	defer k.tells.Wait()
	if k.paused {
		if err := k.resume(now); err != nil {
			return err
		}
	}
	err := k.s.finish(now)
	if err != nil {
		k.s.lose(now)
	}
	return errors.Join(err, k.admit.admit()) // who came in the last segment
}

// check pauses if err is a full disk, and returns any other error.
func (k *keeper) check(err error, now time.Duration) error {
	if err == nil {
		return nil
	}
	from, events := k.s.lose(now)
	if !isFull(err) {
		return err
	}
	k.held = append(events, k.held...)
	if k.paused {
		return nil // it did not go on after all
	}
	k.paused, k.since = true, from
	k.r.setState(StateDiskFull)
	k.wait, k.next = 2*firstRetry, now+firstRetry
	k.spans, k.missed = make(map[uint64]*missing), make(map[media.EventType]int)
	for _, t := range k.s.tracks {
		k.spans[t.UID] = &missing{track: t, from: from}
	}
	k.r.c.Log.Error("the disk is full; the recording pauses until there is room", "err", err)
	k.tell("paused", k.r.c.Notices.DiskFull)
	return nil
}

// hold keeps an event, and of a frame that it is missing.
func (k *keeper) hold(i item) {
	if f := i.frame; f != nil {
		if i.track.Check() == nil {
			k.s.update(i.track)
		}
		if k.spans[f.Track] == nil {
			k.spans[f.Track] = &missing{track: i.track, from: f.Time}
		}
		return
	}
	e := *i.event
	if sp := k.spans[e.Track]; e.Type == media.EventTrackEnd && sp != nil {
		sp.to = max(e.Time, sp.from)
	}
	if len(k.held) >= maxHeld || k.weight > maxHeldBytes {
		k.missed[e.Type]++
		return
	}
	k.held = append(k.held, e)
	k.weight += i.weight()
}

// resume opens a segment and declares what is missing before it.
func (k *keeper) resume(now time.Duration) error {
	// As many segments as they fill. Where the disk is full still, check takes back
	// what was not committed.
	for i := range k.held {
		k.s.wait(item{event: &k.held[i]}, now)
	}
	k.held, k.weight = nil, 0
	if err := k.s.cut(now); err != nil {
		return err
	}
	if k.s.object == nil {
		if err := k.s.open(now); err != nil {
			return err
		}
	}
	var lost []media.Event
	for uid, sp := range k.spans {
		to := sp.to
		if to == 0 {
			to = now
		}
		if to > sp.from {
			lost = append(lost, media.Event{Time: sp.from, Type: media.EventGap, Participant: sp.track.Participant, Track: uid,
				From: sp.from, To: to, Reason: media.GapSpool})
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(k.missed)) {
		lost = append(lost, media.Event{Time: now, Type: media.EventDropped, Reason: string(typ), Count: k.missed[typ]})
	}
	said := len(k.s.said)
	for i := range lost {
		if err := k.s.write(item{event: &lost[i]}); err != nil {
			k.s.said = k.s.said[:said] // they are told when it does go on
			return err
		}
	}
	for _, e := range lost {
		if e.Type == media.EventGap {
			k.r.gap(e)
		}
	}
	if len(k.missed) > 0 {
		k.r.c.Log.Warn("events of the room were dropped while the disk was full", "types", len(k.missed))
	}
	k.paused, k.spans, k.missed = false, nil, nil
	k.r.setState("")
	k.p.refresh()
	k.r.c.Log.Info("there is room again; the recording goes on", "missing", now-k.since)
	if !k.r.paused.Load() { // else it does not go on: whoever paused it will tell
		k.tell("recording", k.r.c.Notices.DiskFree)
	}
	return nil
}

// tell shows the state and announces text, without holding up the writing.
func (k *keeper) tell(state, text string) {
	if k.p.over.Load() {
		return
	}
	k.tells.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
		defer cancel()
		if err := k.p.tell(ctx, state, text); err != nil {
			k.r.c.Log.Warn("the room does not know of the disk", "state", state, "err", err)
		}
	})
}
