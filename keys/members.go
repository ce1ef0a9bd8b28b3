package keys

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Add pins c: from now on its name means its key. A card that is pinned already
// is no error, and a newer card of the same key and name replaces it. Another key
// under a pinned name is taken only if a card of that name that counts has
// approved it (Identity.Approve). A key that c replaces does not count from then on. One's own card counts as
// pinned and is not stored again. Errors are ErrNameTaken, ErrKeyTaken,
// ErrOlderCard, ErrExpired, ErrRevoked, and ErrBadCard for a Card that is not
// valid.
func (h *Home) Add(c Card) error {
	b, err := c.Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	if c, err = ParseCard(b); err != nil {
		return err
	}
	how, err := h.CanAdd(c)
	if err != nil {
		return err
	}
	if own, err := h.OwnCard(); err == nil && own.Key == c.Key {
		return nil
	}
	if c.Replaces != "" {
		// Its approval by the old key was checked with the card.
		if err := writeReplace(h.replacementPath(c.Replaces), b); err != nil {
			return err
		}
	}
	path := h.memberPath(c.Name)
	switch how {
	case Known:
		if path, err = h.cardPath(c); err != nil {
			return err
		}
		return writeReplace(path, b)
	case Approved:
		path = h.devicePath(c)
	}
	if err := writeNew(path, b); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrNameTaken, c.Name) // another process was faster
	} else if err != nil {
		return err
	}
	return nil
}

// An Acquaintance says why a card may be pinned.
type Acquaintance string

const (
	Stranger Acquaintance = "stranger" // nobody has the name: compare the fingerprint
	Known    Acquaintance = "known"    // its key is pinned under the name
	Approved Acquaintance = "approved" // a key that is pinned under the name approved it
)

// CanAdd says as what Add would pin a valid card, or returns the error with which
// it would refuse it, so that nobody is asked to compare the fingerprint of one
// that is approved, or that cannot be pinned.
func (h *Home) CanAdd(c Card) (Acquaintance, error) {
	pins, err := h.Pins()
	if err != nil {
		return "", err
	}
	revoked, err := h.revocation(c.Key)
	if err != nil {
		return "", err
	}
	replaced, err := h.replacement(c.Key)
	if err != nil {
		return "", err
	}
	now := time.Now()
	if err := (Pin{Card: c, Revoked: revoked, ReplacedBy: replaced}).Live(now); err != nil {
		return "", err
	}
	how := Stranger
	for _, p := range pins {
		sameName := foldName(p.Name) == foldName(c.Name)
		switch {
		case p.Key == c.Key && p.Name != c.Name:
			return "", fmt.Errorf("%w: %s", ErrKeyTaken, p.Name)
		case p.Key == c.Key && p.Created.After(c.Created):
			return "", fmt.Errorf("%w: of %s", ErrOlderCard, p.Created.Format(time.RFC3339))
		case p.Key == c.Key:
			return Known, nil
		case sameName && p.Live(now) == nil && c.ApprovedBy(p.Verifier()):
			how = Approved
		case sameName && how == Stranger:
			err = fmt.Errorf("%w: %s", ErrNameTaken, p.Name)
		}
	}
	if how == Stranger && err != nil {
		return "", err
	}
	return how, nil
}

// Members returns the pinned cards without one's own, sorted by name, those of one
// name by age, the newest first. Whether they still count Pins tells. A file that
// does not hold a valid card is an error: it was pinned, so it matters.
func (h *Home) Members() ([]Card, error) {
	entries, err := os.ReadDir(filepath.Join(h.dir, membersDir))
	if err != nil {
		return nil, err
	}
	var cards []Card
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), memberExt) {
			continue // a revocation, or a temporary file of a writer at work
		}
		p := filepath.Join(h.dir, membersDir, e.Name())
		b, err := readBounded(p, MaxCard)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		c, err := ParseCard(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		if h.memberPath(c.Name) != p && h.devicePath(c) != p {
			return nil, fmt.Errorf("%s: %w: pinned under another name than its own", p, ErrBadCard)
		}
		cards = append(cards, c)
	}
	slices.SortFunc(cards, func(a, b Card) int {
		return cmp.Or(strings.Compare(foldName(a.Name), foldName(b.Name)), b.Created.Compare(a.Created), strings.Compare(a.Key, b.Key))
	})
	return cards, nil
}

// Verifiers returns the verifiers of all pinned cards and one's own, of those too
// that do not count any more: what they signed while they did is still theirs.
func (h *Home) Verifiers() (note.Verifiers, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	var vs []note.Verifier
	for _, p := range pins {
		if !seen[p.Key] {
			seen[p.Key] = true
			vs = append(vs, p.Verifier())
		}
	}
	return note.VerifierList(vs...), nil
}

const memberExt = ".card"

// memberPath returns the file of the first card of a name. It keeps the name: two
// processes cannot pin two keys under it.
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

// hashName names a file. A name is a stranger's text, and no text for a file name.
func hashName(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
