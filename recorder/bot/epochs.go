package bot

import (
	"errors"
	"slices"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder"
)

// ErrNobodyLeft: the cards of all readers were revoked, replaced or unpinned, or have
// expired, while it recorded.
var ErrNobodyLeft = errors.New("nobody is left who could open what is recorded")

// access returns how members become readers.
func (b *Bot) access(a *memberAccess) recorder.Access {
	if b.keepsWhole() {
		return wholeAccess{a}
	}
	return a
}

// A memberAccess seals each epoch to the fixed readers, and to the readers among the
// members who are here. It implements recorder.Access.
type memberAccess struct {
	w      *archive.Writer
	m      *membership
	here   []string // identities of the members for whom the epoch was made
	sealed []string // the names and recipients that it was sealed to
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
		return nil, ErrNobodyLeft
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

// A wholeAccess lets every reader who attends open all of the recording. It implements
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
