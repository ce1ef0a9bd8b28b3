package keys

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/durable"
	"github.com/sealtape/sealtape/internal/words"
)

// A Pin is a pinned card, or the user's own, and whether it still counts.
type Pin struct {
	Card
	// Own: it is the card of this home's identity.
	Own bool
	// Revoked is the card's revocation. Nil means that there is none.
	Revoked *Revocation
	// ReplacedBy is the key that its holder uses instead. "" means that this key
	// is in use.
	ReplacedBy string
	// Doubted: nobody compared the card's words, and every key that approved it
	// was revoked or unpinned since, or is Doubted itself.
	Doubted bool

	ground ground
	folded string // its name
}

// Live returns nil if the card counts at the given time: its holder may become a
// reader and prove who they are. The errors wrap ErrRevoked, ErrDoubted,
// ErrReplaced and ErrExpired. A card that does not count still names the holder
// of its old signatures.
func (p Pin) Live(now time.Time) error {
	switch {
	case p.Revoked != nil:
		err := fmt.Errorf("%w on %s", ErrRevoked, p.Revoked.Time.Format(time.DateOnly))
		if p.Revoked.Reason != "" {
			err = fmt.Errorf("%w: %s", err, p.Revoked.Reason)
		}
		return err
	case p.Doubted:
		return ErrDoubted
	case p.ReplacedBy != "":
		return ErrReplaced
	case p.Expired(now):
		return fmt.Errorf("%w on %s", ErrExpired, p.Expires.Format(time.DateOnly))
	}
	return nil
}

// Pins returns the user's own card, if there is one, then the pinned ones by
// name, and under one name from the newest to the oldest.
func (h *Home) Pins() ([]Pin, error) {
	own, err := h.OwnCard()
	if err != nil && !errors.Is(err, ErrNoIdentity) {
		return nil, err
	}
	files, ferr := h.members()
	if ferr != nil {
		return nil, ferr
	}
	var pins []Pin
	for _, f := range files {
		if f.card != nil {
			pins = append(pins, Pin{Card: *f.card, folded: f.folded})
		}
	}
	slices.SortFunc(pins, func(a, b Pin) int {
		return cmp.Or(strings.Compare(a.folded, b.folded), b.Created.Compare(a.Created), strings.Compare(a.Key, b.Key))
	})
	if err == nil {
		pins = slices.Insert(pins, 0, Pin{Card: own, Own: true, folded: foldName(own.Name)})
	}
	// The cards themselves say what they replace, so after a crash between two
	// files the old key does not count beside the new one.
	replaced := make(map[string]string)
	for _, p := range pins {
		if p.Replaces != "" {
			replaced[p.Replaces] = p.Key
		}
	}
	for i := range pins {
		p, key := &pins[i], hashName(pins[i].Key)
		if r := files[key+revocationExt].revocation; r != nil && r.concerns(p.Card) {
			p.Revoked = r
		}
		p.ReplacedBy = cmp.Or(files[key+replacementExt].replacedBy, replaced[p.Key])
		p.ground = files[key+groundExt].ground
	}
	setDoubted(pins)
	return pins, nil
}

// Person returns the cards that now count of the person with the given name, one
// for each device, newest first. Case does not matter. If no card has the name,
// the error is ErrNoMember. If none counts, it is the error of Pin.Live.
func (h *Home) Person(name string) ([]Card, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	return PersonOf(pins, name)
}

