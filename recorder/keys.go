package recorder

import (
	"sync"

	"github.com/sealtape/sealtape/recorder/frame"
)

// A KeyProvider has the end-to-end keys of a room, by participant and key index. Kinds of
// rooms have different ones: for a shared passphrase, for members with keys of their own,
// or for keys that arrive during the meeting.
//
// The recorder asks once for each track, with the identity under which it receives the
// track, and uses the Keyring until the track's end. Keys in the ring may change: its
// owner calls [frame.Keyring.SetRaw] for a new or replaced key, and Remove for a key that
// must not be used any more, at any time and from any goroutine. The recorder notices
// changes by itself ([frame.Keyring.Changed]). Frames that come before their key wait for
// it, at most ten seconds.
type KeyProvider interface {
	// Keyring returns the keys of the participant with this identity: always the same
	// ring, and never nil. The ring may be empty and be filled later. All participants
	// may share one ring. The server chooses identities, so the number of rings must be
	// bounded. Keyring does not block. Any goroutine may call it.
	Keyring(participant string) *frame.Keyring
}

// SharedKeys is a KeyProvider for rooms where all members share their keys.
func SharedKeys(k *frame.Keyring) KeyProvider { return sharedKeys{k} }

type sharedKeys struct{ ring *frame.Keyring }

func (s sharedKeys) Keyring(string) *frame.Keyring { return s.ring }

// maxRings is for how many identities ParticipantKeys has a ring.
const maxRings = 4096

// ParticipantKeys is a KeyProvider for rooms where each participant has keys of
// their own. It is safe for concurrent use.
type ParticipantKeys struct {
	size    int
	options frame.KeyOptions

	mu    sync.Mutex
	rings map[string]*frame.Keyring
}

// NewParticipantKeys returns a provider of empty rings. size is that of
// [frame.NewKeyring], for each ring.
func NewParticipantKeys(size int, o frame.KeyOptions) *ParticipantKeys {
	return &ParticipantKeys{size: size, options: o, rings: make(map[string]*frame.Keyring)}
}

// Keyring returns the participant's ring, and makes it if it is missing. There are at most
// 4,096 rings at a time, until Forget gives one up. Further participants get an empty ring
// that nobody can fill, and their media is declared as missing.
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

// Lookup returns the participant's ring, and nil if there is none yet.
func (p *ParticipantKeys) Lookup(participant string) *frame.Keyring {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rings[participant]
}

// Forget removes the participant's keys at once, and gives the place of their ring to somebody
// else. Whoever still has that ring opens nothing with it; the participant's next one is another.
func (p *ParticipantKeys) Forget(participant string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ring := p.rings[participant]; ring != nil {
		ring.Clear()
		delete(p.rings, participant)
	}
}

// Clear removes all keys of all participants.
func (p *ParticipantKeys) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ring := range p.rings {
		ring.Clear()
	}
}
