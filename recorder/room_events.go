package recorder

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder/media"
)

// emit queues an event, now unless it has a time.
func (p *producers) emit(e media.Event) {
	if e.Time == 0 {
		e.Time = p.watch.now()
	}
	e = e.Clamped()
	i := item{event: &e}
	if !p.r.load.add(i.data(), p.done) {
		return
	}
	select {
	case p.r.items <- i:
	case <-p.done:
	}
}

func (p *producers) accept(ctx context.Context) error {
	for faults := 0; ; {
		var e RoomEvent
		var err error
		if broken := p.contain("", func() { e, err = p.room.Accept(ctx) }); broken != nil {
			// The room could not cope with something; what happens next may do no harm.
			if faults++; faults < maxFaults {
				continue
			}
			err = broken
		}
		if err != nil {
			return err
		}
		_ = p.contain(e.Participant, func() { p.event(e) }) // it was declared
	}
}

// contain does what has to do with one participant, or with nobody in particular. A
// fault of it is declared, costs nobody else anything, and is returned.
func (p *producers) contain(participant string, f func()) error {
	err := fault.Contain(f)
	if err == nil {
		return nil
	}
	_ = fault.Contain(func() {
		at := p.watch.now()
		if e := unrecorded(participant, at, media.GapFault); p.activity.allows(e, at) {
			p.r.c.Log.Error("something that happened could not be recorded", "err", err)
			p.emit(e)
		}
	})
	return err
}

// event takes an event of the room.
func (p *producers) event(e RoomEvent) {
	at := p.watch.at(e.At)
	early := at < 0 // while the room was told
	at = max(0, at)
	if _, ok := p.room.(Lister); !ok {
		p.updateRoster(e)
	}
	p.emptyRoom.update(e)
	if p.pause.keepsNothing() && !keptWhilePaused(e.Type) || early && isMessage(e.Type) {
		return
	}
	switch e.Type {
	case media.EventTrack:
		p.add(e.Track, at)
	case media.EventMute, media.EventUnmute:
		p.mu.Lock()
		rec := p.byID[e.TrackID]
		p.mu.Unlock()
		if rec != nil && rec.muted.set(e.Type == media.EventMute, at) {
			p.reportMute(rec, at)
		}
	case EventHeld, EventSent:
		p.mu.Lock()
		rec := p.byID[e.TrackID]
		p.mu.Unlock()
		if rec != nil {
			rec.heldBack.set(e.Type == EventHeld, at)
		}
	case media.EventGap:
		p.declareUnrecorded(e.Participant, at, e.Reason)
	case media.EventLeftOut:
		if e := (media.Event{Time: at, Type: e.Type, Participant: e.Participant, Reason: e.Reason, Text: e.Text}); p.activity.allows(e, at) {
			p.emit(e)
		}
	case media.EventLost:
		p.roomLost(at)
	case media.EventReconnect:
		p.roomBack(e, at)
	case media.EventSpeaking, media.EventChat, media.EventStream, media.EventReaction, media.EventConsent,
		media.EventName, media.EventHand, media.EventMetadata, media.EventQuality, media.EventDropped:
		p.recordActivity(e, at)
	case EventDialed:
	default:
		if e.Type == media.EventLeave {
			p.activity.left(e.Participant, at)
		}
		p.emit(media.Event{Time: at, Type: e.Type, Participant: e.Participant, Name: e.Name})
	}
}

// declareUnrecorded declares that something of a participant is not recorded, nobody knows for
// how long.
func (p *producers) declareUnrecorded(participant string, at time.Duration, reason string) {
	if e := unrecorded(participant, at, reason); p.activity.allows(e, at) {
		p.emit(e)
	}
}

func unrecorded(participant string, at time.Duration, reason string) media.Event {
	return media.Event{Time: at, Type: media.EventGap, Participant: participant, From: at, To: at, Reason: reason}
}

// updateRoster keeps the roster of a room that keeps none.
func (p *producers) updateRoster(e RoomEvent) {
	switch e.Type {
	case media.EventJoin:
		p.roster.Came(Member{Identity: e.Participant, Name: e.Name, Machine: e.Machine, Since: e.At})
	case media.EventLeave:
		p.roster.Went(e.Participant, "")
	}
}
