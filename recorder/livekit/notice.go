package livekit

import (
	"context"
	"maps"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

// NoticePeriod is how long a Room's first Announce takes from the moment it joined,
// so that every member sees that they are recorded before they are: LiveKit's
// batching interval for members who do not publish (subscriberUpdateInterval, 3 s,
// in pkg/rtc/room.go of livekit-server) and some time for the message to travel.
const NoticePeriod = 3500 * time.Millisecond

// forgetTime is how long a recorder may be away and still be expected back.
// Whoever was told of the recording, and not of its end, need not be given
// notice again after a shorter absence.
const forgetTime = 30 * time.Second

// sendPeriod is what a message needs to leave the machine once it was handed to
// SCTP, which has no way to tell.
const sendPeriod = 300 * time.Millisecond

const chatTopic = "lk.chat" // the text stream topic that LiveKit's own clients show as chat

// stateAttribute tells members' clients whether the recording goes on.
const stateAttribute = "sealtape.state"

// Announce implements recorder.Room: it sends text as a chat message, to those
// present now and to whoever joins later. The first call returns, and starts to
// receive media, when LiveKit has told every member that the recorder is here.
// The text of the first call and that of the last are what later members are
// told, and all members when the recorder had lost the room.
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
	wait := time.NewTimer(time.Until(s.joined.Add(NoticePeriod)))
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
	if r.s == s { // else enter gave notice anew
		for _, m := range r.roster.Members() {
			r.roster.Tell(true, m.Identity)
		}
	}
	s = r.s
	r.mu.Unlock()
	r.subscribe(s)
	return nil
}

// Change tells those present now what has changed of what Announce told, and whoever
// joins later, and all where the recorder had lost the room, how things stand.
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
		// Closing the room drops what is still on its way: give it a moment.
		return pause(ctx, sendPeriod)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SetState implements recorder.StateRoom: it shows members the recording's state,
// "recording" or "paused", as an attribute of the recorder.
func (r *Room) SetState(state string) {
	r.mu.Lock()
	r.state = state
	s := r.s
	r.mu.Unlock()
	s.room.LocalParticipant.SetAttributes(map[string]string{stateAttribute: state})
}

// SetAttributes shows members attributes of the recorder beside those of Config,
// here and wherever it joins again. An empty value takes one away.
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

// config is the Config with the attributes of now.
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

// welcome tells a member who came what the others were told, and receives what
// they publish: they saw the recorder listed as they came.
func (r *Room) welcome(s *session, identity string) {
	r.mu.Lock()
	announced, change := r.announced, r.change
	r.mu.Unlock()
	if announced == "" {
		return // Announce tells all
	}
	r.roster.Tell(true, identity)
	r.sayAll(s, identity, announced, change)
}

// sayAll says texts one after another: said at once, they may arrive in any order.
// It does not wait for that.
func (r *Room) sayAll(s *session, identity string, texts ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.closed:
		return // Close waits for what began before
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

// enter makes s the session of the room, after the recorder lost old. Members
// are told again what is going on. Of those who knew, and saw the recorder gone
// for a short time only, everything is received at once; the others are given
// notice first, as at the beginning.
func (r *Room) enter(old, s *session, away time.Duration) {
	r.feed.Lock()
	r.resumeList(old, s)
	r.mu.Lock()
	r.s = s
	s.mu.Lock()
	s.entered, s.waits = true, make(map[string]bool)
	for identity := range s.list.found {
		if m, _ := r.roster.Here(identity); away >= forgetTime || !m.Told {
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

// notice receives everything once the notice period of a session is over.
func (r *Room) notice(s *session) {
	t := time.NewTimer(time.Until(s.joined.Add(NoticePeriod)))
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

// mayReceive reports whether what a member publishes may be received.
func (r *Room) mayReceive(s *session, identity string) bool {
	r.mu.Lock()
	receiving := r.receiving
	r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return receiving && s.entered && !s.dead && !s.waits[identity]
}

// subscribe asks for all tracks there are that may be received; those that come
// later are asked for as they are published.
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

// say sends a chat message to one member, or to all if identity is "". The SDK
// writes it in the background; the channel is closed when it handed it to the
// network stack.
func (s *session) say(text, identity string) <-chan struct{} {
	size := uint64(len(text))
	o := lksdk.StreamTextOptions{Topic: chatTopic, TotalSize: size}
	if identity != "" {
		o.DestinationIdentities = []string{identity}
	}
	sent := make(chan struct{})
	w := s.room.LocalParticipant.StreamText(o)
	done := func() {
		w.Close()
		close(sent)
	}
	w.Write(text, &done)
	return sent
}

// pause waits for d, or for the end of ctx, and returns its error then.
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
