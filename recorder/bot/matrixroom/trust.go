package matrixroom

import (
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/media"
)

// setPinned sets a function of package matrix, whose names of users and keys are strings of
// types that only mautrix has.
func setPinned[U, K ~string](to *func(U) K, pinned func(user string) (master string)) {
	*to = func(user U) K { return K(pinned(string(user))) }
}

// pinned returns the master key that a pinned card names for a user, "" for none.
func (r *room) pinned(user string) (master string) {
	master, _ = r.person(user)
	return master
}

// person returns whom pinned cards say that a user is.
func (r *room) person(user string) (master string, cards []keys.Card) {
	if r.c.Home == nil {
		return "", nil
	}
	pins, err := r.c.Home.Pins()
	if err != nil {
		r.log.Warn("the pinned cards cannot be read", "err", err)
		return "", nil
	}
	if master, cards, err = keys.MatrixPerson(pins, user, time.Now()); err != nil {
		return "", nil // nobody, or more than one
	}
	return master, cards
}

// vouched returns the cards, as far as they count now, of a user for whom the operator
// vouches.
func (r *room) vouched(user string) []keys.Card {
	named := r.c.Members[user]
	if len(named) == 0 || r.c.Home == nil {
		return named
	}
	cards, err := r.c.Home.Person(named[0].Name)
	if err != nil {
		return nil
	}
	return cards
}

// known implements bot.Meeting.Known.
//
//   - The master key is the one on a pinned card: that person, verified.
//   - The operator compared it, and said whose card it is: that person, verified.
//   - The device is signed by a user whom nobody compared: claimed.
//   - Anything else: nothing is known.
//
// That the device is in the call at all, the homeserver says: who reads by that, it could
// choose. So who is verified is the device that sent a key to this one.
func (r *room) known(identity string) bot.Known {
	r.mu.Lock()
	m := r.members[identity]
	if m == nil {
		r.mu.Unlock()
		return bot.Known{}
	}
	caller, here := m.caller, m.newest >= 0 || r.rings == nil
	r.mu.Unlock()
	user := string(caller.User)
	switch {
	case caller.Standing >= matrix.Signed && !here:
	case caller.Standing == matrix.Pinned:
		master, cards := r.person(user)
		if master == string(caller.Master) && len(cards) > 0 {
			return bot.Known{Standing: media.VerifiedByMatrix, Cards: cards, Named: len(r.c.Members[user]) > 0}
		}
	case caller.Standing == matrix.Verified:
		if cards := r.vouched(user); len(cards) > 0 {
			return bot.Known{Standing: media.VerifiedByMatrix, Cards: cards, Named: true}
		}
	case caller.Standing == matrix.Signed:
	default:
		return bot.Known{}
	}
	return bot.Known{Standing: recorder.StandingClaimed, Name: user}
}
