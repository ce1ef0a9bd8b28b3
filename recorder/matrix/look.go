package matrix

import (
	"fmt"
	"log/slog"
	"slices"

	"maunium.net/go/mautrix/id"
)

// Users returns the accounts that are kept, as @name:server, sorted.
func (h Home) Users() ([]string, error) { return h.folder().Users() }

// A Look is what is known here of an account that was logged in.
type Look struct {
	User, Homeserver, Device string
	Fingerprint              string // the device's Ed25519 key
	Master                   string // the user's master key, "" for none

	Verified []string // users whose master key the operator compared
	Changed  []string // users whose master key is not the one that was seen first
	Held     bool     // another process uses the account now
}

// Look reads what is known of an account, and changes nothing: also while another
// process uses it.
func (h Home) Look(user string) (Look, error) {
	a, err := h.peek(user)
	if err != nil {
		return Look{}, err
	}
	s := a.state
	device, master, err := a.Keys()
	if err != nil {
		return Look{}, err
	}
	l := Look{User: string(s.User), Homeserver: s.Homeserver, Device: string(s.Device), Fingerprint: string(device), Master: string(master)}
	for user, p := range s.Peers {
		switch {
		case user == s.User:
		case p.changed():
			l.Changed = append(l.Changed, string(user))
		case p.Verified:
			l.Verified = append(l.Verified, string(user))
		}
	}
	slices.Sort(l.Verified)
	slices.Sort(l.Changed)
	l.Held, err = h.folder().Held(user)
	return l, err
}

// peek returns an account to look at: it holds nothing, and must not be saved.
func (h Home) peek(user string) (*Account, error) {
	b, err := h.folder().Read(user)
	if err != nil {
		return nil, unreadable(err)
	}
	defer clear(b)
	s, err := parseState(b)
	if err != nil {
		return nil, err
	}
	if s.User != id.UserID(user) {
		return nil, fmt.Errorf("%w: it is of another account", ErrState)
	}
	return newAccount(nil, s, slog.New(slog.DiscardHandler))
}
