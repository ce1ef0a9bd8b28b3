package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"filippo.io/age"

	"github.com/sealtape/sealtape/internal/durable"
)

const (
	sealedIdentity = "identity.age"
	plainIdentity  = "identity.txt"
	sealedSigner   = "signer.age"
	plainSigner    = "signer.txt"
	ownCard        = "card.txt"
	membersDir     = "members"
	spoolDir       = "spool"
	headsDir       = "heads"
	lockName       = ".lock"

	// scryptWork is log2 of the scrypt cost of a new identity.age: 256 MiB and
	// about a second. maxScryptWork is the most that Load spends on one.
	scryptWork    = 18
	maxScryptWork = 20
)

// A Home is the folder with the user's identity, the pinned cards, and the spool.
type Home struct {
	dir        string
	scryptWork int
	cache      fileCache
}

// A PermissionError reports a file or folder of the home that other users of the
// machine could read or change. It is not used until its mode is corrected.
type PermissionError struct {
	Path string
	Mode fs.FileMode // the file's mode
	Want fs.FileMode // the mode it should have: 0600 or 0700
}

func (e *PermissionError) Error() string {
	what := "read by others"
	if e.Mode&0o022 != 0 {
		what = "changed by others"
	}
	return fmt.Sprintf("%s can be %s (mode %04o)", e.Path, what, e.Mode.Perm())
}

// OpenHome opens the home in dir. It makes the folder and those in it, with mode
// 0700, if they are missing. If others may write to a folder, they could pin
// cards in it: the error is then a PermissionError.
func OpenHome(dir string) (*Home, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	h := &Home{dir: dir, scryptWork: scryptWork}
	for _, d := range []string{dir, filepath.Join(dir, membersDir), h.SpoolDir(), h.HeadsDir()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
		if err := checkMode(d, 0o022, 0o700); err != nil {
			return nil, err
		}
	}
	return h, h.finishRotation()
}

// SetScryptWork sets log2 of the scrypt cost of passphrases that h puts an identity under
// from now on, in place of 18. Less protects nobody: it is for tests. It must not be called
// beside other methods.
func (h *Home) SetScryptWork(logN int) { h.scryptWork = logN }

// Dir returns the folder, as an absolute path.
func (h *Home) Dir() string { return h.dir }

// SpoolDir returns the folder for recordings that their store does not have yet.
func (h *Home) SpoolDir() string { return filepath.Join(h.dir, spoolDir) }

// HeadsDir returns the folder with the heads seen: see archive.HeadDir.
func (h *Home) HeadsDir() string { return filepath.Join(h.dir, headsDir) }

func (h *Home) path(name string) string { return filepath.Join(h.dir, name) }

// Init makes an identity with the given name and stores it, under the passphrase
// if that is not nil. If there is an identity already, or a part of one, it
// changes nothing and returns ErrIdentityExists.
func (h *Home) Init(name string, passphrase []byte) (*Identity, error) {
	return h.InitAs(Description{Name: name}, passphrase)
}

// InitAs does what Init does, for an identity described by more than a name.
func (h *Home) InitAs(d Description, passphrase []byte) (*Identity, error) {
	if err := h.checkEmpty(); err != nil {
		return nil, err
	}
	id, err := GenerateAs(d)
	if err != nil {
		return nil, err
	}
	return id, h.writeIdentity(id, passphrase)
}

