package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Pin is a card that is pinned, or one's own, with what became of it since.
type Pin struct {
	Card
	// Own: it is the card of this home's identity.
	Own bool
	// Revoked is the card's revocation, nil if there is none.
	Revoked *Revocation
	// ReplacedBy is the key that its holder uses instead, "" if this one.
	ReplacedBy string
}

// Live returns nil if the card counts at the given time: its holder may become a
// reader and prove who they are. The errors wrap ErrRevoked, ErrReplaced and
// ErrExpired. A card that does not count still tells whose old signatures are.
func (p Pin) Live(now time.Time) error {
	switch {
	case p.Revoked != nil:
		err := fmt.Errorf("%w on %s", ErrRevoked, p.Revoked.Time.Format(time.DateOnly))
		if p.Revoked.Reason != "" {
			err = fmt.Errorf("%w: %s", err, p.Revoked.Reason)
		}
		return err
	case p.ReplacedBy != "":
		return ErrReplaced
	case p.Expired(now):
		return fmt.Errorf("%w on %s", ErrExpired, p.Expires.Format(time.DateOnly))
	}
	return nil
}

// Pins returns one's own card, where there is one, then the pinned ones by name;
// of one name, the newest first.
func (h *Home) Pins() ([]Pin, error) {
	own, err := h.OwnCard()
	if err != nil && !errors.Is(err, ErrNoIdentity) {
		return nil, err
	}
	cards, cerr := h.Members()
	if cerr != nil {
		return nil, cerr
	}
	var pins []Pin
	if err == nil {
		pins = append(pins, Pin{Card: own, Own: true})
	}
	for _, c := range cards {
		pins = append(pins, Pin{Card: c})
	}
	for i := range pins {
		p := &pins[i]
		if p.Revoked, err = h.revocation(p.Key); err != nil {
			return nil, err
		}
		if p.ReplacedBy, err = h.replacement(p.Key); err != nil {
			return nil, err
		}
	}
	return pins, nil
}

// Person returns the cards that count now of the person with the given name, one
// for each device, the newest first; case does not matter. It returns ErrNoMember
// where no card has the name, and the reason of Pin.Live where none counts.
func (h *Home) Person(name string) ([]Card, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	var cards []Card
	var dead error
	now := time.Now()
	for _, p := range pins {
		if foldName(p.Name) != foldName(name) {
			continue
		}
		if err := p.Live(now); err == nil {
			cards = append(cards, p.Card)
		} else if dead == nil || !errors.Is(err, ErrReplaced) {
			dead = fmt.Errorf("the card of %s does not count: %w", p.Label(), err)
		}
	}
	switch {
	case len(cards) > 0:
		return cards, nil
	case dead != nil:
		return nil, dead
	}
	return nil, fmt.Errorf("%w: %q", ErrNoMember, name)
}

// Member returns the newest of the cards that Person returns.
func (h *Home) Member(name string) (Card, error) {
	cards, err := h.Person(name)
	if err != nil {
		return Card{}, err
	}
	return cards[0], nil
}

// Revoke keeps r: its key does not count any more, nor can it be pinned again. r
// must be signed by the key that it revokes, or by a card that counts and has the
// same name as the pinned one of that key; else the error wraps ErrBadRevocation.
func (h *Home) Revoke(r Revocation) error {
	b, err := r.Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadRevocation, err)
	}
	if r, err = ParseRevocation(b); err != nil {
		return err
	}
	_, own, err := parseKey(r.Key)
	if err != nil {
		return err
	}
	if !r.SignedBy(own) {
		if err := h.mayRevoke(r); err != nil {
			return err
		}
	}
	// The first one stays.
	if err := writeNew(h.revocationPath(r.Key), b); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// mayRevoke reports whether r is signed by another card of the same person.
func (h *Home) mayRevoke(r Revocation) error {
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(pins, func(p Pin) bool { return p.Key == r.Key })
	if i < 0 {
		return fmt.Errorf("%w: no card of that key is pinned, and the key itself has not signed it", ErrBadRevocation)
	}
	now := time.Now()
	for _, p := range pins {
		if p.Key != r.Key && foldName(p.Name) == foldName(pins[i].Name) && p.Live(now) == nil && r.SignedBy(p.Verifier()) {
			return nil
		}
	}
	if pins[i].Revoked != nil && pins[i].Revoked.text() == r.text() {
		return nil // by one that does not count any more
	}
	return fmt.Errorf("%w: neither the key itself nor another card of %s that counts has signed it", ErrBadRevocation, pins[i].Name)
}

// revocation returns the revocation of a key, nil if there is none.
func (h *Home) revocation(key string) (*Revocation, error) {
	path := h.revocationPath(key)
	b, err := readBounded(path, MaxRevocation)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := ParseRevocation(b)
	if err == nil && r.Key != key {
		err = fmt.Errorf("%w: of another key", ErrBadRevocation)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &r, nil
}

// replacement returns the key that took the place of another, "" if none did.
func (h *Home) replacement(key string) (string, error) {
	path := h.replacementPath(key)
	b, err := readBounded(path, MaxCard)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c, err := ParseCard(b)
	if err == nil && c.Replaces != key {
		err = fmt.Errorf("%w: it replaces another key", ErrBadCard)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return c.Key, nil
}

// The files of members/ that say what became of a key: its revocation, and the
// card that replaced it, which may have been renewed since.
const (
	revocationExt  = ".revoked"
	replacementExt = ".replaced"
)

func (h *Home) revocationPath(key string) string {
	return filepath.Join(h.dir, membersDir, hashName(key)+revocationExt)
}

func (h *Home) replacementPath(key string) string {
	return filepath.Join(h.dir, membersDir, hashName(key)+replacementExt)
}

// Remove unpins all cards with the given name, or those of one device of theirs if
// that is not ""; case does not matter in the name. It returns ErrNoMember where
// there is none. Revocations stay. Recordings sealed to them stay readable to
// their holder.
func (h *Home) Remove(name, device string) error {
	cards, err := h.Members()
	if err != nil {
		return err
	}
	var paths []string
	for _, c := range cards {
		if foldName(c.Name) != foldName(name) || device != "" && c.Device != device {
			continue
		}
		path, err := h.cardPath(c)
		if err != nil {
			return err
		}
		if path == h.memberPath(c.Name) {
			paths = append(paths, path) // last: it keeps the name taken
		} else {
			paths = slices.Insert(paths, 0, path)
		}
	}
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(paths) == 0 {
		what := name
		if device != "" {
			what = strings.Join([]string{name, device}, ", ")
		}
		return fmt.Errorf("%w: %q", ErrNoMember, what)
	}
	return syncDir(filepath.Join(h.dir, membersDir))
}
