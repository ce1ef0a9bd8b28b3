package bot

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

// A memberRoom is a room whose members are asked who they are, and are told what
// the recorder does.
type memberRoom struct {
	Room
	m    *membership
	stop context.CancelFunc
	done chan struct{}
}

// withMembers begins the protocol beside a room. Closing it ends it.
func withMembers(ctx context.Context, room Room, m *membership) *memberRoom {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &memberRoom{Room: room, m: m, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		m.run(run)
	}()
	return r
}

// Accept implements recorder.Room.
func (r *memberRoom) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := r.Room.Accept(ctx)
	if err != nil {
		return e, err
	}
	r.m.contain(e.Participant, func() { r.m.follow(e) }) // the recording has the event in any case
	return e, nil
}

// Waiting implements recorder.Waiter: nothing is waited for in a room that is none.
func (r *memberRoom) Waiting() []recorder.TrackInfo {
	if w, ok := r.Room.(recorder.Waiter); ok {
		return w.Waiting()
	}
	return nil
}

// Announce implements recorder.Room. The recording begins with the first one.
func (r *memberRoom) Announce(ctx context.Context, text string) error {
	if err := r.Room.Announce(ctx, text); err != nil {
		return err
	}
	r.m.mu.Lock()
	begins := r.m.phase == "waiting"
	r.m.mu.Unlock()
	if begins {
		r.m.setPhase("recording")
	}
	return nil
}

// SetState implements recorder.StateRoom.
func (r *memberRoom) SetState(state string) {
	r.Room.SetState(state)
	r.m.setPhase(state)
}

// Close implements recorder.Room: the members hear that it is over.
func (r *memberRoom) Close() error {
	if r.m.setPhase("stopped"); r.Connected() {
		time.Sleep(farewell) // SCTP has no way to tell when it has left the machine
	}
	r.stop()
	<-r.done
	return r.Room.Close()
}

// farewell is what the last message needs to be sent.
const farewell = 300 * time.Millisecond
