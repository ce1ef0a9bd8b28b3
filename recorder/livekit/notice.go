package livekit

import (
	"context"
	"maps"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

// NoticePeriod is how long a Room's first Announce takes, counted from the join,
// so that every member sees that they are recorded before they are. It is
// LiveKit's batching interval for members who do not publish
// (subscriberUpdateInterval, 3 s, in pkg/rtc/room.go of livekit-server) and some
// time for the message to travel.
const NoticePeriod = 3500 * time.Millisecond

// forgetTime is how long members expect an absent recorder to come back. After a
// shorter absence, members who knew of the recording, and not of its end, need no
// second notice.
const forgetTime = 30 * time.Second

// sendPeriod is how long a message needs to leave the machine after it was handed
// to SCTP, which does not report it.
const sendPeriod = 300 * time.Millisecond

const chatTopic = "lk.chat" // the topic of text streams that LiveKit's own clients show as chat

// stateAttribute shows members' clients whether the recording goes on.
const stateAttribute = "sealtape.state"

// Announce implements recorder.Room. It sends text as a chat message, to those
// present now and to everybody who joins later. The first call returns, and
// starts to receive media, when LiveKit has shown the recorder to every member.
// Later members get the texts of the first call and of the last one; so do all
// members after the recorder had lost the room.
func (r *Room) Announce(ctx context.Context, text string) error {
	r.mu.Lock()
	first := r.announced == ""
	if first {
		r.announced = text
	} else {
		r.change = text
	}
	s := r.s
	r.mu.Unlock()
	if first && len(r.c.Attributes) > 0 {
		s.room.LocalParticipant.SetAttributes(r.config().Attributes)
	}
	if !first {
		return r.Tell(ctx, text)
	}
	s.say(text, "")
	wait := time.NewTimer(r.noticeOf(s))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return r.endError()
	}
	r.mu.Lock()
	r.receiving = true
	if r.s == s { // otherwise enter gave notice anew
		for _, m := range r.roster.Members() {
			r.roster.Tell(true, m.Identity)
		}
	}
	s = r.s
	r.mu.Unlock()
	r.subscribe(s)
	return nil
}

// noticeOf returns how long members are still to be given notice in a session.
func (r *Room) noticeOf(s *session) time.Duration {
	if r.c.Told {
		return 0
	}
	return time.Until(s.joined.Add(NoticePeriod))
}

// Change sends news to those present now. Those who join later, and all members
// after the recorder had lost the room, get standing instead, which says how
// things are.
func (r *Room) Change(ctx context.Context, news, standing string) error {
	r.mu.Lock()
	r.change = standing
	r.mu.Unlock()
	return r.Tell(ctx, news)
}

