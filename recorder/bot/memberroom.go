package bot

import (
	"context"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder"
)

// A memberRoom is a room whose members are asked who they are, and are told what
// the recorder does.
type memberRoom struct {
	Room
	m    *membership
	stop context.CancelFunc
	done chan struct{}

	early []recorder.RoomEvent // of the notice, which Accept still returns
}

// maxEarly bounds the events that are taken during the notice; the room keeps others.
const maxEarly = 4096

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
	if len(r.early) > 0 {
		e := r.early[0]
		r.early = r.early[1:]
		return e, nil
	}
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

// Announce implements recorder.Room. The recording begins with the first one, for as long
// as which members have notice: who comes, proves who they are and answers meanwhile
// counts from the first frame on. Where the recorder left the room to another, nothing is
// told any more: it would be that the recording has ended.
func (r *memberRoom) Announce(ctx context.Context, text string) error {
	if r.m.left() {
		return nil
	}
	r.m.mu.Lock()
	begins := r.m.phase == phaseWaiting
	r.m.mu.Unlock()
	if !begins {
		return r.Room.Announce(ctx, text)
	}
	noticing, stop := context.WithCancel(ctx)
	var heeding sync.WaitGroup
	heeding.Go(func() { r.heed(noticing) })
	err := r.Room.Announce(ctx, text)
	stop()
	heeding.Wait()
	if err == nil {
		r.SetState(phaseRecording)
	}
	return err
}

// heed takes what happens in the room before anybody else accepts it, and keeps it for
// Accept. What ends it, Accept finds again.
func (r *memberRoom) heed(ctx context.Context) {
	for len(r.early) < maxEarly {
		var e recorder.RoomEvent
		var err error
		if broken := fault.Contain(func() { e, err = r.Room.Accept(ctx) }); broken != nil || err != nil {
			return
		}
		r.early = append(r.early, e)
		r.m.contain(e.Participant, func() { r.m.follow(e) })
	}
}

// SetState implements recorder.StateRoom.
func (r *memberRoom) SetState(state string) {
	r.Room.SetState(state)
	r.m.setPhase(state)
}

// Close implements recorder.Room: the members hear that it is over.
func (r *memberRoom) Close() error {
	if r.m.setPhase(phaseStopped); r.Connected() {
		r.m.leave()
		time.Sleep(farewell) // SCTP has no way to tell when it has left the machine
	}
	r.stop()
	<-r.done
	return r.Room.Close()
}

// farewell is what the last message needs to be sent.
const farewell = 300 * time.Millisecond
