package keys

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// An export is an identity file under a passphrase, with the signing key and the
// card in comments. age -d -i reads it as any such identity file, and
// keys/web/member.js writes the same form.
const (
	exportSigner = "# signer: "
	exportCard   = "# card: "
	// One line for each card of an earlier key: see Identity.earlier.
	exportEarlier = "# earlier: "
	// One line for each revocation of a key of the holder's.
	exportRevoked = "# revoked: "

	// MaxExport is the most bytes that an export may have.
	MaxExport = 1 << 20
)

// Export returns the whole identity in one file, armored, under the passphrase.
// The file includes what its home knows of its holder's earlier keys and revoked
// keys. work is log2 of the scrypt cost. 0 means the cost that a home uses.
func (i *Identity) Export(passphrase []byte, work int) ([]byte, error) {
	if len(passphrase) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	card, err := i.card.Marshal()
	if err != nil {
		return nil, err
	}
	r, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, err
	}
	if work == 0 {
		work = scryptWork
	}
	r.SetWorkFactor(work)
	text := fmt.Sprintf("%s%s%s\n%s%s\n", i.marshal(), exportSigner, i.skey, exportCard, base64.StdEncoding.EncodeToString(card))
	for _, c := range i.earlier {
		b, err := c.Marshal()
		if err != nil {
			return nil, err
		}
		text += exportEarlier + base64.StdEncoding.EncodeToString(b) + "\n"
	}
	for _, r := range i.revoked {
		b, err := r.Marshal()
		if err != nil {
			return nil, err
		}
		text += exportRevoked + base64.StdEncoding.EncodeToString(b) + "\n"
	}
	// Armor makes it a third larger.
	if len(text) > MaxExport/2 {
		return nil, errors.New("there are more earlier keys and revocations than one file takes")
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// IsExport reports whether b looks like an export: a file encrypted with age.
func IsExport(b []byte) bool {
	return bytes.HasPrefix(b, []byte("age-encryption.org/")) || bytes.HasPrefix(bytes.TrimSpace(b), []byte(armor.Header))
}

// ParseExport opens what Export wrote, or member.js in a browser. The error wraps
// ErrPassphrase if the passphrase is wrong.
func ParseExport(b, passphrase []byte) (*Identity, error) {
	if len(b) > MaxExport {
		return nil, fmt.Errorf("the file is longer than %d bytes", MaxExport)
	}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte(armor.Header)) {
		raw, err := io.ReadAll(io.LimitReader(armor.NewReader(bytes.NewReader(b)), MaxExport))
		if err != nil {
			return nil, fmt.Errorf("not an exported identity: %w", err)
		}
		b = raw
	}
	text, err := openSealedIdentity(b, func() ([]byte, error) { return passphrase, nil })
	if err != nil {
		return nil, err
	}
	vkey, ids, err := parseIdentityFile(text)
	if err != nil {
		return nil, err
	}
	x, err := parseExportLines(text)
	if err != nil {
		return nil, err
	}
	for _, c := range x.earlier {
		if foldName(c.Name) != foldName(x.card.Name) {
			return nil, fmt.Errorf("%w: of an earlier key", ErrOtherName)
		}
	}
	id, err := assemble(vkey, ids, x.signer, x.card)
	if err != nil {
		return nil, err
	}
	id.earlier = x.earlier
	for _, r := range x.revoked {
		if !id.concerns(r) {
			return nil, fmt.Errorf("%w: of a key that was revoked", ErrOtherName)
		}
	}
	id.revoked = x.revoked
	return id, nil
}

// exported are the lines of an export that an identity file does not have.
type exported struct {
	signer  string // secret
	card    Card
	earlier []Card
	revoked []Revocation
}

func parseExportLines(text []byte) (x exported, err error) {
	hasCard := false
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, MaxExport)
	for sc.Scan() {
		line := sc.Text()
		switch {
		case strings.HasPrefix(line, exportSigner):
			x.signer = strings.TrimPrefix(line, exportSigner)
		case strings.HasPrefix(line, exportCard):
			hasCard = true
			x.card, err = exportedFile(line, exportCard, "its card", ParseCard)
		case strings.HasPrefix(line, exportEarlier):
			var c Card
			c, err = exportedFile(line, exportEarlier, "an earlier card", ParseCard)
			x.earlier = append(x.earlier, c)
		case strings.HasPrefix(line, exportRevoked):
			var r Revocation
			r, err = exportedFile(line, exportRevoked, "a revocation", ParseRevocation)
			x.revoked = append(x.revoked, r)
		}
		if err != nil {
			return exported{}, err
		}
	}
	if err := sc.Err(); err != nil || x.signer == "" || !hasCard {
		return exported{}, errors.New("not an exported identity: it lacks a signing key or a card")
	}
	return x, nil
}

// exportedFile parses a file that a line of an export has behind a prefix.
func exportedFile[T any](line, prefix, what string, parse func([]byte) (T, error)) (file T, err error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, prefix))
	if err != nil {
		return file, fmt.Errorf("not an exported identity: %s is malformed", what)
	}
	return parse(b)
}

// Import stores an exported identity in the home, as InitAs does with a new one.
func (h *Home) Import(id *Identity, passphrase []byte) error {
	if err := h.checkEmpty(); err != nil {
		return err
	}
	return h.writeIdentity(id, passphrase)
}
