package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

const (
	grantOrigin = "sealtape.v1/grant"

	maxGrantEpochs = 4096    // in one grant: package note reads 1,000,000 bytes
	maxShare       = 1 << 20 // bytes of a share with 64 keys, and some room
	minShare       = 12_000  // bytes of a share with 8 stanzas, the fewest it can have
	maxShares      = 1024    // shares of a recording that are read
	maxShareBytes  = 256 << 20
)

// ErrClassic reports that a grant was to be sealed to a key that a quantum
// computer could break.
var ErrClassic = errors.New("not a post-quantum key")

// ErrMoreShares reports that a recording has more shares in the store than a
// reader looks at. Options.Share names the one to look at.
var ErrMoreShares = errors.New("there are more shares than are looked at")

// ErrNoShare reports that the store has no share of the given name.
var ErrNoShare = errors.New("there is no such grant in the store")

// ErrRevokedGrant reports that the key that signed a grant no longer counts.
var ErrRevokedGrant = errors.New("granted by a key that does not count any more")

// A Grant reports that a reader gave epochs of a recording to another one.
type Grant struct {
	Name   string    // of the share, relative to the recording's folder: "shares/HASH.age"
	By     string    // the name of the verifier of who granted
	To     string    // the verifier key on the card of who was granted to
	Time   time.Time // when, by the clock of who granted: UTC, whole seconds
	Epochs []int     // rising

	// Claimed says that the grant counts because of Options.Invited alone. By is then
	// what the grant says of itself, and proves nothing.
	Claimed bool

	// Err is why the grant is not used. It wraps ErrForeignSigner if none of
	// Options.Granters signed the grant, and ErrRevokedGrant if one of
	// Options.Revoked did. Nil means that the grant counts.
	Err error
}

// A ShareConfig names who grants what to whom.
type ShareConfig struct {
	// Signer signs for the granting reader. Required.
	Signer note.Signer

	// To is the verifier key on the new reader's card, and Recipients are the
	// recipients on it. The granting reader's own can be added, to see the grant
	// again. At most 64, all post-quantum.
	To         string
	Recipients []age.Recipient

	// Epochs are the epochs to grant. None means all that the identities open.
	Epochs []int

	// Time is the time of the grant. Zero means now.
	Time time.Time
}

// Share grants epochs of the recording to a new reader. It adds one object to the
// recording's folder and changes none. A grant cannot be taken back.
//
// The error wraps ErrNoKey if no identity opens an epoch that was asked for, or
// opens any at all. It wraps ErrClassic if a recipient is not post-quantum: a
// classic key would let a quantum computer open what the recorder sealed to
// post-quantum keys only.
func (r *Recording) Share(ctx context.Context, c ShareConfig) (Grant, error) {
	g, err := r.share(ctx, c)
	if err != nil {
		return Grant{}, fmt.Errorf("sharing recording %s: %w", r.head.ID, err)
	}
	return g, nil
}

func (r *Recording) share(ctx context.Context, c ShareConfig) (Grant, error) {
	if c.Signer == nil {
		return Grant{}, errors.New("no signer")
	}
	if c.Time.IsZero() {
		c.Time = time.Now()
	}
	n := grantNote{id: r.head.ID, to: c.To, time: c.Time.UTC().Truncate(time.Second)}
	epochs := slices.Clone(c.Epochs)
	if len(epochs) == 0 {
		for _, e := range r.epochs {
			epochs = append(epochs, e.Number)
		}
	}
	slices.Sort(epochs)
	for _, number := range slices.Compact(epochs) {
		secret, err := r.secret(ctx, number)
		if errors.Is(err, ErrNoKey) && len(c.Epochs) == 0 {
			continue
		} else if err != nil {
			return Grant{}, err
		}
		n.epochs = append(n.epochs, grantedEpoch{number, secret})
	}
	if len(n.epochs) == 0 {
		return Grant{}, fmt.Errorf("no epoch to share: %w", ErrNoKey)
	}
	// What our own parser refuses, sizes included, is not written.
	if _, err := parseGrant(n.String(), r.head.ID); err != nil {
		return Grant{}, err
	}
	msg, err := note.Sign(&note.Note{Text: n.String()}, c.Signer)
	if err != nil {
		return Grant{}, fmt.Errorf("could not sign the grant: %w", err)
	}
	sealed, err := sealLate(string(msg), c.Recipients)
	if err != nil {
		return Grant{}, err
	}
	g := n.grant(nameBeside(sharesFolder, sealed))
	g.By = c.Signer.Name()
	if err := r.store.Put(ctx, r.head.ID+"/"+g.Name, BytesBlob(sealed)); err != nil {
		return Grant{}, fmt.Errorf("could not put %s: %w", g.Name, err)
	}
	return g, nil
}

