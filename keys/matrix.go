package keys

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/internal/words"
)

// maxMatrixUser bounds a Matrix user ID, in bytes (Matrix 1.17, Appendices, User
// Identifiers).
const maxMatrixUser = 255

// matrixUser is a Matrix user ID in visible ASCII, as servers also let older accounts
// have it.
var matrixUser = pattern.Of(`^@[!-9;-~]+:[0-9A-Za-z.:\[\]-]+$`)

// A MatrixAccount is how a person is known in Matrix: a user ID, which names an
// account that somebody's homeserver has, and the master key of its cross-signing,
// which no homeserver has. The zero value is none.
type MatrixAccount struct {
	User   string // @name:server, up to 255 bytes
	Master string // the Ed25519 key, as Matrix writes it: 43 letters of base64
}

// ParseMatrixAccount reads the form that a card has, "@ada:example.org ed25519:KEY".
// There is one for each account.
func ParseMatrixAccount(s string) (MatrixAccount, error) {
	user, key, _ := strings.Cut(s, " ")
	if !IsMatrixUser(user) {
		return MatrixAccount{}, fmt.Errorf("%s is no Matrix user, as @name:server", words.Quote(user))
	}
	master, ok := strings.CutPrefix(key, "ed25519:")
	if b, err := base64.RawStdEncoding.Strict().DecodeString(master); !ok || err != nil || len(b) != 32 || len(master) != 43 {
		return MatrixAccount{}, errors.New("no master key of Matrix follows the user, as ed25519: and 43 letters of base64")
	}
	return MatrixAccount{user, master}, nil
}

// IsMatrixUser reports whether s is a Matrix user ID, @name:server.
func IsMatrixUser(s string) bool { return len(s) <= maxMatrixUser && matrixUser().MatchString(s) }

// String returns the form that ParseMatrixAccount reads, "" for none.
func (m MatrixAccount) String() string {
	if m == (MatrixAccount{}) {
		return ""
	}
	return m.User + " ed25519:" + m.Master
}

// WithMatrix returns the identity with a new card for the same keys, which names m, or no
// account if m is zero. The card expires when the one before does. As after Renew, it has
// no approvals, and its error is that of Renew for a card younger than a second.
func (i *Identity) WithMatrix(m MatrixAccount) (*Identity, error) {
	if m != (MatrixAccount{}) {
		if again, err := ParseMatrixAccount(m.String()); err != nil || again != m {
			return nil, fmt.Errorf("not a Matrix account: %w", err)
		}
	}
	return i.recard(func(c *Card) { c.Matrix = m })
}

// SetMatrix gives the identity the card of Identity.WithMatrix and stores it.
func (h *Home) SetMatrix(id *Identity, m MatrixAccount) (*Identity, error) {
	id, err := id.WithMatrix(m)
	if err != nil {
		return nil, err
	}
	return id, h.writeOwnCard(id.card)
}

// MatrixPerson returns the cards of the person whose card names a Matrix user, those that
// count at the given time, newest first, and the master key that they name. Without such a
// card the error is ErrNoMember.
//
// A card says by its own key's signature whose account that is, and nobody else's: whoever
// is pinned could name the account of another. So if cards of two names name the user, or
// cards of one name name two master keys, nobody is that user, and the error is
// ErrMatrixTaken.
//
// pins are those of Home.Pins.
func MatrixPerson(pins []Pin, user string, now time.Time) (master string, cards []Card, err error) {
	folded := ""
	for _, p := range pins {
		if p.Matrix.User != user || user == "" || p.Live(now) != nil {
			continue
		}
		switch {
		case len(cards) == 0:
			folded, master = p.folded, p.Matrix.Master
		case p.folded != folded:
			return "", nil, fmt.Errorf("%w: both %s and %s say that they are %s", ErrMatrixTaken, cards[0].Label(), p.Label(), user)
		case p.Matrix.Master != master:
			return "", nil, fmt.Errorf("%w: the cards of %s name two master keys of %s", ErrMatrixTaken, p.Name, user)
		}
		cards = append(cards, p.Card)
	}
	if len(cards) == 0 {
		return "", nil, fmt.Errorf("%w with the Matrix user %s", ErrNoMember, words.Quote(user))
	}
	slices.SortStableFunc(cards, func(a, b Card) int { return b.Created.Compare(a.Created) })
	return master, cards, nil
}

// NewMatrix reports whether pinning c would bind a Matrix account to its name that no
// card of that name does yet. Whoever pins it should have asked its owner: a person who
// names another's account reads what is recorded for that one.
func NewMatrix(pins []Pin, c Card) bool {
	return c.Matrix != (MatrixAccount{}) && !slices.ContainsFunc(pins, func(p Pin) bool {
		return p.folded == foldName(c.Name) && p.Matrix == c.Matrix && p.Live(time.Now()) == nil
	})
}