// checkEmpty returns ErrIdentityExists if there is an identity, or a part of one.
func (h *Home) checkEmpty() error {
	for _, n := range identityFiles {
		if _, err := os.Lstat(h.path(n)); err == nil {
			return fmt.Errorf("%w: %s", ErrIdentityExists, h.path(n))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// writeIdentity writes the files of a new identity.
func (h *Home) writeIdentity(id *Identity, passphrase []byte) error {
	// A pinned card of the same name is somebody else's: then the name would be
	// ambiguous.
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	known := func(key string) bool {
		return slices.ContainsFunc(id.earlier, func(c Card) bool { return c.Key == key })
	}
	for _, p := range pins {
		if foldName(p.Name) == foldName(id.card.Name) && !known(p.Key) && p.Key != id.card.Key && !p.ApprovedBy(id.Verifier()) && !id.card.ApprovedBy(p.Verifier()) {
			return fmt.Errorf("%w: %s", ErrNameTaken, p.Name)
		}
	}
	files, err := h.files(id, passphrase)
	if err != nil {
		return err
	}
	if err := h.keepRevocations(id); err != nil {
		return err
	}
	if err := h.keepEarlier(id); err != nil {
		return err
	}
	for _, f := range files {
		if err := durable.WriteNew(h.path(f.Name), f.Data); err != nil {
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%w: %s", ErrIdentityExists, h.path(f.Name))
			}
			return err
		}
	}
	return nil
}

// An identityFile is one of the files of an identity.
type identityFile struct {
	Name string
	Data []byte
}

// identityFiles are all files that an identity may have.
var identityFiles = []string{sealedIdentity, plainIdentity, sealedSigner, plainSigner, ownCard}

// files returns the files of an identity. The age identity comes last: once it is
// written, the home has an identity.
func (h *Home) files(id *Identity, passphrase []byte) ([]identityFile, error) {
	if passphrase != nil && len(passphrase) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	card, err := id.card.Marshal()
	if err != nil {
		return nil, err
	}
	identity, signer := id.marshal(), []byte(id.skey+"\n")
	if passphrase == nil {
		return []identityFile{{plainSigner, signer}, {ownCard, card}, {plainIdentity, identity}}, nil
	}
	r, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, err
	}
	r.SetWorkFactor(h.scryptWork)
	if identity, err = seal(identity, r); err != nil {
		return nil, err
	}
	// The signing key is sealed to the age identity, so that one passphrase opens
	// both and is asked and stretched once.
	if signer, err = seal(signer, id.Recipients()...); err != nil {
		return nil, err
	}
	return []identityFile{{sealedSigner, signer}, {ownCard, card}, {sealedIdentity, identity}}, nil
}

// Load reads the identity. If the identity is under a passphrase, it calls
// passphrase once; nil means that the passphrase is not known. Errors are
// ErrNoIdentity, ErrPassphrase, a *PermissionError for a secret that others may
// read, and errors of passphrase.
func (h *Home) Load(passphrase func() ([]byte, error)) (*Identity, error) {
	b, err := h.readSecret(plainIdentity)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = h.readSecret(sealedIdentity); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w in %s", ErrNoIdentity, h.dir)
		}
		if err == nil {
			b, err = openSealedIdentity(b, passphrase)
		}
	}
	if err != nil {
		return nil, err
	}
	vkey, ids, err := parseIdentityFile(b)
	if err != nil {
		return nil, err
	}
	skey, err := h.readSecret(plainSigner)
	if errors.Is(err, fs.ErrNotExist) {
		if skey, err = h.readSecret(sealedSigner); err == nil {
			skey, err = unseal(skey, ids...)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	card, err := h.OwnCard()
	if err != nil {
		return nil, err
	}
	id, err := assemble(vkey, ids, string(skey), card)
	if err != nil {
		return nil, fmt.Errorf("identity in %s: %w", h.dir, err)
	}
	if id.earlier, err = h.earlier(); err != nil {
		return nil, err
	}
	if id.revoked, err = h.revocations(id); err != nil {
		return nil, err
	}
	return id, nil
}

// HasPassphrase reports whether Load needs a passphrase.
func (h *Home) HasPassphrase() bool {
	if _, err := os.Stat(h.path(plainIdentity)); err == nil {
		return false
	}
	_, err := os.Stat(h.path(sealedIdentity))
	return err == nil
}

// OwnCard returns the user's own card. It needs no passphrase, since the card is
// public. Without an identity it returns ErrNoIdentity.
func (h *Home) OwnCard() (Card, error) {
	b, err := readBounded(h.path(ownCard), MaxCard)
	if errors.Is(err, fs.ErrNotExist) {
		return Card{}, fmt.Errorf("%w in %s", ErrNoIdentity, h.dir)
	}
	if err != nil {
		return Card{}, err
	}
	c, err := ParseCard(b)
	if err != nil {
		return Card{}, fmt.Errorf("%s: %w", h.path(ownCard), err)
	}
	return c, nil
}

// openSealedIdentity decrypts identity.age.
func openSealedIdentity(b []byte, passphrase func() ([]byte, error)) ([]byte, error) {
	if passphrase == nil {
		return nil, fmt.Errorf("%w: none given", ErrPassphrase)
	}
	p, err := passphrase()
	if err != nil {
		return nil, err
	}
	if len(p) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	i, err := age.NewScryptIdentity(string(p))
	if err != nil {
		return nil, err
	}
	i.SetMaxWorkFactor(maxScryptWork)
	out, err := unseal(b, i)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) && slices.Equal(mismatch.StanzaTypes, []string{"scrypt"}) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sealedIdentity, err)
	}
	return out, nil
}

// readSecret reads a file that only its owner may read.
func (h *Home) readSecret(name string) ([]byte, error) {
	if err := checkMode(h.path(name), 0o077, 0o600); err != nil {
		return nil, err
	}
	return readBounded(h.path(name), maxIdentity)
}

func seal(b []byte, to ...age.Recipient) ([]byte, error) {
	r, err := age.EncryptReader(bytes.NewReader(b), to...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func unseal(b []byte, with ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(b), with...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
