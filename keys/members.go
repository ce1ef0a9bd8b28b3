package keys

import (
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
// is no error, and a newer card of the same key and name replaces it. One's own
// card counts as pinned and is not stored again. Errors are ErrNameTaken,
// ErrKeyTaken, ErrOlderCard, and ErrBadCard for a Card that is not valid.
func (h *Home) Add(c Card) error {
	b, err := c.Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	if c, err = ParseCard(b); err != nil {
		return err
	}
	known, err := h.check(c)
	if err != nil {
		return err
	}
	if own, err := h.OwnCard(); err == nil && own.Key == c.Key {
		return nil
	}
	if known {
		return writeReplace(h.memberPath(c.Name), b)
	}
	if err := writeNew(h.memberPath(c.Name), b); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", ErrNameTaken, c.Name) // another process was faster
	} else if err != nil {
		return err
	}
	return nil
}

// CanAdd returns the error with which Add would refuse a valid card, so that
// nobody is asked to compare the fingerprint of one that cannot be pinned.
func (h *Home) CanAdd(c Card) error {
	_, err := h.check(c)
	return err
}

// check compares c with the pinned cards. It reports whether its key is known.
func (h *Home) check(c Card) (known bool, err error) {
	pinned, err := h.pinned()
	if err != nil {
		return false, err
	}
	for _, p := range pinned {
		sameName := foldName(p.Name) == foldName(c.Name)
		switch {
		case sameName && p.Key != c.Key:
			return false, fmt.Errorf("%w: %s", ErrNameTaken, p.Name)
		case p.Key == c.Key && p.Name != c.Name:
			return false, fmt.Errorf("%w: %s", ErrKeyTaken, p.Name)
		case p.Key == c.Key && p.Created.After(c.Created):
			return false, fmt.Errorf("%w: of %s", ErrOlderCard, p.Created.Format(time.RFC3339))
		case p.Key == c.Key:
			known = true
		}
	}
	return known, nil
}

// Remove unpins the card with the given name; case does not matter. It returns
// ErrNoMember where there is none. Recordings sealed to it stay readable to its
// holder.
func (h *Home) Remove(name string) error {
	err := os.Remove(h.memberPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %q", ErrNoMember, name)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Join(h.dir, membersDir))
}

// Members returns the pinned cards without one's own, sorted by name. A file
// that does not hold a valid card is an error: it was pinned, so it matters.
func (h *Home) Members() ([]Card, error) {
	entries, err := os.ReadDir(filepath.Join(h.dir, membersDir))
	if err != nil {
		return nil, err
	}
	var cards []Card
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), memberExt) {
			continue // a temporary file of a writer at work
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
		if h.memberPath(c.Name) != p {
			return nil, fmt.Errorf("%s: %w: pinned under another name than its own", p, ErrBadCard)
		}
		cards = append(cards, c)
	}
	slices.SortFunc(cards, func(a, b Card) int {
		return strings.Compare(foldName(a.Name), foldName(b.Name))
	})
	return cards, nil
}

// Member returns the pinned card, or one's own, with the given name; case does
// not matter. It returns ErrNoMember where there is none.
func (h *Home) Member(name string) (Card, error) {
	pinned, err := h.pinned()
	if err != nil {
		return Card{}, err
	}
	for _, c := range pinned {
		if foldName(c.Name) == foldName(name) {
			return c, nil
		}
	}
	return Card{}, fmt.Errorf("%w: %q", ErrNoMember, name)
}

// Verifiers returns the verifiers of all pinned cards and one's own.
func (h *Home) Verifiers() (note.Verifiers, error) {
	pinned, err := h.pinned()
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool)
	var vs []note.Verifier
	for _, c := range pinned {
		if !seen[c.Key] {
			seen[c.Key] = true
			vs = append(vs, c.Verifier())
		}
	}
	return note.VerifierList(vs...), nil
}

// pinned returns one's own card, where there is one, and all members.
func (h *Home) pinned() ([]Card, error) {
	cards, err := h.Members()
	if err != nil {
		return nil, err
	}
	own, err := h.OwnCard()
	if errors.Is(err, ErrNoIdentity) {
		return cards, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]Card{own}, cards...), nil
}

const memberExt = ".card"

// memberPath returns the file of a member. A name is a stranger's text, so the
// file is named by its hash.
func (h *Home) memberPath(name string) string {
	sum := sha256.Sum256([]byte(foldName(name)))
	return filepath.Join(h.dir, membersDir, hex.EncodeToString(sum[:16])+memberExt)
}
