package bot

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
)

// ErrOtherRecords: another recorder of the same name records the room already, so this one
// left it before it told anybody anything, and nothing is left of its recording; or it left
// the room when it came back to it, and what it had recorded is kept.
var ErrOtherRecords = errors.New("another recorder of the same name records the room already")

// yieldWithin is how long a member who shows that it records has to prove that it is a
// recorder of the same name. One whose process is dead stays in the room for some 20 s, and
// proves nothing.
const yieldWithin = 4 * time.Second

// A joiner is a Room that knows when the server let the bot in, by the server's clock, in
// milliseconds since 1970; 0 is unknown.
type joiner interface{ Joined() int64 }

// yields reports whether another recorder of the same name records the room, or was about
// to before this one came. It asks nobody who does not show that it records; and what
// members show the server can change, so it believes only who proves the card of a recorder
// that is pinned or approved.
func (m *membership) yields(ctx context.Context, own keys.Card) bool {
	if len(m.recorders()) == 0 {
		return false
	}
	ctx, stop := context.WithTimeout(ctx, yieldWithin)
	defer stop()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		m.session.Run(ctx)
	}()
	defer func() { stop(); <-asked }()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		open := false // somebody has not said what they do
		for _, other := range m.recorders() {
			m.session.Joined(other.Identity)
			p := m.session.Peer(other.Identity)
			switch {
			case p.Standing != member.Verified:
				open = true
			case !sameFleet(p, own):
			case records(p):
				return true
			case p.Recorder && p.State.Phase == phaseStopped:
			case m.before(other):
				return true // it is alive, and tells the room, or looks as we do
			}
		}
		if !open {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-look.C:
		}
	}
}

// sameFleet reports whether a verified member is a recorder of our own name.
func sameFleet(p member.Peer, own keys.Card) bool {
	return p.Card.Role == keys.Recorder && strings.EqualFold(p.Card.Name, own.Name)
}

// records reports whether a verified member says that it records.
func records(p member.Peer) bool {
	return p.Recorder && (p.State.Phase == phaseRecording || p.State.Phase == phasePaused)
}

// backFor is how long after it came back a recorder looks whether another has the room by
// now: that one proves itself anew, to a client that is new to it.
const backFor = time.Minute

// A withdrawal is how a recorder leaves the room to one that took over while it was away: its
// host hung, or the network lost it. Where both have one identity in the room, the server
// tells it so. Where each has its own, nobody else would.
type withdrawal struct {
	own  keys.Card // the zero value: it leaves the room to nobody
	stop func()    // ends the recording
}

// withdraws ends the recording if a verified recorder of the same name records the room, and
// came before this one came back to it. Of those that show it, nobody else is believed.
func (m *membership) withdraws(now time.Time) {
	m.mu.Lock()
	looks := m.withdrawal.stop != nil && !m.back.IsZero() && now.Sub(m.back) < backFor
	m.mu.Unlock()
	if !looks {
		return
	}
	for _, other := range m.recorders() {
		if p := m.session.Peer(other.Identity); p.Standing == member.Verified && sameFleet(p, m.withdrawal.own) && records(p) && m.before(other) {
			m.log.Warn("another recorder of the same name took over while this one was away: it ends")
			m.mu.Lock()
			m.back, m.withdrew = time.Time{}, true // once
			m.mu.Unlock()
			m.withdrawal.stop()
			return
		}
	}
}

// left reports whether the recorder left the room to another: then nothing has ended there.
func (m *membership) left() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.withdrew
}

// recorders returns the members who show that they record, or are about to.
func (m *membership) recorders() (all []recorder.Member) {
	for _, other := range m.roster.Members() {
		switch other.Recorder {
		case phaseWaiting, phaseRecording, phasePaused:
			all = append(all, other)
		}
	}
	return all
}

// before reports whether another recorder came to the room before this one.
func (m *membership) before(other recorder.Member) bool {
	var joined int64
	if r, ok := m.room.(joiner); ok {
		joined = r.Joined()
	}
	if other.Joined != joined {
		return other.Joined < joined
	}
	return other.Identity < m.room.Identity()
}
