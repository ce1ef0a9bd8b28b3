package keys

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/durable"
)

// Add pins c: from now on its name means its key. A card that is pinned already
// is no error, and a newer card of the same key and name replaces it. Another key
// under a pinned name is accepted if a card of that name that counts has approved
// it (Identity.Approve), or if all cards of that name are revoked or Doubted. A
// key that c replaces stops counting. The user's own card counts as pinned and is
// not stored again; if c is that card with approvals that it lacks, it has them from
// now on. An approval by a key that is not pinned is taken as it is.
//
// A card that nothing approved (Stranger) is trusted by its words: the caller
// must have had them compared. A pinned card that is Doubted, beside another card
// of its name that counts, is accepted by AddCompared only. A crash leaves the
// card pinned or not, and Add can be called again. Errors are ErrNameTaken,
// ErrKeyTaken, ErrOlderCard, ErrOtherRole, ErrExpired, ErrRevoked, and ErrBadCard
// for a Card that is not valid.
func (h *Home) Add(c Card) error { return h.add(c, false) }

// AddCompared pins as Add does a card whose words were compared, also if it has
// approvals. Such a card still counts when its approvals no longer do.
func (h *Home) AddCompared(c Card) error { return h.add(c, true) }

func (h *Home) add(c Card, compared bool) (err error) {
	b, err := c.Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	if c, err = ParseCard(b); err != nil {
		return err
	}
	lock, err := h.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	how, approvers, err := h.canAdd(pins, c)
	if compared && errors.Is(err, ErrDoubted) && errors.Is(err, ErrNameTaken) {
		how, err = Stranger, nil
	}
	if err != nil {
		return err
	}
	if len(pins) > 0 && pins[0].Own && pins[0].Key == c.Key {
		return h.adopt(pins, c)
	}
	before := slices.IndexFunc(pins, func(p Pin) bool { return p.Key == c.Key })
	var was ground
	if before >= 0 {
		was = pins[before].ground
		// A renewed card no longer says what it replaced.
		if err := h.noteReplaced(pins[before].Card); err != nil {
			return err
		}
	}
	// Write the card last, except for what follows from it: once it is there, all
	// is pinned.
	if g := was.with(ground{compared || how == Stranger, approvers}); before < 0 || !g.equal(was) {
		if err := durable.WriteFile(h.groundPath(c.Key), g.marshal()); err != nil {
			return err
		}
	}
	path := h.devicePath(c)
	switch {
	case before >= 0:
		if path, err = h.cardPath(c); err != nil {
			return err
		}
	case how == Stranger && !slices.ContainsFunc(pins, func(p Pin) bool { return p.folded == foldName(c.Name) }):
		if err := durable.WriteNew(h.memberPath(c.Name), b); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrNameTaken, c.Name) // another process pinned one in between
		} else if err != nil {
			return err
		}
		return h.noteReplaced(c)
	}
	if err := durable.WriteFile(path, b); err != nil {
		return err
	}
	return h.noteReplaced(c)
}

// noteReplaced stores which key a card replaced, since a renewed card no longer
// says it.
func (h *Home) noteReplaced(c Card) error {
	if c.Replaces == "" {
		return nil
	}
	b, err := c.Marshal()
	if err != nil {
		return err
	}
	return durable.WriteFile(h.replacementPath(c.Replaces), b)
}

// An Acquaintance is why a card may be pinned.
type Acquaintance string

const (
	Stranger Acquaintance = "stranger" // no card has the name: compare the fingerprint
	Known    Acquaintance = "known"    // its key is pinned under the name
	Approved Acquaintance = "approved" // a key that is pinned under the name approved it
)

// CanAdd returns how Add would pin a valid card, or the error with which Add
// would refuse it. So nobody has to compare the fingerprint of a card that is
// approved, or that cannot be pinned. A pinned card that is Doubted counts as a
// Stranger's, unless another card vouches for it. If another card of its name
// counts, the error wraps ErrNameTaken and ErrDoubted, and AddCompared pins it.
//
// CanAdd reads the file of a pinned card again only if it has changed.
func (h *Home) CanAdd(c Card) (Acquaintance, error) {
	pins, err := h.Pins()
	if err != nil {
		return "", err
	}
	how, _, err := h.canAdd(pins, c)
	return how, err
}

