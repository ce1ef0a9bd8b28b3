package player

import (
	"fmt"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
)

// People are two with keys, in folders that serve as their SEALTAPE_HOME: the
// owner signs and reads everything, the guest trusts the owner and reads some.
type People struct {
	Owner, Guest string         // their homes
	Signer       *keys.Identity // the owner
	GuestKeys    []age.Identity
	Readers      Readers
}

// NewPeople makes the homes owner and guest in a folder, or finds them there.
func NewPeople(folder string) (*People, error) { return NewNamedPeople(folder, "Owner", "Guest") }

// NewNamedPeople is NewPeople with other names.
func NewNamedPeople(folder, ownerName, guestName string) (*People, error) {
	p := &People{Owner: filepath.Join(folder, "owner"), Guest: filepath.Join(folder, "guest")}
	var err error
	var owner, guest *keys.Home
	if owner, p.Signer, err = home(p.Owner, ownerName); err != nil {
		return nil, err
	}
	guest, other, err := home(p.Guest, guestName)
	if err != nil {
		return nil, err
	}
	p.GuestKeys = other.AgeIdentities()
	p.Readers = Readers{All: p.Signer.Recipients(), Some: other.Recipients()}
	for _, pin := range []struct {
		in *keys.Home
		of *keys.Identity
	}{{owner, other}, {guest, p.Signer}} {
		card, err := pin.of.Card()
		if err != nil {
			return nil, err
		}
		if err := pin.in.Add(card); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func home(dir, name string) (*keys.Home, *keys.Identity, error) {
	h, err := keys.OpenHome(dir)
	if err != nil {
		return nil, nil, err
	}
	if id, err := h.Load(func() ([]byte, error) { return nil, os.ErrInvalid }); err == nil {
		return h, id, nil
	}
	id, err := h.InitAs(keys.Description{Name: name, Role: keys.Recorder}, nil)
	return h, id, err
}

// Damage flips a bit of segment n of a recording in a folder store, and puts the
// file in place of the recorder's.
func Damage(store, id string, n int) error {
	path := filepath.Join(store, id, "segments", fmt.Sprintf("%06d.age", n))
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