// Tell sends text as a chat message to those present now, and to nobody later.
func (r *Room) Tell(ctx context.Context, text string) error {
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	select {
	case <-s.say(text, ""):
		// Closing the room drops messages that are still on their way, so wait a
		// moment.
		return pause(ctx, sendPeriod)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SetState implements recorder.StateRoom. It shows members the recording's state,
// "recording" or "paused", as an attribute of the recorder.
func (r *Room) SetState(state string) {
	r.mu.Lock()
	r.state = state
	s := r.s
	r.mu.Unlock()
	s.room.LocalParticipant.SetAttributes(map[string]string{stateAttribute: state})
}

// SetAttributes adds attributes of the recorder to those of Config, now and after
// each rejoin. An empty value removes one.
func (r *Room) SetAttributes(attributes map[string]string) {
	r.mu.Lock()
	if r.attributes == nil {
		r.attributes = make(map[string]string)
	}
	maps.Copy(r.attributes, attributes)
	s := r.s
	r.mu.Unlock()
	s.room.LocalParticipant.SetAttributes(attributes)
}

// config returns the Config with the current attributes.
func (r *Room) config() Config {
	c := r.c
	r.mu.Lock()
	defer r.mu.Unlock()
	c.Attributes = make(map[string]string)
	maps.Copy(c.Attributes, r.c.Attributes)
	maps.Copy(c.Attributes, r.attributes)
	if r.state != "" {
		c.Attributes[stateAttribute] = r.state
	}
	return c
}

// welcome sends a new member what the others were sent, and begins to receive
// what they publish: they saw the recorder in the list when they joined.
func (r *Room) welcome(s *session, identity string) {
	r.mu.Lock()
	announced, change := r.announced, r.change
	r.mu.Unlock()
	if announced == "" {
		return // Announce sends to all
	}
	r.roster.Tell(true, identity)
	r.sayAll(s, identity, announced, change)
}

// sayAll sends texts one after another, since texts sent at once may arrive in
// any order. It does not wait for them.
func (r *Room) sayAll(s *session, identity string, texts ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.closed:
		return // Close waits for those that began before
	default:
	}
	r.visits.Go(func() {
		for _, text := range texts {
			if text == "" {
				continue
			}
			select {
			case <-s.say(text, identity):
			case <-s.ended():
				return
			case <-r.closed:
				return
			}
		}
	})
}

// enter makes s the session of the room, after the recorder lost old. It sends
// members again what is going on. Members who knew of the recording and saw the
// recorder absent for a short time only are received at once. The others are
// given notice first, as at the beginning.
func (r *Room) enter(old, s *session, away time.Duration) {
	r.feed.Lock()
	r.resumeList(old, s)
	r.mu.Lock()
	r.s = s
	s.mu.Lock()
	s.entered, s.waits = true, make(map[string]bool)
	for identity := range s.list.found {
		if m, _ := r.roster.Here(identity); !r.c.Told && (away >= forgetTime || !m.Told) {
			s.waits[identity] = true
		}
	}
	s.mu.Unlock()
	announced, change := r.announced, r.change
	r.mu.Unlock()
	r.feed.Unlock()
	if len(r.c.Attributes) > 0 {
		s.room.LocalParticipant.SetAttributes(r.config().Attributes)
	}
	r.sayAll(s, "", announced, change)
	r.subscribe(s)
	r.visits.Go(func() { r.notice(s) })
}

// notice begins to receive everything once the notice period of a session is
// over.
func (r *Room) notice(s *session) {
	t := time.NewTimer(r.noticeOf(s))
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ended():
		return
	case <-r.closed:
		return
	}
	r.mu.Lock()
	s.mu.Lock()
	for identity := range s.waits {
		r.roster.Tell(r.announced != "", identity)
	}
	s.waits = nil
	s.mu.Unlock()
	r.mu.Unlock()
	r.subscribe(s)
}

// mayReceive reports whether a member's tracks may be received.
func (r *Room) mayReceive(s *session, identity string) bool {
	r.mu.Lock()
	receiving := r.receiving
	r.mu.Unlock()
	if r.c.Admit != nil && !r.c.Admit(identity) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return receiving && s.entered && !s.finished && !s.waits[identity]
}

// subscribe asks for all present tracks that may be received. Later ones are
// asked for when they are published.
func (r *Room) subscribe(s *session) {
	for _, p := range s.room.GetRemoteParticipants() {
		if !r.mayReceive(s, p.Identity()) {
			continue
		}
		s.contain(p.Identity(), func() {
			for _, pub := range p.TrackPublications() {
				if pub, ok := pub.(*lksdk.RemoteTrackPublication); ok {
					s.want(pub, p)
				}
			}
		})
	}
}

// say sends a chat message to one member. An identity of "" means all members.
// The SDK writes it in the background, and the channel is closed when the network
// stack has it.
func (s *session) say(text, identity string) <-chan struct{} {
	size := uint64(len(text))
	o := lksdk.StreamTextOptions{Topic: chatTopic, TotalSize: size}
	if identity != "" {
		o.DestinationIdentities = []string{identity}
	}
	sent := make(chan struct{})
	if s.gagged() {
		close(sent)
		return sent
	}
	w := s.room.LocalParticipant.StreamText(o)
	done := func() {
		w.Close()
		close(sent)
	}
	w.Write(text, &done)
	return sent
}

// pause waits for d. If ctx ends first, it returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
