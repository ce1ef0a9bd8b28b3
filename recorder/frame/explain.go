package frame

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/recorder/media"
)

// A CauseKind is a kind of reason why a frame does not open.
type CauseKind string

const (
	CausePassphrase CauseKind = "passphrase" // nothing tried opens it: another passphrase or key, or the frame was changed
	CauseDerivation CauseKind = "derivation" // the key is right, but derived in the other way
	CauseBits       CauseKind = "bits"       // the key is right, but of the other size
	CauseSalt       CauseKind = "salt"       // the key is right, but derived with LiveKit's own salt
	CauseRatchet    CauseKind = "ratchet"    // the key was ratcheted beyond the window
	CauseIndex      CauseKind = "index"      // the key is right, but under another index
	CauseNoKey      CauseKind = "no-key"     // there is no key at its index, and no other key opens it
	CausePlaintext  CauseKind = "plaintext"  // it is not encrypted
)

// A Cause is the likeliest reason why a frame does not open. It has no part of
// any key.
type Cause struct {
	Kind CauseKind
	// Index is the key index in the frame. Key is the index of the key that opens
	// it.
	Index, Key int
	// Derivation and Bits are those with which the key opens it.
	Derivation Derivation
	Bits       int
	// Steps is how often the sender's key was ratcheted. Window is the ring's
	// limit for that.
	Steps, Window int
}

// String describes the cause, to continue a sentence about the sender's frames.
func (c Cause) String() string {
	switch c.Kind {
	case CauseDerivation:
		return fmt.Sprintf("their key is derived by %s, with %d bits", c.Derivation, c.Bits)
	case CauseBits:
		return fmt.Sprintf("their key has %d bits", c.Bits)
	case CauseSalt:
		return "their key is derived with LiveKit's own salt"
	case CauseRatchet:
		return fmt.Sprintf("their key was ratcheted %d times, and the ratchet window is %d", c.Steps, c.Window)
	case CauseIndex:
		return fmt.Sprintf("they name key index %d, and the key at index %d opens them", c.Index, c.Key)
	case CauseNoKey:
		return fmt.Sprintf("there is no key at their key index, %d", c.Index)
	case CausePlaintext:
		return "they are not encrypted"
	}
	return "none of the keys opens them: is it another passphrase?"
}

const (
	explainSteps = 16 // of a ratchet: livekit-client's own window is 8
	explainKeys  = 4  // whose other derivations are tried
)

// Explain finds out why a frame of a track does not open. It tries what senders
// get wrong: keys of other indexes, the other derivation and size, and a ratchet.
// With keys from PBKDF2 it may compute for some seconds; ctx ends it earlier. It
// can only try what the ring stores: see KeyOptions.Explain. It does not change
// the ring.
func (k *Keyring) Explain(ctx context.Context, c media.Codec, frame []byte) Cause {
	x := explanation{ring: k, codec: c, frame: frame}
	index, ok := x.index()
	if !ok {
		return Cause{Kind: CausePlaintext}
	}
	cause := Cause{Index: index, Key: index, Window: k.o.RatchetWindow}
	keys := k.materials(index)
	defer func() {
		for _, m := range keys {
			clear(m.material)
		}
	}()
	for _, try := range []func(ctx context.Context, keys []material, cause Cause) (Cause, bool){x.asIs, x.derived, x.ratcheted} {
		if found, ok := try(ctx, keys, cause); ok {
			return found
		}
	}
	cause.Kind = CausePassphrase
	if !k.Has(index) {
		cause.Kind = CauseNoKey
	}
	return cause
}

// A material is what a key at some index is derived from. Nil means that it is
// not stored.
type material struct {
	index      int
	current    *key
	derivation Derivation
	material   []byte
}

