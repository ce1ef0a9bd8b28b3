package roomkeys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
)

const (
	liveKitSalt = "LKFrameEncryptionKey"
	liveKitInfo = 128 // bytes, all zero
)

// Rings hold the AES keys that events install, for LiveKit's SDK for Go. They are
// safe for concurrent use.
type Rings struct {
	size    int
	missing func(identity string, index int)

	mu    sync.Mutex
	keys  map[string]map[int][]byte
	using map[string]int
}

// NewRings returns empty rings. size is the AES key's length in bytes, 16 or 32, the
// same for all in the room. missing, if not nil, is told which keys frames need and
// are not there: it is an Exchange's Missing.
func NewRings(size int, missing func(identity string, index int)) (*Rings, error) {
	if size != 16 && size != 32 {
		return nil, fmt.Errorf("AES keys of %d bytes, must be 16 or 32", size)
	}
	return &Rings{size: size, missing: missing, keys: make(map[string]map[int][]byte), using: make(map[string]int)}, nil
}

// Take does what an event says. Others than Install, Use and Retire are ignored.
func (r *Rings) Take(e Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ring := r.keys[e.Identity]
	switch e.Kind {
	case Install:
		key, err := hkdf.Key(sha256.New, e.Key, []byte(liveKitSalt), string(make([]byte, liveKitInfo)), r.size)
		if err != nil {
			return err
		}
		if ring == nil {
			ring = make(map[int][]byte)
			r.keys[e.Identity] = ring
		}
		clear(ring[e.Index])
		ring[e.Index] = key
	case Use:
		r.using[e.Identity] = e.Index
	case Retire:
		clear(ring[e.Index])
		if delete(ring, e.Index); len(ring) == 0 {
			delete(r.keys, e.Identity)
		}
	}
	return nil
}

// Provider returns the keys of one identity, as an e2ee.KeyProvider of LiveKit's SDK:
// this member's own to encrypt, another's to decrypt each of its tracks. The SDK's
// frame encryptor looks for the key only where the index differs from its last
// frame's, so make a new one for a track that was muted for more than half a minute.
func (r *Rings) Provider(identity string) *Provider { return &Provider{r, identity} }

// A Provider is the keys of one identity.
type Provider struct {
	rings    *Rings
	identity string
}

var errNoKey = errors.New("there is no key at this index")

// GetKey returns a copy of the AES key at an index.
func (p *Provider) GetKey(index uint32) ([]byte, error) {
	r := p.rings
	r.mu.Lock()
	var key []byte
	if index < Indexes {
		key = slices.Clone(r.keys[p.identity][int(index)])
	}
	r.mu.Unlock()
	if key != nil {
		return key, nil
	}
	if r.missing != nil && index < Indexes {
		r.missing(p.identity, int(index))
	}
	return nil, fmt.Errorf("%w: %d", errNoKey, index)
}

// CurrentKeyIndex returns the index to encrypt under. It is this member's own only.
func (p *Provider) CurrentKeyIndex() uint32 {
	p.rings.mu.Lock()
	defer p.rings.mu.Unlock()
	return uint32(p.rings.using[p.identity])
}
