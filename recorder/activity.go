package recorder

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	maxSpeakers  = 64          // at once; the rest is not in the timeline
	speechPause  = time.Second // a shorter pause does not end what somebody says
	maxUtterance = 30 * time.Second
)

// An activity holds what members do besides publishing. It keeps their floods out of the
// timeline, and makes spans of who speaks. It is safe for concurrent use.
type activity struct {
	mu              sync.Mutex
	rates           eventLimits
	dropped         droppedEvents
	reportedDropped time.Duration // when what was dropped was told
	speaking        map[string]utterance
	spoke           map[string]utterance // the last that is over
	quality         map[string]string
}

// An utterance is a span in which a member speaks. It goes on while to is 0, and goes on
// again if the member speaks within speechPause.
type utterance struct{ from, to time.Duration }

func newActivity() *activity {
	return &activity{rates: newEventLimits(),
		speaking: make(map[string]utterance), spoke: make(map[string]utterance), quality: make(map[string]string)}
}

// qualityChanged notes the quality of a member's connection, and reports whether it
// changed.
func (c *activity) qualityChanged(participant, quality string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.quality[participant] == quality {
		return false
	}
	if len(c.quality) >= maxMembers {
		clear(c.quality)
	}
	c.quality[participant] = quality
	return true
}

// speak notes that these members speak at a time, and no others.
func (c *activity) speak(speakers []string, at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	speakers = speakers[:min(len(speakers), maxSpeakers)]
	for who, u := range c.speaking {
		if u.to == 0 && !slices.Contains(speakers, who) {
			u.to = at
			c.speaking[who] = u
		}
	}
	for _, who := range speakers {
		u, known := c.speaking[who]
		switch {
		case !known && len(c.speaking) < 2*maxSpeakers:
			c.speaking[who] = utterance{from: at}
		case known:
			u.to = 0
			c.speaking[who] = u
		}
	}
}

// turn returns when a member began to speak who speaks at a time, or did so shortly
// before. It returns that time itself if they did not.
func (c *activity) turn(who string, at time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, ok := c.speaking[who]; ok {
		return min(u.from, at)
	}
	if u, ok := c.spoke[who]; ok && at-u.to <= transcribeLag {
		return min(u.from, at)
	}
	return at
}

// left ends what a member says who has left. The server may not have said so.
func (c *activity) left(who string, at time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, known := c.speaking[who]; known && u.to == 0 {
		u.to = at
		c.speaking[who] = u
	}
}

// due returns the events that are due at a time: who spoke, and what was dropped. With
// end, which is for the end of the recording and for a pause, all of them are.
func (c *activity) due(at time.Duration, end bool) (out []media.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, who := range slices.Sorted(maps.Keys(c.speaking)) {
		u := c.speaking[who]
		to := cmp.Or(u.to, at)
		switch {
		case end, u.to != 0 && at-u.to >= speechPause:
			delete(c.speaking, who)
			if len(c.spoke) >= maxMembers {
				clear(c.spoke)
			}
			c.spoke[who] = utterance{u.from, to}
		case u.to == 0 && at-u.from >= maxUtterance:
			c.speaking[who] = utterance{from: at} // piece by piece, for a crash
		default:
			continue
		}
		if to > u.from {
			out = append(out, media.Event{Time: u.from, Type: media.EventSpeaking, Participant: who, From: u.from, To: to})
		}
	}
	if len(c.dropped) > 0 && (end || at-c.reportedDropped >= reportDropped) {
		c.reportedDropped = at
		out = append(out, c.dropped.events(at)...)
		c.dropped = nil
	}
	return out
}

// isMessage reports whether an event is what a member wrote or sent. Like what is said,
// it is not kept before the recording began. Other events of that time are: who and what
// is there holds at the beginning, too.
func isMessage(t media.EventType) bool {
	return t == media.EventChat || t == media.EventTranscription || t == media.EventStream || t == media.EventReaction
}

// event returns the event for the timeline of what a member did, if that has one of its
// own: who speaks, for one, has it later, see due.
func (c *activity) event(e RoomEvent, at time.Duration) (out media.Event, ok bool) {
	out = media.Event{Time: at, Type: e.Type, Participant: e.Participant, Name: e.Name, By: e.By}
	switch e.Type {
	case media.EventSpeaking:
		c.speak(e.Speakers, at)
		return out, false
	case media.EventDropped:
		c.drop(e.Participant, media.EventType(e.Reason), e.Count)
		return out, false
	case media.EventQuality:
		out.Reason = e.Reason
		return out, c.qualityChanged(e.Participant, e.Reason)
	case media.EventChat, media.EventStream:
		out.Text, out.Reason, out.Size = e.Text, e.Reason, e.Size
	case media.EventName, media.EventMetadata:
		out.Text = e.Text
	case media.EventHand:
		out.Reason = e.Reason
	case media.EventReaction:
		out.Text = media.Clamp(e.Text, media.MaxReaction)
	case media.EventConsent:
		out.Reason, out.Text = e.Reason, e.Text
	}
	return out, true
}

// recordActivity puts what a member did into the timeline.
func (r *run) recordActivity(e RoomEvent, at time.Duration) {
	out, ok := r.activity.event(e, at)
	if isMessage(e.Type) && r.config.denyReason(e.Participant, e.Encrypted) != "" {
		return // it needs the same permission as what they say
	}
	if ok && r.activity.allows(out, at) {
		r.emit(out)
	}
}

// flushActivity puts what is due of the members' activity into the timeline. At the end
// of the recording, all of it is due.
func (r *run) flushActivity(at time.Duration, end bool) {
	end = end || r.pause.keepsNothing()
	for _, e := range r.activity.due(at, end) {
		r.emit(e)
	}
	for _, e := range r.transcripts.due(at, end) {
		r.emitTranscription(e, at)
	}
}