// PersonOf does the same with the result of Pins, for callers who ask for many
// names.
func PersonOf(pins []Pin, name string) ([]Card, error) {
	var cards []Card
	var dead error
	now, folded := time.Now(), foldName(name)
	for _, p := range pins {
		if p.folded != folded {
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
	return nil, fmt.Errorf("%w: %s", ErrNoMember, words.Quote(name))
}

// Member returns the newest of the cards that Person returns.
func (h *Home) Member(name string) (Card, error) {
	cards, err := h.Person(name)
	if err != nil {
		return Card{}, err
	}
	return cards[0], nil
}

// Revoke stores r: its key no longer counts, and cannot be pinned again. r must
// be signed by the key that it revokes, or by a card that counts and has the same
// name as the pinned card of that key. If no card of that key is pinned, the name
// in r is the one: r is then of no card of another name, also one that is pinned
// later. Otherwise the error wraps ErrBadRevocation.
func (h *Home) Revoke(r Revocation) (err error) {
	b, err := r.Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadRevocation, err)
	}
	if r, err = ParseRevocation(b); err != nil {
		return err
	}
	lock, err := h.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := h.CanRevoke(r); err != nil {
		return err
	}
	// The first revocation of a key stays, unless it is one in another name.
	err = durable.WriteNew(h.revocationPath(r.Key), b)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	files, err := h.members()
	if err != nil {
		return err
	}
	if first := files[hashName(r.Key)+revocationExt].revocation; first == nil || first.concerns(Card{Name: r.Name, Key: r.Key}) {
		return nil
	}
	return durable.WriteFile(h.revocationPath(r.Key), b)
}

// Revocations returns all stored revocations, sorted by key. Some are of keys of
// which no card is pinned.
func (h *Home) Revocations() ([]Revocation, error) {
	files, err := h.members()
	if err != nil {
		return nil, err
	}
	var rs []Revocation
	for _, f := range files {
		if f.revocation != nil {
			rs = append(rs, *f.revocation)
		}
	}
	slices.SortFunc(rs, func(a, b Revocation) int { return strings.Compare(a.Key, b.Key) })
	return rs, nil
}

// CanRevoke returns nil if Revoke would accept r, and otherwise the error of
// Revoke.
func (h *Home) CanRevoke(r Revocation) error {
	_, own, err := parseKey(r.Key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadRevocation, err)
	}
	if r.SignedBy(own) {
		return nil
	}
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(pins, func(p Pin) bool { return p.Key == r.Key })
	now := time.Now()
	if i < 0 {
		// It may be a card that was approved: it counts for cards of its name only.
		for _, p := range pins {
			if foldName(p.Name) == foldName(r.Name) && p.Live(now) == nil && r.SignedBy(p.Verifier()) {
				return nil
			}
		}
		return fmt.Errorf("%w: no card of that key is pinned, and neither the key itself nor a pinned card of %s has signed it", ErrBadRevocation, r.Name)
	}
	for _, p := range pins {
		if p.Key != r.Key && foldName(p.Name) == foldName(pins[i].Name) && p.Live(now) == nil && r.SignedBy(p.Verifier()) {
			return nil
		}
	}
	if pins[i].Revoked != nil && pins[i].Revoked.text() == r.text() {
		return nil // by a card that no longer counts
	}
	return fmt.Errorf("%w: neither the key itself nor another card of %s that counts has signed it", ErrBadRevocation, pins[i].Name)
}

// Remove unpins all cards with the given name. If device is not "", it unpins
// that device's cards only. Case does not matter in the name. A card that counts
// only by their approval no longer counts. If there is no such card, the error is
// ErrNoMember. Revocations stay, and what was sealed to the cards stays readable
// to their holder.
func (h *Home) Remove(name, device string) (err error) {
	lock, err := h.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	files, err := h.members()
	if err != nil {
		return err
	}
	var paths []string
	for file, f := range files {
		if f.card == nil || f.folded != foldName(name) || device != "" && f.card.Device != device {
			continue
		}
		// Remove the ground first: a card without one does not count.
		paths = slices.Insert(paths, 0, h.groundPath(f.card.Key))
		path := h.membersPath(file)
		if path == h.memberPath(f.card.Name) {
			paths = append(paths, path) // last: it reserves the name
		} else {
			paths = slices.Insert(paths, 1, path)
		}
	}
	if len(paths) == 0 {
		what := name
		if device != "" {
			what = strings.Join([]string{name, device}, ", ")
		}
		return fmt.Errorf("%w: %s", ErrNoMember, words.Quote(what))
	}
	return durable.Change(h.membersPath(""), func() error {
		for _, path := range paths {
			if err := durable.Remove(path); err != nil {
				return err
			}
		}
		return nil
	})
}
