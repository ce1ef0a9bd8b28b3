package livekitroom

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
)

// ErrNoFile: these keys are of no file, so there is nothing to read again.
var ErrNoFile = errors.New("the room's keys do not come from a file")

// Keys are the end-to-end keys of a room: those of a passphrase, or of a key file.
// They are a recorder.KeyProvider, and safe for concurrent use.
type Keys struct {
	provider recorder.KeyProvider
	path     string        // "" unless they come from a key file
	members  *bot.RoomKeys // the same as provider, if members make them

	mu   sync.Mutex
	file *keyFile // as it was read last
}

// PassphraseKeys are those of a room that shares a passphrase, as livekit-client
// derives them. passphrase is overwritten.
func PassphraseKeys(passphrase []byte) (*Keys, error) {
	defer clear(passphrase)
	ring := frame.NewKeyring(0, frame.KeyOptions{Explain: true})
	if err := ring.SetPassphrase(0, passphrase); err != nil {
		return nil, fmt.Errorf("room passphrase: %w", err)
	}
	return &Keys{provider: recorder.SharedKeys(ring)}, nil
}

// ReadKeys reads a key file and derives its keys. What the file says wrongly is an
// error that wraps ErrKeyFile; a file that others may read, a *keys.PermissionError.
func ReadKeys(path string) (*Keys, error) {
	f, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	k := &Keys{path: path}
	if f.shared != nil {
		k.provider = recorder.SharedKeys(frame.NewKeyring(Indexes, f.options()))
	} else {
		k.provider = recorder.NewParticipantKeys(Indexes, f.options())
	}
	k.file = &keyFile{}
	if _, err := k.take(f); err != nil {
		return nil, err
	}
	return k, nil
}

// MemberKeys are those that the members of a room make and hand to one another, and to
// the recorder if they agree. They are for one recording.
func MemberKeys() *Keys {
	k := bot.NewRoomKeys()
	return &Keys{provider: k, members: k}
}

// Keyring implements recorder.KeyProvider.
func (k *Keys) Keyring(participant string) *frame.Keyring { return k.provider.Keyring(participant) }

// FromFile reports whether Reload can read them again.
func (k *Keys) FromFile() bool { return k.path != "" }

// A Change counts what reading a key file again came to.
type Change struct{ Set, Removed int }

// Reload reads the key file again. On an error all stays as it was. A key that the
// file says as before is left alone: a ratchet may have moved it on.
func (k *Keys) Reload() (Change, error) {
	if !k.FromFile() {
		return Change{}, ErrNoFile
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	f, err := readKeyFile(k.path)
	if err != nil {
		return Change{}, err
	}
	if f.bits != k.file.bits || f.salt != k.file.salt || f.window != k.file.window || (f.shared == nil) != (k.file.shared == nil) {
		return Change{}, fmt.Errorf("%w for this recording: bits, salt, ratchetWindow and whose keys they are cannot change while it runs", ErrKeyFile)
	}
	return k.take(f)
}

// take makes the rings hold what f says.
func (k *Keys) take(f *keyFile) (n Change, err error) {
	before, now := k.file.rings(), f.rings()
	for identity, ring := range now {
		for _, index := range slices.Sorted(maps.Keys(ring)) {
			if old, ok := before[identity][index]; ok && old == ring[index] {
				continue
			}
			if err := k.Keyring(identity).SetRaw(index, []byte(ring[index].material), ring[index].derivation); err != nil {
				return n, err
			}
			n.Set++
		}
	}
	for identity, ring := range before {
		for index := range ring {
			if _, ok := now[identity][index]; !ok {
				k.Keyring(identity).Remove(index)
				n.Removed++
			}
		}
	}
	k.file = f
	return n, nil
}

// rings returns the keys by identity, "" for those that are shared.
func (f *keyFile) rings() map[string]map[int]roomKey {
	all := maps.Clone(f.participants)
	if all == nil {
		all = make(map[string]map[int]roomKey)
	}
	if f.shared != nil {
		all[""] = f.shared
	}
	return all
}
