package bot

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
)

// ErrRole: the keys are not a recorder's, so nobody would believe what they sign.
var ErrRole = errors.New("what they sign is no recording to anyone")

// A Signer is a recorder's signing key.
type Signer struct {
	// Signer signs with the present key.
	Signer note.Signer
	// Own are the verifiers of the present key and of the earlier ones.
	Own note.Verifiers
}

// CheckRole returns an error that wraps ErrRole if the keys are not a recorder's.
func CheckRole(id *keys.Identity) error {
	card, err := id.Card()
	if err != nil || card.Role == keys.Recorder {
		return err
	}
	return fmt.Errorf("the keys of %s are a %s's: %w", words.Clean(card.Name), card.Role, ErrRole)
}

// NewSigner returns the Signer of id, with the earlier keys in the home. If the home is
// nil, there are none. The errors are those of CheckRole and of reading the home.
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

// ownCard returns the card of a recorder as text, and the name on it, for the timeline.
func ownCard(id *keys.Identity) (text, name string, err error) {
	card, err := id.Card()
	if err != nil {
		return "", "", err
	}
	b, err := card.Marshal()
	return string(b), card.Name, err
}
