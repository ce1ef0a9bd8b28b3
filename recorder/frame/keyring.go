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
	// maxPrevious is how many replaced keys of one index stay in use during
	// Grace. A frame that opens with no key costs that many more tries.
	maxPrevious = 4
)

// NoGrace, as KeyOptions.Grace, drops a replaced key at once.
const NoGrace time.Duration = -1

// KeyOptions are what all keys of a ring have in common. They must match the
// senders'.
type KeyOptions struct {
	// Size is the AES key's length in bytes, 16 or 32. 0 means 16.
	Size int
	// Salt is the derivation's salt ("ratchetSalt" in LiveKit's clients). Empty
	// means "LKFrameEncryptionKey".
	Salt string
	// RatchetWindow is how many ratchet steps ahead of the key at its index a
	// frame's key may be. 0 means none; the most is 64.
	RatchetWindow int
	// Explain stores key material for as long as its key is in use, as a
	// RatchetWindow does, so that Keyring.Explain can derive other keys from it.
	Explain bool
	// Grace is how long a replaced key stays in use, for frames on their way. 0
	// means ten seconds. NoGrace means not at all.
	Grace time.Duration
	// Now is the clock for Grace. Nil means time.Now.
	Now func() time.Time
}

// A Keyring holds the keys of one participant, or those that a whole room
// shares, by index. It is safe for concurrent use; opening a frame takes no
// lock unless the frame fails. An index is never given up: whatever failed
// there, the next frame is tried again.
//
// Key material is overwritten once it is replaced or cleared, and is kept only
// where a ratchet, [Keyring.Key] or [Keyring.Explain] needs it. This is best effort: Go may have
// copied it, the derivation takes a passphrase as a string, and the key
// schedule inside cipher.AEAD cannot be reached; these go when the garbage
// collector reuses the memory.
type Keyring struct {
	o       KeyOptions
	slots   []atomic.Pointer[keySlot]
	version atomic.Uint64

	mu      sync.Mutex // held while keys change, and for what key says
	ids     uint32
	newest  int // index that was set last, -1 if none was
	changed chan struct{}
	data    budget // of the ratchet, for data packets
}

// A keySlot is the immutable state of one index.
type keySlot struct {
	current  *key // nil: there is none, or it was removed
	previous []replaced
}

// A replaced key is used until some time.
type replaced struct {
	*key
	until time.Time
}

type key struct {
	id    uint32 // unique in the ring
	aead  cipher.AEAD
	check [aes.BlockSize]byte // AES of zeros: tells keys apart

	derivation Derivation
	secret     []byte // under Keyring.mu; the AES key itself
	material   []byte // under mu; nil if there is no ratchet
	ahead      []*key // under mu; the keys one and more steps ahead, as far as derived
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
	return &Keyring{
		o: o, slots: make([]atomic.Pointer[keySlot], min(size, maxRingSize)),
		newest: -1, changed: make(chan struct{}),
	}
}

// SetPassphrase installs the key that follows from a passphrase by PBKDF2. It
// takes some tens of milliseconds.
func (k *Keyring) SetPassphrase(index int, passphrase []byte) error {
	return k.SetRaw(index, passphrase, PBKDF2)
}

// SetRaw installs the key that follows from raw key material. index is taken
// modulo the ring's size, as LiveKit's clients do when they set a key. Setting
// the key that is there already changes nothing; setting the one that a ratchet
// started from starts it again. raw remains the caller's.
func (k *Keyring) SetRaw(index int, raw []byte, d Derivation) error {
	if index < 0 {
		return fmt.Errorf("key index %d is negative", index)
	}
	if len(raw) == 0 {
		return errors.New("key is empty")
	}
	next, err := k.newKey(slices.Clone(raw), d) // without the lock: PBKDF2 takes its time
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.newest = index % len(k.slots)
	k.installLocked(k.newest, next, nil)
	return nil
}

// Remove drops the key at index, after its Grace. index is taken modulo the
// ring's size. If there is no key, nothing happens.
func (k *Keyring) Remove(index int) {
	if index < 0 {
		return
	}
	index %= len(k.slots)
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.slots[index].Load(); s != nil && s.current != nil {
		k.installLocked(index, nil, nil)
	}
}

