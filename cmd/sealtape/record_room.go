package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// A memberRoom is a room whose members are asked who they are, and are told what
// the recorder does.
type memberRoom struct {
	*livekit.Room
	m    *membership
	stop context.CancelFunc
	done chan struct{}
}

// withMembers begins the protocol beside a room. Closing it ends it.
func withMembers(ctx context.Context, room *livekit.Room, m *membership) *memberRoom {
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

// A memberAccess seals to the fixed readers and to those members who are here. It
// implements recorder.Access.
type memberAccess struct {
	w      *archive.Writer
	m      *membership
	here   []string // to whom the epoch was to be sealed
	sealed []string // and what it was sealed to
}

func (a *memberAccess) Reader(identity string) (name, how string, ok bool) {
	name, how, cards := a.m.reader(identity)
	return name, how, len(cards) > 0
}

// begin starts the first epoch, for the fixed readers.
func (a *memberAccess) begin() error {
	_, err := a.StartEpoch(nil)
	return err
}

func (a *memberAccess) StartEpoch(present []string) (without []string, err error) {
	to, names, without := a.m.recipients(present)
	if len(to) == 0 {
		return nil, hinted(errors.New("nobody is left who could open what is recorded"),
			"the cards of all its readers were revoked, replaced or unpinned, or expired: sealtape keys list says which")
	}
	if _, err := a.w.StartEpoch(to); err != nil {
		return without, err
	}
	a.here, a.sealed = present, names
	a.m.unseat(without)
	return without, nil
}

// Stale implements recorder.Access.
func (a *memberAccess) Stale() bool {
	_, names, _ := a.m.recipients(a.here)
	return !slices.Equal(names, a.sealed)
}

// A wholeAccess lets whoever attended read all of the recording. It implements
// recorder.Admitter.
type wholeAccess struct{ *memberAccess }

func (a wholeAccess) Admit(identity string) error {
	if !a.m.seated(identity) {
		a.m.unseat([]string{identity})
		return nil
	}
	_, _, cards := a.m.reader(identity)
	var to []age.Recipient
	for _, card := range cards {
		to = append(to, card.AgeRecipients()...)
	}
	if len(to) == 0 {
		return nil // their cards were revoked since they came
	}
	return a.w.Admit(to)
}
