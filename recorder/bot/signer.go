package bot

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
)

// ErrRole: the keys are not a recorder's, and nobody would believe what they sign.
var ErrRole = errors.New("what they sign is no recording to anyone")

// A Signer is what a recorder signs with, and what it signed with before.
type Signer struct {
	Signer note.Signer
	Own    note.Verifiers
}

// CheckRole refuses keys that are not a recorder's with an error that wraps ErrRole.
func CheckRole(id *keys.Identity) error {
	card, err := id.Card()
	if err != nil || card.Role == keys.Recorder {
		return err
	}
	return fmt.Errorf("the keys of %s are a %s's: %w", words.Clean(card.Name), card.Role, ErrRole)
}

// NewSigner returns the keys of the home, of which id is today's, if they are a
// recorder's: see CheckRole. Without a home, nil, there are no earlier ones.
func NewSigner(h *keys.Home, id *keys.Identity) (Signer, error) {
	if err := CheckRole(id); err != nil {
		return Signer{}, err
	}
	own := []note.Verifier{id.Verifier()}
	var earlier []string
	if h != nil {
		var err error
		if earlier, err = h.EarlierKeys(); err != nil {
			return Signer{}, err
		}
	}
	for _, key := range earlier {
		v, err := note.NewVerifier(key)
		if err != nil {
			return Signer{}, err
		}
		own = append(own, v)
	}
	return Signer{id.Signer(), note.VerifierList(own...)}, nil
}
