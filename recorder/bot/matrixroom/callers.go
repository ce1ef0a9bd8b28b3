package matrixroom

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/media"
)

// A member is somebody else in the call: a device of a user.
type member struct {
	caller matrix.Caller
	visit  int
	newest int               // index of the newest key; -1: none came
	keys   map[int][]byte    // those that are in use, or would be if the device were to be trusted
	older  map[int]time.Time // keys that another took the place of, and when they are taken out
	since  time.Time         // in the call
}

// identityOf returns what a recording calls a device of a user, in either format of
// membership: somebody who comes back by the other one is the same.
func identityOf(m matrix.Caller) string { return rtc.StateIdentity(m.User, m.Device) }

// called returns how whoever runs the recorder is told of somebody.
func called(m matrix.Caller) string {
	if m.Name == "" || m.Name == string(m.User) {
		return words.Clean(string(m.User))
	}
	return fmt.Sprintf("%s (%s)", words.Clean(m.Name), words.Clean(string(m.User)))
}

// happened takes an event of the call. Package matrix calls it, one event after the other.
func (r *room) happened(e matrix.CallEvent) {
	switch e.Kind {
	case matrix.Came:
		r.arrived(e)
	case matrix.Left:
		r.departed(e)
	case matrix.Changed:
		r.changed(e)
	case matrix.Stood:
		r.stood(e)
	case matrix.Keyed:
		r.keyed(e)
	case matrix.OwnKey:
		r.rekeyed(e)
	case matrix.Refused:
		r.sayOf(e.Caller, ": "+words.Clean(e.Reason))
	case matrix.Chat, matrix.Reaction, matrix.Hand:
		r.said(e)
	case matrix.Cut:
		// What was written meanwhile was not heard, nor who took something back.
		r.events.put(recorder.RoomEvent{At: e.At, Type: media.EventReconnect, Since: e.At, Reason: media.ReconnectResume})
	case matrix.Removed:
		r.end(fmt.Errorf("%w: %w: %s", recorder.ErrEnded, matrix.ErrRemoved, words.Clean(e.Reason)))
	case matrix.Powerless:
		r.c.Say(words.Clean(e.Reason))
		if err := r.call.MayNotice(); err != nil {
			r.end(fmt.Errorf("%w: %w: %w", recorder.ErrEnded, ErrSilenced, err))
		}
	}
}

func (r *room) arrived(e matrix.CallEvent) {
	identity := identityOf(e.Caller)
	r.mu.Lock()
	if r.members[identity] != nil {
		r.mu.Unlock()
		r.changed(e)
		return
	}
	m := &member{caller: e.Caller, newest: -1, keys: make(map[int][]byte), older: r.leftOver(identity), since: e.At}
	r.members[identity] = m
	for _, alias := range e.Caller.Identities {
		r.of[alias] = identity
	}
	visit, _ := r.roster.Came(recorder.Member{Identity: identity, Name: e.Caller.Name, Since: e.At, Joined: e.Caller.Since.UnixMilli()})
	m.visit = visit
	if r.announced != "" {
		r.roster.Tell(true, identity)
	}
	r.events.put(recorder.RoomEvent{At: e.At, Type: media.EventJoin, Participant: identity, Name: e.Caller.Name, Visit: visit})
	if r.came != nil {
		close(r.came)
		r.came = nil
	}
	r.mu.Unlock()
	if e.Caller.Standing == matrix.Unsigned {
		r.distrust(e.Caller, e.Reason)
	}
	r.review(e.Caller.Identities)
	r.reconcile(e.At)
	r.remind(e.Caller)
}

func (r *room) departed(e matrix.CallEvent) {
	identity := identityOf(e.Caller)
	r.mu.Lock()
	m := r.members[identity]
	if m == nil {
		r.mu.Unlock()
		return
	}
	delete(r.members, identity)
	for _, key := range m.keys {
		clear(key)
	}
	r.giveUp(identity, m.older, e.At)
	aliases := r.forgetAliases(identity)
	r.roster.Went(identity, "")
	r.events.put(recorder.RoomEvent{At: e.At, Type: media.EventLeave, Participant: identity, Visit: m.visit})
	r.mu.Unlock()
	r.review(aliases)
	r.reconcile(e.At)
}

