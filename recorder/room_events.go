package recorder

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// accept takes what happens in the room, until the room has ended or ctx has, and
// returns that error.
func (r *run) accept(ctx context.Context) error {
	for faults := 0; ; {
		var e RoomEvent
		var err error
		if broken := r.contain("", func() { e, err = r.room.Accept(ctx) }); broken != nil {
			// The room could not cope with something; what happens next may do no harm.
			if faults++; faults < maxFaults {
				continue
			}
			err = broken
		}
		if err != nil {
			return err
		}
		_ = r.contain(e.Participant, func() { r.event(e) }) // it was declared
	}
}

// event takes an event of the room.
func (r *run) event(e RoomEvent) {
	at := r.clock.at(e.At)
	early := at < 0 // while the room was told
	at = max(0, at)
	if _, ok := r.room.(Lister); !ok {
		r.roster.follow(e)
	}
	r.emptyRoom.update(e)
	if r.pause.keepsNothing() && !keptWhilePaused(e.Type) || early && isMessage(e.Type) {
		if e.Type == media.EventTranscription {
			r.transcripts.withhold(e)
		}
		return
	}
	switch e.Type {
	case media.EventTrack:
		r.addTrack(e.Track, at)
	case media.EventMute, media.EventUnmute:
		if t := r.tracks.find(e.TrackID); t != nil && t.inbox.muted.set(e.Type == media.EventMute, at) {
			t.reportMute(at)
		}
	case EventHeld, EventSent:
		if t := r.tracks.find(e.TrackID); t != nil {
			t.inbox.heldBack.set(e.Type == EventHeld, at)
		}
	case media.EventHole:
		r.declareUnrecorded(e.Participant, at, e.Reason)
	case media.EventLeftOut:
		if e := (media.Event{Time: at, Type: e.Type, Participant: e.Participant, Reason: e.Reason, Text: e.Text}); r.activity.allows(e, at) {
			r.emit(e)
		}
	case media.EventLost:
		r.roomLost(e.Server, at)
	case media.EventReconnect:
		r.roomBack(e, at)
	case media.EventServer:
		if e := (media.Event{Time: at, Type: e.Type, Name: e.Server, Text: e.Text}); r.activity.allows(e, at) {
			r.emit(e)
		}
	case media.EventTranscription:
		r.transcribed(e, at)
	case media.EventSpeaking, media.EventChat, media.EventStream, media.EventReaction, media.EventConsent,
		media.EventName, media.EventHand, media.EventMetadata, media.EventQuality, media.EventDropped:
		r.recordActivity(e, at)
	case EventDialed, EventAnswered, EventStanding:
	default:
		if e.Type == media.EventLeave {
			r.activity.left(e.Participant, at)
		}
		r.emit(media.Event{Time: at, Type: e.Type, Participant: e.Participant, Name: e.Name})
	}
}

// declareUnrecorded declares that something of a participant is not recorded, nobody knows for
// how long.
func (r *run) declareUnrecorded(participant string, at time.Duration, reason string) {
	if e := unrecorded(participant, at, reason); r.activity.allows(e, at) {
		r.emit(e)
	}
}

func unrecorded(participant string, at time.Duration, reason string) media.Event {
	return media.Event{Time: at, Type: media.EventHole, Participant: participant, From: at, To: at, Reason: reason}
}
