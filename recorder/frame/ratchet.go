package frame

import (
	"slices"
	"time"
)

const (
	maxWindow = 64

	// ratchetSteps is the most new keys that one frame which does not
	// authenticate makes us derive. Derived keys are stored, so a flood costs at
	// most one window of derivations for each installed key.
	ratchetSteps = 4
	// ratchetTries is how many such frames a second each track may try with the
	// window's keys. The others of a flood fail at once. Other tracks with the
	// same keys have tries of their own.
	ratchetTries = 64
)

// A budget bounds tries by the second.
type budget struct {
	tries int
	since time.Time
}

// spend reports whether there is a try left.
func (b *budget) spend(now time.Time) bool {
	if now.Sub(b.since) >= time.Second || now.Before(b.since) {
		b.since, b.tries = now, 0
	}
	if b.tries >= ratchetTries {
		return false
	}
	b.tries++
	return true
}

// stepLocked derives the next key of current's ratchet.
func (k *Keyring) stepLocked(current *key) error {
	last := current
	if n := len(current.ahead); n > 0 {
		last = current.ahead[n-1]
	}
	material, err := last.derivation.ratchet(last.material, k.o.Salt)
	if err != nil {
		return err
	}
	next, err := k.newKey(material, last.derivation)
	if err != nil {
		return err
	}
	k.ids++
	next.id = k.ids
	current.ahead = append(current.ahead, next)
	return nil
}

// advanceLocked makes the i-th key ahead of current the key at index. The keys
// between them stay in use like the replaced one: a track that is behind may
// still use them.
func (k *Keyring) advanceLocked(index int, current *key, i int) {
	next := current.ahead[i]
	next.ahead = slices.Clone(current.ahead[i+1:])
	skipped := slices.Clone(current.ahead[:i])
	slices.Reverse(skipped)
	current.ahead = nil
	k.installLocked(index, next, skipped)
}

// openAhead tries the ratchet on a frame that did not authenticate under the
// key s has. On success that key replaces the one at index.
func (k *Keyring) openAhead(index int, s *keySlot, b *budget, f sealedFrame, dst []byte) ([]byte, *key) {
	if k.o.RatchetWindow == 0 || s.current == nil || !b.spend(k.o.Now()) {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	current := s.current
	now := k.slots[index].Load()
	if now == nil || now.current == nil {
		return nil, nil
	}
	if now.current != current { // replaced meanwhile
		if out, err := f.open(now.current, dst); err == nil {
			return out, now.current
		}
		return nil, nil
	}
	if current.material == nil {
		return nil, nil
	}
	for i, steps := 0, 0; i < k.o.RatchetWindow; i++ {
		if i == len(current.ahead) {
			if steps++; steps > ratchetSteps || k.stepLocked(current) != nil {
				return nil, nil
			}
		}
		if out, err := f.open(current.ahead[i], dst); err == nil {
			next := current.ahead[i]
			k.advanceLocked(index, current, i)
			return out, next
		}
	}
	return nil, nil
}
