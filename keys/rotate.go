package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/sealtape/sealtape/internal/durable"
)

// rotation is the file that holds all files of the identity that is about to
// replace the home's. It is one file, so that a crash leaves no half.
const rotation = "rotation.json"

// Rotate makes the identity's successor (see Identity.Successor) and stores it in
// place of the old identity, under the same passphrase. A nil passphrase means
// none. The old card is pinned beside the new one: what the old key signed still
// counts as the user's own. The old signing key is removed. The new identity
// still opens what was sealed to the old one. A crash leaves the old identity or
// the new one.
//
// A revoked key cannot vouch for another. Then the new card does not name the old
// one, and others compare its words. In this home the old key still counts as the
// user's own, with what was granted to it.
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
	if err := durable.WriteFile(h.groundPath(old.card.Key), ground{words: true}.marshal()); err != nil {
		return nil, err
	}
	if err := durable.WriteFile(h.devicePath(old.card), oldCard); err != nil {
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
	if err := durable.WriteNew(h.path(rotation), next); err != nil {
		return nil, err
	}
	return id, h.finishRotation()
}

// finishRotation finishes a rotation, also one that a crash interrupted.
func (h *Home) finishRotation() error {
	next, err := h.readSecret(rotation)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var files []identityFile
	if err := json.Unmarshal(next, &files); err != nil {
		return fmt.Errorf("%s is malformed", h.path(rotation)) // the error's own text may contain a secret
	}
	for _, f := range files {
		if !slices.Contains(identityFiles, f.Name) {
			return fmt.Errorf("%s is malformed", h.path(rotation))
		}
		if f.Name == ownCard {
			c, err := ParseCard(f.Data)
			if err == nil && c.Replaces != "" {
				err = durable.WriteFile(h.replacementPath(c.Replaces), f.Data)
			}
			if err != nil {
				return fmt.Errorf("finishing a change of keys: %w", err)
			}
		}
	}
	for _, f := range files {
		if err := durable.WriteFile(h.path(f.Name), f.Data); err != nil {
			return fmt.Errorf("finishing a change of keys: %w", err)
		}
	}
	return durable.Change(h.dir, func() error { return durable.Remove(h.path(rotation)) })
}

// Renew gives the identity another card (see Identity.Renew) and stores it.
func (h *Home) Renew(id *Identity, expires time.Time) (*Identity, error) {
	id, err := id.Renew(expires)
	if err != nil {
		return nil, err
	}
	return id, h.writeOwnCard(id.card)
}

// writeOwnCard stores another card of the home's own key.
func (h *Home) writeOwnCard(c Card) error {
	b, err := c.Marshal()
	if err != nil {
		return err
	}
	return durable.WriteFile(h.path(ownCard), b)
}

// EarlierKeys returns the verifier keys that the user's own key replaced, newest
// first. A grant to one of them is a grant to the user.
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

// replacedBy returns the pins whose keys the first pin's key replaced, newest
// first.
func replacedBy(pins []Pin) (earlier []Pin) {
	for at := pins[0]; len(earlier) < len(pins); { // no chain is longer than the number of cards
		i := slices.IndexFunc(pins, func(p Pin) bool { return p.ReplacedBy == at.Key && p.folded == at.folded })
		if i < 0 {
			break
		}
		at = pins[i]
		earlier = append(earlier, at)
	}
	return earlier
}

// earlier returns the cards for Identity.earlier.
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

// revocations returns the revocations for Identity.revoked, sorted by key.
func (h *Home) revocations(id *Identity) ([]Revocation, error) {
	all, err := h.Revocations()
	return slices.DeleteFunc(all, func(r Revocation) bool { return !id.concerns(r) }), err
}

// keepRevocations stores the revocations that came with the identity, as Revoke
// does. The home that exported them has checked who signed them.
func (h *Home) keepRevocations(id *Identity) error {
	for _, r := range id.revoked {
		b, err := r.Marshal()
		if err != nil {
			return err
		}
		if err := durable.WriteNew(h.revocationPath(r.Key), b); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// keepEarlier pins the keys that the identity's key replaced: what they signed
// still counts as the user's own.
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
		if err := durable.WriteFile(h.groundPath(c.Key), ground{words: true}.marshal()); err != nil {
			return err
		}
		// The newest card of a key comes first. A card that is pinned stays.
		path, err := h.cardPath(c)
		if err != nil {
			return err
		}
		if err := durable.WriteNew(path, b); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}
