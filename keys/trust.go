package keys

import (
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A Trust says whose signatures count, by the cards and revocations in a home as they
// were when Home.Trust read them. What opens recordings takes its verifiers. It is safe
// for concurrent use.
type Trust struct {
	// All are the verifiers of all pinned cards and the user's own, as of
	// Home.Verifiers.
	All note.Verifiers
	// Recorders are those that may sign recordings, as of Home.Recorders.
	Recorders note.Verifiers
	// Former are the keys that do not count any more: those that were revoked, also of
	// cards that are not pinned, and those of Doubted pins.
	Former note.Verifiers
	// Own are the verifier keys of the home's identity, today's first. Without an
	// identity there are none.
	Own []string

	holders map[string]Holder // by verifier key, and by its name
}

// A Holder is whose a key is.
type Holder struct {
	Key         string // verifier key
	Name        string
	Fingerprint Fingerprint
	// Revoked is the revocation of the key. Nil means that there is none.
	Revoked *Revocation
	// Doubted is that of the Pin.
	Doubted bool
	// Expires is that of the card. Zero means never.
	Expires time.Time
}

// Counts reports whether the key was neither revoked nor is doubted.
func (h Holder) Counts() bool { return h.Revoked == nil && !h.Doubted }

// Trust reads the cards and revocations of the home.
func (h *Home) Trust() (*Trust, error) {
	pins, err := h.Pins()
	if err != nil {
		return nil, err
	}
	t := &Trust{All: verifiersOf(pins, Member), Recorders: verifiersOf(pins, Recorder), holders: make(map[string]Holder)}
	var former []note.Verifier
	know := func(v note.Verifier, key string, who Holder) {
		t.holders[v.Name()], t.holders[key] = who, who
		if !who.Counts() {
			former = append(former, v)
		}
	}
	for _, p := range pins {
		if p.Own {
			earlier, err := h.EarlierKeys()
			if err != nil {
				return nil, err
			}
			t.Own = append([]string{p.Key}, earlier...)
		}
		know(p.Verifier(), p.Key, Holder{p.Key, p.Name, p.Fingerprint(), p.Revoked, p.Doubted, p.Expires})
	}
	// A key whose card is not pinned any more was revoked all the same.
	revocations, err := h.Revocations()
	if err != nil {
		return nil, err
	}
	for _, r := range revocations {
		v := Card{Key: r.Key}.Verifier()
		if _, pinned := t.holders[v.Name()]; !pinned {
			know(v, r.Key, Holder{Key: r.Key, Name: r.Name, Fingerprint: r.Fingerprint(), Revoked: &r})
		}
	}
	t.Former = note.VerifierList(former...)
	return t, nil
}

// Holder returns whose a key is, by the verifier key or by its name, which is what
// names the signer of a recording. False means that the home does not know the key.
func (t *Trust) Holder(key string) (Holder, bool) {
	h, ok := t.holders[key]
	return h, ok
}

// ApprovalCounts reports whether an approval by the key of this name counts that was made
// at the given time, by that key's word: the key is neither revoked nor doubted, and its
// card had not expired then.
func (t *Trust) ApprovalCounts(by string, at time.Time) bool {
	h, known := t.holders[by]
	return known && h.Counts() && (h.Expires.IsZero() || at.Before(h.Expires))
}

// Revokes reports whether the key of a recorder was revoked, which the key of the name by
// approved: by itself, or by a card of the name that approved it.
func (t *Trust) Revokes(recorder, by string) bool {
	r, a := t.holders[recorder], t.holders[by]
	return r.Revoked != nil && r.Revoked.concerns(Card{Name: a.Name, Key: r.Key})
}

// Distrusted reports whether the key of this name does not count any more.
func (t *Trust) Distrusted(name string) bool {
	h, known := t.holders[name]
	return known && !h.Counts()
}

// Counting returns those of vs that count.
func (t *Trust) Counting(vs note.Verifiers) note.Verifiers { return counting{vs, t} }

type counting struct {
	note.Verifiers
	trust *Trust
}

func (c counting) Verifier(name string, hash uint32) (note.Verifier, error) {
	if c.trust.Distrusted(name) {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
	}
	return c.Verifiers.Verifier(name, hash)
}