// materials returns all stored material, that at index first. The caller
// overwrites it.
func (k *Keyring) materials(index int) (all []material) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.slots {
		if s := k.slots[i].Load(); s != nil && s.current != nil {
			all = append(all, material{i, s.current, s.current.derivation, slices.Clone(s.current.material)})
		}
	}
	slices.SortStableFunc(all, func(a, b material) int {
		rank := func(m material) int {
			if m.index == index {
				return 0
			}
			return 1
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return all
}

// An explanation tries keys on a frame.
type explanation struct {
	ring  *Keyring
	codec media.Codec
	frame []byte
}

// index is the key index that the frame names, false if it is not encrypted.
func (x *explanation) index() (int, bool) {
	if _, err := NewDecrypter(x.codec, NewKeyring(maxRingSize, KeyOptions{})).Decrypt(nil, x.frame); !errors.Is(err, ErrNoKey) {
		return 0, false
	}
	return KeyIndex(x.frame)
}

// opens reports whether a key of the ring opens the frame.
func (x *explanation) opens(try *Keyring) bool {
	_, err := NewDecrypter(x.codec, try).Decrypt(nil, x.frame)
	return err == nil
}

// asIs tries the keys of other indexes unchanged.
func (x *explanation) asIs(_ context.Context, keys []material, cause Cause) (Cause, bool) {
	for _, m := range keys {
		if m.index == cause.Index {
			continue
		}
		try := NewKeyring(maxRingSize, KeyOptions{})
		try.slots[cause.Index].Store(&keySlot{current: m.current})
		if x.opens(try) {
			cause.Kind, cause.Key = CauseIndex, m.index
			return cause, true
		}
	}
	return cause, false
}

// derived tries other derivations of the stored material.
func (x *explanation) derived(ctx context.Context, keys []material, cause Cause) (Cause, bool) {
	o := x.ring.o
	for _, m := range keys[:min(len(keys), explainKeys)] {
		if m.material == nil {
			continue
		}
		other, otherSize := HKDF, 48-o.Size
		if m.derivation == HKDF {
			other = PBKDF2
		}
		for _, t := range []struct {
			kind CauseKind
			d    Derivation
			size int
			salt string
		}{
			{CauseDerivation, other, o.Size, o.Salt},
			{CauseBits, m.derivation, otherSize, o.Salt},
			{CauseDerivation, other, otherSize, o.Salt},
			{CauseSalt, m.derivation, o.Size, defaultSalt},
		} {
			if t.kind == CauseSalt && o.Salt == defaultSalt || t.size != 16 && t.size != 32 || ctx.Err() != nil {
				continue
			}
			try := NewKeyring(maxRingSize, KeyOptions{Size: t.size, Salt: t.salt})
			if try.SetRaw(cause.Index, m.material, t.d) == nil && x.opens(try) {
				cause.Kind, cause.Key, cause.Derivation, cause.Bits = t.kind, m.index, t.d, 8*t.size
				return cause, true
			}
			try.Clear()
		}
	}
	return cause, false
}

// ratcheted tries the keys after the one at the frame's index.
func (x *explanation) ratcheted(ctx context.Context, keys []material, cause Cause) (Cause, bool) {
	o := x.ring.o
	if len(keys) == 0 || keys[0].index != cause.Index || keys[0].material == nil || o.RatchetWindow >= explainSteps {
		return cause, false
	}
	d := keys[0].derivation
	// A key is the beginning of the material after its own (see ratchet), so that each
	// step costs one derivation.
	next, err := d.ratchet(keys[0].material, o.Salt)
	for step := 1; err == nil && step <= explainSteps && ctx.Err() == nil; step++ {
		at := next
		next, err = d.ratchet(at, o.Salt)
		clear(at)
		if err != nil || len(next) < o.Size {
			break
		}
		k, kerr := makeKey(slices.Clone(next[:o.Size]))
		if kerr != nil {
			break
		}
		try := NewKeyring(maxRingSize, KeyOptions{})
		try.slots[cause.Index].Store(&keySlot{current: k})
		if step > o.RatchetWindow && x.opens(try) {
			clear(next)
			cause.Kind, cause.Steps = CauseRatchet, step
			return cause, true
		}
		k.wipe()
	}
	clear(next)
	return cause, false
}

// String returns the derivation's name.
func (d Derivation) String() string {
	switch d {
	case PBKDF2:
		return "PBKDF2"
	case HKDF:
		return "HKDF"
	}
	return fmt.Sprintf("Derivation(%d)", d)
}
