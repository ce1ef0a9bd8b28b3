package recorder

import (
	"sync"

	"github.com/sealtape/sealtape/recorder/frame"
)

// A KeyProvider gives the end-to-end keys of a room, by participant and key
// index. It is what makes a kind of room: one that shares a passphrase, one
// whose members have keys of their own, one that learns keys as they are handed
// out.
//
// The recorder asks once for each track, with the identity under which it
// receives it, and keeps the Keyring to the track's end. Keys come and go in
// the ring: its owner calls [frame.Keyring.SetRaw] when one is learned or
// replaced, and Remove when one must not be used any more, at any time and from
// any goroutine. No more is needed to tell the recorder of a change: a ring
// knows its own ([frame.Keyring.Changed]). Frames that came before their key
// wait for it, ten seconds at most.
type KeyProvider interface {
	// Keyring returns the keys of the participant with this identity, the same
	// ring each time, and never nil. The ring may be empty and be filled later,
	// and may be shared by all. Whoever runs the server chooses identities, so
	// what is kept for one must be bounded. Keyring does not block; it may be
	// called from any goroutine.
	Keyring(participant string) *frame.Keyring
}

// SharedKeys is a KeyProvider for rooms where all members share their keys.
func SharedKeys(k *frame.Keyring) KeyProvider { return sharedKeys{k} }

type sharedKeys struct{ ring *frame.Keyring }

func (s sharedKeys) Keyring(string) *frame.Keyring { return s.ring }

// maxRings bounds the identities that ParticipantKeys keeps a ring for.
const maxRings = 4096

// ParticipantKeys is a KeyProvider for rooms where each participant has keys of
// their own. It is safe for concurrent use.
type ParticipantKeys struct {
	size    int
	options frame.KeyOptions

	mu    sync.Mutex
	rings map[string]*frame.Keyring
}

// NewParticipantKeys returns a provider of empty rings, each with room for size
// keys as for [frame.NewKeyring].
func NewParticipantKeys(size int, o frame.KeyOptions) *ParticipantKeys {
	return &ParticipantKeys{size: size, options: o, rings: make(map[string]*frame.Keyring)}
}

// Keyring returns the participant's ring, and makes it where it is missing. It
// keeps 4096 of them; whoever comes after that gets an empty ring that nobody
// fills, and what they send is declared as missing.
func (p *ParticipantKeys) Keyring(participant string) *frame.Keyring {
	p.mu.Lock()
	defer p.mu.Unlock()
	ring := p.rings[participant]
	if ring == nil {
		ring = frame.NewKeyring(p.size, p.options)
		if len(p.rings) < maxRings {
			p.rings[participant] = ring
		}
	}
	return ring
}

// Clear drops all keys of all participants at once.
func (p *ParticipantKeys) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ring := range p.rings {
		ring.Clear()
	}
}
