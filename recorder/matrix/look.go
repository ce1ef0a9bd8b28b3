package matrix

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"maunium.net/go/mautrix/id"
)

// Users returns the accounts that are kept, as @name:server, sorted.
func (h Home) Users() ([]string, error) {
	names, err := h.Accounts()
	if err != nil {
		return nil, err
	}
	var users []string
	for _, name := range names {
		if user, ok := userOf(name); ok {
			users = append(users, user)
		}
	}
	slices.Sort(users)
	return users, nil
}

// userOf undoes Home.path.
func userOf(name string) (string, bool) {
	first, rest, more := strings.Cut(name, "=")
	user := "@" + first
	for more {
		if len(rest) < 2 {
			return "", false
		}
		c, err := hex.DecodeString(rest[:2])
		if err != nil {
			return "", false
		}
		user += string(c)
		first, rest, more = strings.Cut(rest[2:], "=")
		user += first
	}
	return user, true
}

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
	lock, err := h.lock(user)
	if errors.Is(err, ErrHeld) {
		l.Held = true
		return l, nil
	}
	if err != nil {
		return Look{}, err
	}
	return l, lock.Close()
}

// peek returns an account to look at: it holds nothing, and must not be saved.
func (h Home) peek(user string) (*Account, error) {
	s, err := (&stateFile{home: h, path: h.path(user)}).load()
	if err != nil {
		return nil, err
	}
	if s.User != id.UserID(user) {
		return nil, fmt.Errorf("%w: it is of another account", ErrState)
	}
	return newAccount(nil, s, slog.New(slog.DiscardHandler))
}