// changed takes another name, other services, or another membership of the same device.
func (r *room) changed(e matrix.CallEvent) {
	identity := identityOf(e.Caller)
	r.mu.Lock()
	m := r.members[identity]
	if m == nil {
		r.mu.Unlock()
		return
	}
	before := m.caller
	m.caller = e.Caller
	aliases := r.forgetAliases(identity)
	for _, alias := range e.Caller.Identities {
		r.of[alias] = identity
	}
	if before.Name != e.Caller.Name {
		it, _ := r.roster.Here(identity)
		it.Name = e.Caller.Name
		r.roster.Came(it)
		r.events.put(recorder.RoomEvent{At: e.At, Type: media.EventName, Participant: identity, Name: e.Caller.Name, Text: before.Name})
	}
	r.mu.Unlock()
	r.review(append(aliases, e.Caller.Identities...))
	r.reconcile(e.At)
}

// forgetAliases takes away the names that somebody may have at LiveKit, and returns them.
// Called locked.
func (r *room) forgetAliases(identity string) (aliases []string) {
	for alias, of := range r.of {
		if of == identity {
			aliases = append(aliases, alias)
			delete(r.of, alias)
		}
	}
	return aliases
}

// stood takes what is known of somebody's device from now on.
func (r *room) stood(e matrix.CallEvent) {
	identity := identityOf(e.Caller)
	r.mu.Lock()
	m := r.members[identity]
	if m == nil {
		r.mu.Unlock()
		return
	}
	again := m.caller.Standing == matrix.Unsigned && e.Caller.Standing != matrix.Unsigned
	m.caller = e.Caller
	if again {
		r.restore(identity, m)
	}
	r.events.put(recorder.RoomEvent{At: e.At, Type: recorder.EventStanding, Participant: identity})
	r.mu.Unlock()
	if e.Caller.Standing == matrix.Unsigned {
		r.distrust(e.Caller, e.Reason)
	} else {
		r.remind(e.Caller)
		r.sayOf(e.Caller, ": "+words.Clean(cmp.Or(e.Reason, "their device is known")))
	}
}

// distrust takes away the keys of somebody whose device is nobody's, as far as can be known.
func (r *room) distrust(m matrix.Caller, why string) {
	if r.rings != nil {
		if ring := r.rings.Lookup(identityOf(m)); ring != nil {
			ring.Clear()
		}
	}
	r.sayOf(m, " is not recorded: their keys are not used, because "+words.Clean(cmp.Or(why, "their device is not signed by their user")))
}

// How often the operator is told something of the devices of one user, and of how many users:
// who makes up devices must not drown what is to be told of others.
const (
	maxSaidOf    = 20
	maxSaidUsers = 1000
)

// sayOf tells the operator something of a member, whose name begins the text.
func (r *room) sayOf(m matrix.Caller, text string) {
	user := string(m.User)
	r.mu.Lock()
	n, known := r.toldOf[user]
	if n > maxSaidOf || !known && len(r.toldOf) >= maxSaidUsers {
		r.mu.Unlock()
		return
	}
	r.toldOf[user] = n + 1
	r.mu.Unlock()
	if n == maxSaidOf {
		text = ": more happens to their devices, and is not told any more"
	}
	r.c.Say(called(m) + text)
}

// identityAt returns whom a LiveKit identity belongs to, and what they are called.
func (r *room) identityAt(alias string) (identity, name string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	identity, ok = r.of[alias]
	if m := r.members[identity]; m != nil {
		name = m.caller.Name
	}
	return identity, name, ok
}

// aliases returns the LiveKit identities that somebody may have.
func (r *room) aliases(identity string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[identity]; m != nil {
		return slices.Clone(m.caller.Identities)
	}
	return nil
}

// devicesOf returns the identities under which a user is in the call.
func (r *room) devicesOf(user string) (identities []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for identity, m := range r.members {
		if string(m.caller.User) == user {
			identities = append(identities, identity)
		}
	}
	slices.Sort(identities)
	return identities
}
