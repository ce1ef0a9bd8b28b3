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
	var skey string
	var card []byte
	var earlier []Card
	var revoked []Revocation
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, MaxExport)
	for sc.Scan() {
		if s, ok := strings.CutPrefix(sc.Text(), exportSigner); ok {
			skey = s
		}
		if s, ok := strings.CutPrefix(sc.Text(), exportCard); ok {
			if card, err = base64.StdEncoding.DecodeString(s); err != nil {
				return nil, errors.New("not an exported identity: its card is malformed")
			}
		}
		if s, ok := strings.CutPrefix(sc.Text(), exportEarlier); ok {
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return nil, errors.New("not an exported identity: an earlier card is malformed")
			}
			c, err := ParseCard(b)
			if err != nil {
				return nil, err
			}
			earlier = append(earlier, c)
		}
		if s, ok := strings.CutPrefix(sc.Text(), exportRevoked); ok {
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				return nil, errors.New("not an exported identity: a revocation is malformed")
			}
			r, err := ParseRevocation(b)
			if err != nil {
				return nil, err
			}
			revoked = append(revoked, r)
		}
	}
	if err := sc.Err(); err != nil || skey == "" || card == nil {
		return nil, errors.New("not an exported identity: it lacks a signing key or a card")
	}
	c, err := ParseCard(card)
	if err != nil {
		return nil, err
	}
	for _, e := range earlier {
		if foldName(e.Name) != foldName(c.Name) {
			return nil, fmt.Errorf("%w: of an earlier key", ErrOtherName)
		}
	}
	id, err := assemble(vkey, ids, skey, c)
	if err != nil {
		return nil, err
	}
	id.earlier = earlier
	for _, r := range revoked {
		if !id.concerns(r) {
			return nil, fmt.Errorf("%w: of a key that was revoked", ErrOtherName)
		}
	}
	id.revoked = revoked
	return id, nil
}

// Import stores an exported identity in the home, as InitAs does with a new one.
func (h *Home) Import(id *Identity, passphrase []byte) error {
	if err := h.checkEmpty(); err != nil {
		return err
	}
	return h.writeIdentity(id, passphrase)
}