// canAdd does what CanAdd does, and also returns the keys that approved the card.
func (h *Home) canAdd(pins []Pin, c Card) (how Acquaintance, approvers []string, err error) {
	files, err := h.members()
	if err != nil {
		return "", nil, err
	}
	now := time.Now()
	key := hashName(c.Key)
	replaced := files[key+replacementExt].replacedBy
	if i := slices.IndexFunc(pins, func(p Pin) bool { return p.Key == c.Key }); i >= 0 {
		replaced = pins[i].ReplacedBy
	}
	revoked := files[key+revocationExt].revocation
	if revoked != nil && !revoked.concerns(c) {
		revoked = nil
	}
	if err := (Pin{Card: c, Revoked: revoked, ReplacedBy: replaced}).Live(now); err != nil {
		return "", nil, err
	}
	how, folded := Stranger, foldName(c.Name)
	var taken error
	doubted := false
	for _, p := range pins {
		switch {
		case p.Key == c.Key && p.Name != c.Name:
			return "", nil, fmt.Errorf("%w: %s", ErrKeyTaken, p.Name)
		case p.Key == c.Key && p.Role != c.Role:
			return "", nil, fmt.Errorf("%w: the key of %s is pinned as a %s's", ErrOtherRole, p.Name, p.Role)
		case p.Key == c.Key && p.Created.After(c.Created):
			return "", nil, fmt.Errorf("%w: of %s", ErrOlderCard, p.Created.Format(time.RFC3339))
		case p.Key == c.Key && !p.Doubted:
			how = Known
		case p.Key == c.Key:
			doubted = true
		case p.folded != folded:
		case p.Own && p.ApprovedBy(c.Verifier()): // by the key that approved one's own: compare its words
		case p.Live(now) == nil && p.Role.vouches(c.Role) && c.ApprovedBy(p.Verifier()):
			approvers = append(approvers, p.Key)
		case p.Revoked == nil && !p.Doubted:
			taken = fmt.Errorf("%w: %s", ErrNameTaken, p.Name)
		}
	}
	switch {
	case how == Known:
	case len(approvers) > 0:
		how = Approved
	case taken != nil && doubted:
		return "", nil, fmt.Errorf("%w, and %w", ErrDoubted, taken)
	case taken != nil:
		return "", nil, taken
	}
	return how, approvers, nil
}

// Members returns the pinned cards without the user's own, sorted by name, and
// under one name from the newest to the oldest. Some may no longer count: see
// Pins. A file without a valid card is an error, since that card was pinned and
// matters.
func (h *Home) Members() ([]Card, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	var cards []Card
	for _, p := range pins {
		if !p.Own {
			cards = append(cards, p.Card)
		}
	}
	return cards, nil
}

// Verifiers returns the verifiers of all pinned cards and the user's own. Cards
// that no longer count are among them: what they signed while they counted is
// still valid. What they may sign depends on their roles: see Recorders.
func (h *Home) Verifiers() (note.Verifiers, error) { return h.verifiers(Member) }

// Recorders returns those of the Verifiers that may sign recordings: their Role
// is Recorder.
func (h *Home) Recorders() (note.Verifiers, error) { return h.verifiers(Recorder) }

// verifiers returns the verifiers of the cards with a role. Member means all.
func (h *Home) verifiers(role Role) (note.Verifiers, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	return verifiersOf(pins, role), nil
}

// verifiersOf returns the verifiers of those pins that have a role. Member means all.
func verifiersOf(pins []Pin, role Role) note.Verifiers {
	seen := make(map[string]bool)
	var vs []note.Verifier
	for _, p := range pins {
		if !seen[p.Key] && (role == Member || p.Role == role) {
			seen[p.Key] = true
			vs = append(vs, p.Verifier())
		}
	}
	return note.VerifierList(vs...)
}

// memberPath returns the file of the first card of a name. The file reserves the
// name: two processes cannot pin two keys under it.
func (h *Home) memberPath(name string) string {
	return filepath.Join(h.dir, membersDir, hashName(foldName(name))+memberExt)
}

// devicePath returns the file of a further card of its name.
func (h *Home) devicePath(c Card) string {
	return filepath.Join(h.dir, membersDir, hashName(foldName(c.Name))+"-"+hashName(c.Key)+memberExt)
}

// cardPath returns the file in which the card's key is pinned.
func (h *Home) cardPath(c Card) (string, error) {
	b, err := readBounded(h.memberPath(c.Name), MaxCard)
	if errors.Is(err, fs.ErrNotExist) {
		return h.devicePath(c), nil
	}
	if err != nil {
		return "", err
	}
	if first, err := ParseCard(b); err != nil {
		return "", err
	} else if first.Key == c.Key {
		return h.memberPath(c.Name), nil
	}
	return h.devicePath(c), nil
}

// hashName returns a file name for a name. A stranger chose the name, so the name
// itself cannot be one.
func hashName(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
