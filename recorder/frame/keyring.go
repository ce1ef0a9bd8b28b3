package frame

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultRingSize = 16
	maxRingSize     = 256
	defaultGrace    = 10 * time.Second
	maxWindow       = 64

	// ratchetSteps is how many new keys one frame that does not authenticate may
	// make us derive. Derived keys are kept, so no flood costs more than one
	// window of derivations per installed key.
	ratchetSteps = 4
	// ratchetTries is how many such frames a second are tried with the keys of
	// the window; the others of a flood fail at once.
	ratchetTries = 64
)

// KeyOptions are what all keys of a ring have in common. They must match the
// senders'.
type KeyOptions struct {
	// Size is the AES key's length in bytes, 16 or 32; 0 is 16.
	Size int
	// Salt is the derivation's salt ("ratchetSalt" in LiveKit's clients); empty
	// is "LKFrameEncryptionKey".
	Salt string
	// RatchetWindow is how many ratchet steps ahead a frame may be that does not
	// authenticate under the key at its index; 0 is none, the most is 64.
	RatchetWindow int
	// Grace is how long a replaced key stays in use for frames that were under
	// way; 0 is ten seconds, negative is not at all.
	Grace time.Duration
	// Now is the clock for Grace; nil is time.Now.
	Now func() time.Time
}

// A Keyring holds the keys of one participant, or those that a whole room
// shares, by index. It is safe for concurrent use; opening a frame takes no
// lock unless the frame fails.
//
// Key material is overwritten once it is replaced or cleared, and is kept only
// where a ratchet needs it. This is best effort: Go may have copied it, the
// derivation takes a passphrase as a string, and the key schedule inside
// cipher.AEAD cannot be reached; these go when the garbage collector reuses the
// memory.
type Keyring struct {
	o     KeyOptions
	slots []atomic.Pointer[keySlot]

	mu  sync.Mutex // held while keys change, and for what key says
	ids uint32
}

// A keySlot is the immutable state of one index.
type keySlot struct {
	current  *key
	previous *key // replaced; used until
	until    time.Time
}

type key struct {
	id    uint32 // unique in the ring
	aead  cipher.AEAD
	check [aes.BlockSize]byte // AES of zeros: tells keys apart

	derivation Derivation
	material   []byte // under mu; nil if there is no ratchet
	ahead      []*key // under mu; the keys one and more steps ahead, as far as derived
	tries      int    // under mu; frames tried with them since
	since      time.Time
}

