package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// rotation is the file with the files of an identity that is about to take the
// place of the one in the home: all of them in one, so that there is no half.
const rotation = "rotation.json"

// Rotate makes the identity's successor, see Identity.Successor, and keeps it in
// its place under the same passphrase, which is nil where there is none. The old
// card is pinned beside it: what the old key signed is still one's own. The old
// signing key is gone then; what was sealed to the old age identity still opens.
// A crash leaves the old identity or the new one.
//
// A key that was revoked vouches for none: then the new card says nothing of the old
// one, and others compare its words. In this home the old key is one's own all the
// same, with what was granted to it.
func (h *Home) Rotate(passphrase []byte, expires time.Time) (*Identity, error) {
	if (passphrase != nil) != h.HasPassphrase() {
		return nil, errors.New("the identity is under a passphrase, or is not: a new one is kept like the old one")
	}
	old, err := h.Load(func() ([]byte, error) { return passphrase, nil })
	if err != nil {
		return nil, err
	}
	id, err := old.Successor(expires)
	if err != nil {
		return nil, err
	}
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	if pins[0].Revoked != nil {
		if err := h.noteReplaced(id.card); err != nil {
			return nil, err
		}
		id.card.Replaces = ""
		if err := id.card.sign(id.signer); err != nil {
			return nil, err
		}
	}
	oldCard, err := old.card.Marshal()
	if err != nil {
		return nil, err
	}
	if err := writeReplace(h.groundPath(old.card.Key), ground{words: true}.marshal()); err != nil {
		return nil, err
	}
	if err := writeReplace(h.devicePath(old.card), oldCard); err != nil {
		return nil, err
	}
	files, err := h.files(id, passphrase)
	if err != nil {
		return nil, err
	}
	next, err := json.Marshal(files)
	if err != nil {
		return nil, err
	}
	if err := writeNew(h.path(rotation), next); err != nil {
		return nil, err
	}
	return id, h.finishRotation()
}

// finishRotation finishes a rotation: here, or where one was broken off.
func (h *Home) finishRotation() error {
	next, err := h.readSecret(rotation)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var files []keptFile
	if err := json.Unmarshal(next, &files); err != nil {
		return fmt.Errorf("%s is malformed", h.path(rotation)) // the error's own text may hold a secret
	}
	for _, f := range files {
		if !slices.Contains(identityFiles, f.Name) {
			return fmt.Errorf("%s is malformed", h.path(rotation))
		}
		if f.Name == ownCard {
			c, err := ParseCard(f.Data)
			if err == nil && c.Replaces != "" {
				err = writeReplace(h.replacementPath(c.Replaces), f.Data)
			}
			if err != nil {
				return fmt.Errorf("finishing a change of keys: %w", err)
			}
		}
	}
	for _, f := range files {
		if err := writeReplace(h.path(f.Name), f.Data); err != nil {
			return fmt.Errorf("finishing a change of keys: %w", err)
		}
	}
	if err := os.Remove(h.path(rotation)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(h.dir)
}

// Renew gives the identity another card, see Identity.Renew, and keeps it.
func (h *Home) Renew(id *Identity, expires time.Time) (*Identity, error) {
	id, err := id.Renew(expires)
	if err != nil {
		return nil, err
	}
	b, err := id.card.Marshal()
	if err != nil {
		return nil, err
	}
	return id, writeReplace(h.path(ownCard), b)
}

// SetCard keeps c as one's own card: the one there is, with approvals of one's
// other devices. Another key is refused.
func (h *Home) SetCard(c Card) error {
	own, err := h.OwnCard()
	if err != nil {
		return err
	}
	if own.text() != c.text() {
		return fmt.Errorf("%w: it says something else than one's own", ErrBadCard)
	}
	b, err := c.Marshal()
	if err != nil {
		return err
	}
	if _, err := ParseCard(b); err != nil {
		return err
	}
	return writeReplace(h.path(ownCard), b)
}

// EarlierKeys returns the verifier keys that one's own replaced, the newest first.
// What was granted to one of them is granted to oneself.
func (h *Home) EarlierKeys() ([]string, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	if len(pins) == 0 || !pins[0].Own {
		return nil, fmt.Errorf("%w in %s", ErrNoIdentity, h.dir)
	}
	var keys []string
	for _, p := range replacedBy(pins) {
		keys = append(keys, p.Key)
	}
	return keys, nil
}

// replacedBy returns the pins whose keys the first one's replaced, the newest first.
func replacedBy(pins []Pin) (earlier []Pin) {
	for at := pins[0]; len(earlier) < len(pins); { // no chain is longer than there are cards
		i := slices.IndexFunc(pins, func(p Pin) bool { return p.ReplacedBy == at.Key && p.folded == at.folded })
		if i < 0 {
			break
		}
		at = pins[i]
		earlier = append(earlier, at)
	}
	return earlier
}

// earlier returns what Identity.earlier is.
func (h *Home) earlier() (cards []Card, err error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	files, err := h.members()
	if err != nil {
		return nil, err
	}
	for _, p := range replacedBy(pins) {
		cards = append(cards, p.Card)
		if f, ok := files[hashName(p.Key)+replacementExt]; ok {
			cards = append(cards, f.successor)
		}
	}
	return cards, nil
}

// revocations returns what Identity.revoked is, by key.
func (h *Home) revocations(id *Identity) ([]Revocation, error) {
	all, err := h.Revocations()
	return slices.DeleteFunc(all, func(r Revocation) bool { return !id.concerns(r) }), err
}

// keepRevocations keeps those that came with the identity, as Revoke does: its holder's
// own home judged who may have signed them.
func (h *Home) keepRevocations(id *Identity) error {
	for _, r := range id.revoked {
		b, err := r.Marshal()
		if err != nil {
			return err
		}
		if err := writeNew(h.revocationPath(r.Key), b); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// keepEarlier pins the keys that the identity's took the place of: what they signed
// is still one's own.
func (h *Home) keepEarlier(id *Identity) error {
	for _, c := range id.earlier {
		if err := h.noteReplaced(c); err != nil {
			return err
		}
		if c.Key == id.card.Key {
			continue
		}
		b, err := c.Marshal()
		if err != nil {
			return err
		}
		if err := writeReplace(h.groundPath(c.Key), ground{words: true}.marshal()); err != nil {
			return err
		}
		// The first of a key is the newest. One that is pinned stays.
		path, err := h.cardPath(c)
		if err != nil {
			return err
		}
		if err := writeNew(path, b); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
