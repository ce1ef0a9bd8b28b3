// Package roomtest has a Room that a test plays: who joins, what they publish
// and which packets arrive is up to the caller. It stands in for a real server
// where a test needs a fault, or a moment, that a real one cannot be made to
// have.
//
// It also tests implementations of recorder.Room. One call runs the whole suite:
//
//	func TestConformance(t *testing.T) {
//		roomtest.TestRoom(t, func(t *testing.T) roomtest.Meeting { return meet(t) })
//	}
package roomtest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Room is a scripted recorder.Room. Its methods may be called from any
// goroutine.
type Room struct {
	name   string
	events chan recorder.RoomEvent
	ended  chan struct{}
	closed chan struct{}
	told   chan struct{} // closed by the first Announce

	mu        sync.Mutex
	reason    string
	announced []string
	states    []string
	refuse    error
}

// New returns a room in which nothing has happened yet.
func New(name string) *Room {
	return &Room{name: name, events: make(chan recorder.RoomEvent, 1024),
		ended: make(chan struct{}), closed: make(chan struct{}), told: make(chan struct{})}
}

// RefuseAnnouncements makes Announce fail with err.
func (r *Room) RefuseAnnouncements(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = err
}

// Announcements returns what the recorder announced to the room.
func (r *Room) Announcements() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.announced...)
}

// States returns the states that the recorder showed, in order.
func (r *Room) States() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.states...)
}

// SetState implements recorder.StateRoom.
func (r *Room) SetState(state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, state)
}

// Closed is closed when the recorder has left.
func (r *Room) Closed() <-chan struct{} { return r.closed }

// Join lets a member come in, Leave lets one go.
func (r *Room) Join(identity, name string) {
	r.emit(recorder.RoomEvent{Type: media.EventJoin, Participant: identity, Name: name})
}

// Leave lets a member go.
func (r *Room) Leave(identity string) {
	r.emit(recorder.RoomEvent{Type: media.EventLeave, Participant: identity})
}

// Say lets a member write a chat message.
func (r *Room) Say(identity, text string) {
	r.emit(recorder.RoomEvent{Type: media.EventChat, Participant: identity, Text: text})
}

// Speak lets these members speak from now on, and nobody else.
func (r *Room) Speak(identities ...string) {
	r.emit(recorder.RoomEvent{Type: media.EventSpeaking, Speakers: identities})
}

// Emit makes any other event happen.
func (r *Room) Emit(e recorder.RoomEvent) { r.emit(e) }

// Publish adds a track. What is sent before the recorder reads is kept for it,
// up to 4096 packets.
func (r *Room) Publish(info recorder.TrackInfo) *Track {
	t := &Track{info: info, packets: make(chan recorder.Packet, 4096),
		ended: make(chan struct{}), room: r, asked: make(chan struct{}, 1024)}
	r.emit(recorder.RoomEvent{Type: media.EventTrack, Participant: info.Participant, Name: info.Name, Track: t})
	return t
}

// End ends the meeting.
func (r *Room) End(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reason = reason
	close(r.ended)
}

func (r *Room) emit(e recorder.RoomEvent) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	r.events <- e
}

// Name implements recorder.Room.
func (r *Room) Name() string { return r.name }

// Announce implements recorder.Room.
func (r *Room) Announce(ctx context.Context, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return r.refuse
	}
	if r.announced == nil {
		close(r.told)
	}
	r.announced = append(r.announced, text)
	return nil
}

// Accept implements recorder.Room.
func (r *Room) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	select {
	case e := <-r.events:
		return e, nil
	default:
	}
	select {
	case e := <-r.events:
		return e, nil
	case <-r.ended:
		r.mu.Lock()
		defer r.mu.Unlock()
		return recorder.RoomEvent{}, fmt.Errorf("%w: %s", recorder.ErrEnded, r.reason)
	case <-r.closed:
		return recorder.RoomEvent{}, fmt.Errorf("%w: the recorder left", recorder.ErrEnded)
	case <-ctx.Done():
		return recorder.RoomEvent{}, ctx.Err()
	}
}

// Close implements recorder.Room.
func (r *Room) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.closed) // a second Close is a fault of the recorder: panic
	return nil
}

// A Track is a scripted recorder.Track.
type Track struct {
	info    recorder.TrackInfo
	packets chan recorder.Packet
	ended   chan struct{}
	asked   chan struct{}
	room    *Room

	mu            sync.Mutex
	width, height int
	less          bool
}

// Offer sets what PublishedSize returns from now on.
func (t *Track) Offer(width, height int, less bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.width, t.height, t.less = width, height, less
}

// PublishedSize implements recorder.Sized.
func (t *Track) PublishedSize() (width, height int, less bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.width, t.height, t.less
}

// Send delivers a packet now, with the reports that came before it.
func (t *Track) Send(p *rtp.Packet, reports ...recorder.SenderReport) {
	t.SendAt(time.Now(), p, reports...)
}

// SendAt delivers a packet that arrived at the given time.
func (t *Track) SendAt(at time.Time, p *rtp.Packet, reports ...recorder.SenderReport) {
	t.packets <- recorder.Packet{RTP: p, Arrival: at, Reports: reports}
}

// End unpublishes the track: what was sent is still read.
func (t *Track) End() { close(t.ended) }

// KeyFrameRequested gets a value for each key frame the recorder asked for.
func (t *Track) KeyFrameRequested() <-chan struct{} { return t.asked }

// Ended implements recorder.Ender.
func (t *Track) Ended() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// Info implements recorder.Track.
func (t *Track) Info() recorder.TrackInfo { return t.info }

// Read implements recorder.Track.
func (t *Track) Read() (recorder.Packet, error) {
	select {
	case p := <-t.packets:
		return p, nil
	default:
	}
	select {
	case p := <-t.packets:
		return p, nil
	case <-t.ended:
	case <-t.room.closed:
	}
	select { // what was sent before the end
	case p := <-t.packets:
		return p, nil
	default:
		return recorder.Packet{}, io.EOF
	}
}

// RequestKeyFrame implements recorder.Track.
func (t *Track) RequestKeyFrame() {
	select {
	case t.asked <- struct{}{}:
	default:
	}
}