// NewKeyring returns an empty ring with room for size keys; 0 is 16, the most
// is 256.
func NewKeyring(size int, o KeyOptions) *Keyring {
	if size <= 0 {
		size = defaultRingSize
	}
	if o.Size == 0 {
		o.Size = 16
	}
	if o.Salt == "" {
		o.Salt = defaultSalt
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.RatchetWindow = min(max(o.RatchetWindow, 0), maxWindow)
	return &Keyring{o: o, slots: make([]atomic.Pointer[keySlot], min(size, maxRingSize))}
}

// SetPassphrase installs the key that follows from a passphrase by PBKDF2. It
// takes some tens of milliseconds.
func (k *Keyring) SetPassphrase(index int, passphrase []byte) error {
	return k.SetRaw(index, passphrase, PBKDF2)
}

// SetRaw installs the key that follows from raw key material. index is taken
// modulo the ring's size, as LiveKit's clients do when they set a key. Setting
// the key that is there already changes nothing. raw remains the caller's.
func (k *Keyring) SetRaw(index int, raw []byte, d Derivation) error {
	if index < 0 {
		return fmt.Errorf("key index %d is negative", index)
	}
	if len(raw) == 0 {
		return errors.New("key is empty")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := k.newKeyLocked(slices.Clone(raw), d)
	if err != nil {
		return err
	}
	k.installLocked(index%len(k.slots), next)
	return nil
}

// Ratchet replaces the key at index by the next one of its ratchet. The ring
// must have been made with a RatchetWindow: without one it keeps no material.
func (k *Keyring) Ratchet(index int) error {
	if index < 0 {
		return fmt.Errorf("key index %d is negative", index)
	}
	index %= len(k.slots)
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.slots[index].Load()
	if s == nil {
		return ErrNoKey
	}
	if s.current.material == nil {
		return errors.New("keyring has no ratchet window")
	}
	if len(s.current.ahead) == 0 {
		if err := k.stepLocked(s.current); err != nil {
			return err
		}
	}
	k.advanceLocked(index, s.current, 0)
	return nil
}

// Has reports whether there is a key at index.
func (k *Keyring) Has(index int) bool { return k.load(index) != nil }

// Clear drops all keys at once.
func (k *Keyring) Clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.slots {
		if s := k.slots[i].Swap(nil); s != nil {
			s.current.wipe()
			s.previous.wipe()
		}
	}
}

// load returns the keys at an index that came with a frame: no modulo here.
func (k *Keyring) load(index int) *keySlot {
	if index < 0 || index >= len(k.slots) {
		return nil
	}
	return k.slots[index].Load()
}

// newKeyLocked derives a key and takes ownership of material.
func (k *Keyring) newKeyLocked(material []byte, d Derivation) (*key, error) {
	if k.o.Size != 16 && k.o.Size != 32 {
		return nil, fmt.Errorf("key size is %d bytes, must be 16 or 32", k.o.Size)
	}
	derived, err := d.derive(material, k.o.Salt, k.o.Size)
	if err != nil {
		return nil, err
	}
	defer clear(derived)
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	k.ids++
	next := &key{id: k.ids, aead: aead, derivation: d}
	block.Encrypt(next.check[:], next.check[:])
	if k.o.RatchetWindow > 0 {
		next.material = material
	} else {
		clear(material)
	}
	return next, nil
}

func (k *Keyring) installLocked(index int, next *key) {
	old := k.slots[index].Load()
	s := &keySlot{current: next}
	if old != nil {
		if old.current.check == next.check {
			next.wipe()
			return
		}
		old.previous.wipe()
		if k.o.Grace > 0 {
			s.previous, s.until = old.current, k.o.Now().Add(k.o.Grace)
		}
		old.current.wipe() // its AEAD still works
	}
	k.slots[index].Store(s)
}

// grace returns the key that the one in s replaced, if it may still be used.
func (k *Keyring) grace(index int, s *keySlot) *key {
	if s.previous == nil {
		return nil
	}
	if k.o.Now().Before(s.until) {
		return s.previous
	}
	k.slots[index].CompareAndSwap(s, &keySlot{current: s.current})
	return nil
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
	next, err := k.newKeyLocked(material, last.derivation)
	if err != nil {
		return err
	}
	current.ahead = append(current.ahead, next)
	return nil
}

// advanceLocked makes the i-th key ahead of current the one at index.
func (k *Keyring) advanceLocked(index int, current *key, i int) {
	next := current.ahead[i]
	next.ahead = slices.Clone(current.ahead[i+1:])
	current.ahead = current.ahead[:i] // wiped with current
	k.installLocked(index, next)
}

// openAhead tries the ratchet on a frame that did not authenticate under the
// key s has. On success that key replaces the one at index.
func (k *Keyring) openAhead(index int, s *keySlot, dst, iv, sealed, header []byte) ([]byte, *key) {
	if k.o.RatchetWindow == 0 {
		return nil, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	current := s.current
	if current.material == nil || k.slots[index].Load() == nil || k.slots[index].Load().current != current {
		return nil, nil // replaced meanwhile
	}
	if now := k.o.Now(); now.Sub(current.since) >= time.Second {
		current.since, current.tries = now, 0
	}
	if current.tries++; current.tries > ratchetTries {
		return nil, nil
	}
	for i, steps := 0, 0; i < k.o.RatchetWindow; i++ {
		if i == len(current.ahead) {
			if steps++; steps > ratchetSteps || k.stepLocked(current) != nil {
				return nil, nil
			}
		}
		if out, err := current.ahead[i].aead.Open(dst, iv, sealed, header); err == nil {
			next := current.ahead[i]
			k.advanceLocked(index, current, i)
			return out, next
		}
	}
	return nil, nil
}

// wipe overwrites what can be overwritten. The key may go on opening frames;
// it cannot be ratcheted any more.
func (k *key) wipe() {
	if k == nil {
		return
	}
	clear(k.material)
	k.material = nil
	for _, next := range k.ahead {
		next.wipe()
	}
	k.ahead = nil
}