// A grantNote is the text of a grant.
type grantNote struct {
	id     string
	to     string
	time   time.Time
	epochs []grantedEpoch // rising
}

type grantedEpoch struct {
	number int
	secret *age.HybridIdentity
}

// String returns the text that is signed, secrets included.
func (n grantNote) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nrecording: %s\nto: %s\ntime: %s\n", grantOrigin, n.id, n.to, n.time.Format(time.RFC3339))
	for _, e := range n.epochs {
		fmt.Fprintf(&b, "epoch: %d %s\n", e.number, e.secret)
	}
	return b.String()
}

// grant returns the grant without its secrets.
func (n grantNote) grant(name string) Grant {
	g := Grant{Name: name, To: n.to, Time: n.time}
	for _, e := range n.epochs {
		g.Epochs = append(g.Epochs, e.number)
	}
	return g
}

// parseGrant parses the text of a grant of the recording id, without signatures.
// It accepts exactly what String returns. Its errors contain no part of a secret.
func parseGrant(text, id string) (grantNote, error) {
	malformed := func(what string) (grantNote, error) {
		return grantNote{}, errors.New("malformed grant: " + what)
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 6 || lines[len(lines)-1] != "" {
		return malformed("too short")
	}
	if len(lines)-5 > maxGrantEpochs {
		return malformed("too many epochs")
	}
	if lines[0] != grantOrigin {
		return malformed("not of format " + grantOrigin)
	}
	n := grantNote{}
	var ok bool
	if n.id, ok = strings.CutPrefix(lines[1], "recording: "); !ok {
		return malformed("recording line")
	}
	if n.id != id {
		return malformed("it is for another recording")
	}
	if n.to, ok = strings.CutPrefix(lines[2], "to: "); !ok || len(n.to) > 512 {
		return malformed("to line")
	}
	if _, err := note.NewVerifier(n.to); err != nil {
		return malformed("to line: not a verifier key")
	}
	at, ok := strings.CutPrefix(lines[3], "time: ")
	t, err := time.Parse(time.RFC3339, at)
	if !ok || err != nil {
		return malformed("time line")
	}
	n.time = t.UTC()
	for _, line := range lines[4 : len(lines)-1] {
		e, ok := parseGrantedEpoch(line)
		if !ok || len(n.epochs) > 0 && e.number <= n.epochs[len(n.epochs)-1].number {
			return malformed("epoch line")
		}
		n.epochs = append(n.epochs, e)
	}
	if n.String() != text {
		return malformed("not in canonical form")
	}
	return n, nil
}

func parseGrantedEpoch(line string) (grantedEpoch, bool) {
	rest, ok := strings.CutPrefix(line, "epoch: ")
	number, secret, found := strings.Cut(rest, " ")
	i, err := strconv.Atoi(number)
	if !ok || !found || err != nil || i < 1 || i > maxNumber {
		return grantedEpoch{}, false
	}
	id, err := age.ParseHybridIdentity(secret)
	return grantedEpoch{i, id}, err == nil
}