// Ratchet replaces the key at index with the next one of its ratchet. It needs a
// ring with a RatchetWindow: without one, no material is stored.
func (k *Keyring) Ratchet(index int) error {
	if index < 0 {
		return fmt.Errorf("key index %d is negative", index)
	}
	index %= len(k.slots)
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.slots[index].Load()
	if s == nil || s.current == nil {
		return ErrNoKey
	}
	if k.o.RatchetWindow == 0 || s.current.material == nil {
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
func (k *Keyring) Has(index int) bool {
	s := k.load(index)
	return s != nil && s.current != nil
}

// Newest returns the index at which a key was last set, which is the one that
// LiveKit's clients encrypt with. ok is false if no key was set, or it was
// removed.
func (k *Keyring) Newest() (index int, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newest < 0 {
		return 0, false
	}
	s := k.slots[k.newest].Load()
	return k.newest, s != nil && s.current != nil
}

// Key returns a copy of the AES key at index, of 16 or 32 bytes, for libraries
// that encrypt themselves. The caller overwrites it after use. It is nil if there
// is no key.
func (k *Keyring) Key(index int) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.load(index)
	if s == nil || s.current == nil {
		return nil
	}
	return slices.Clone(s.current.secret)
}

// Version grows with each change of the ring's keys, by the caller or by a frame
// that ratcheted. After a change, a frame that did not open is worth another try.
func (k *Keyring) Version() uint64 { return k.version.Load() }

// Changed returns a channel that is closed at the ring's next change.
func (k *Keyring) Changed() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// Clear drops all keys at once, without Grace.
func (k *Keyring) Clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.slots {
		if s := k.slots[i].Swap(nil); s != nil {
			s.current.wipe()
			for _, p := range s.previous {
				p.wipe()
			}
		}
	}
	k.changedLocked()
}

func (k *Keyring) changedLocked() {
	k.version.Add(1)
	close(k.changed)
	k.changed = make(chan struct{})
}

// load returns the keys at an index that came with a frame: no modulo here.
func (k *Keyring) load(index int) *keySlot {
	if index < 0 || index >= len(k.slots) {
		return nil
	}
	return k.slots[index].Load()
}

// newKey derives a key and takes ownership of material.
func (k *Keyring) newKey(material []byte, d Derivation) (*key, error) {
	if k.o.Size != 16 && k.o.Size != 32 {
		return nil, fmt.Errorf("key size is %d bytes, must be 16 or 32", k.o.Size)
	}
	derived, err := d.derive(material, k.o.Salt, k.o.Size)
	if err != nil {
		return nil, err
	}
	next, err := makeKey(derived)
	if err != nil {
		return nil, err
	}
	next.derivation = d
	if k.o.RatchetWindow > 0 || k.o.Explain {
		next.material = material
	} else {
		clear(material)
	}
	return next, nil
}

// makeKey returns the key that an AES key is, whose owner it becomes.
func makeKey(secret []byte) (*key, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	k := &key{aead: aead, secret: secret}
	block.Encrypt(k.check[:], k.check[:])
	return k, nil
}

// installLocked makes next the key at index, nil for none. skipped are keys
// between the old one and next that frames may still come under, newest first.
func (k *Keyring) installLocked(index int, next *key, skipped []*key) {
	old := k.slots[index].Load()
	s := &keySlot{current: next}
	if old != nil {
		if next != nil && old.current != nil && old.current.check == next.check {
			next.wipe()
			return
		}
		until := k.o.Now().Add(k.o.Grace)
		if k.o.Grace != NoGrace {
			if old.current != nil {
				s.previous = append(s.previous, replaced{old.current, until})
			}
			for _, p := range skipped {
				s.previous = append(s.previous, replaced{p, until})
			}
			s.previous = append(s.previous, old.previous...)
			s.previous = s.previous[:min(len(s.previous), maxPrevious)]
		}
		for _, p := range skipped {
			p.wipe()
		}
		old.current.wipe() // its AEAD still works
	}
	if next != nil && next.id == 0 {
		k.ids++
		next.id = k.ids
	}
	k.slots[index].Store(s)
	k.changedLocked()
}

// openPrevious tries the keys that were replaced recently. It drops those whose
// Grace is over.
func (k *Keyring) openPrevious(index int, s *keySlot, f sealedFrame, dst []byte) ([]byte, *key) {
	if len(s.previous) == 0 {
		return nil, nil
	}
	now, live := k.o.Now(), 0
	for _, p := range s.previous { // the first replaced last
		if !now.Before(p.until) {
			break
		}
		live++
	}
	if live < len(s.previous) {
		k.slots[index].CompareAndSwap(s, &keySlot{current: s.current, previous: s.previous[:live:live]})
	}
	for _, p := range s.previous[:live] {
		if out, err := f.open(p.key, dst); err == nil {
			return out, p.key
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
	clear(k.secret)
	clear(k.material)
	k.secret, k.material = nil, nil
	for _, next := range k.ahead {
		next.wipe()
	}
	k.ahead = nil
}
