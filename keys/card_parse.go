package keys

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// ParseCard parses a card and checks all of it: syntax, names, recipients and the
// signature by its own key. A card has one encoding: Marshal returns what
// ParseCard accepts byte for byte. Errors wrap ErrBadCard.
func ParseCard(b []byte) (Card, error) {
	c, err := parseCard(b)
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", ErrBadCard, err)
	}
	return c, nil
}

func parseCard(b []byte) (Card, error) {
	if len(b) > MaxCard {
		return Card{}, fmt.Errorf("longer than %d bytes", MaxCard)
	}
	text, _, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		return Card{}, errors.New("no signature")
	}
	lines := strings.Split(text, "\n")
	if lines[0] != cardHeader {
		if strings.HasPrefix(lines[0], "sealtape.v") {
			return Card{}, errors.New("made by a version of sealtape this one does not know")
		}
		return Card{}, fmt.Errorf("does not begin with %q", cardHeader)
	}
	// Check the signature first: for a card that was damaged anywhere, that is
	// the error to report.
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "key: ") })
	if i < 0 {
		return Card{}, errors.New("no key")
	}
	_, v, err := parseKey(strings.TrimPrefix(lines[i], "key: "))
	if err != nil {
		return Card{}, err
	}
	n, err := note.Open(b, note.VerifierList(v))
	if err != nil {
		return Card{}, fmt.Errorf("%w: %w", ErrCardSignature, err)
	}
	c, err := parseCardLines(lines[1:])
	if err != nil {
		return Card{}, err
	}
	own, err := parseSignature(n.Sigs[0])
	if err != nil {
		return Card{}, err
	}
	c.sig = own.sig
	for _, s := range n.UnverifiedSigs {
		a, err := parseSignature(s)
		if err != nil {
			return Card{}, err
		}
		if c.approvals = append(c.approvals, a); len(c.approvals) > 2*maxApprovals {
			break
		}
	}
	if travel := len(c.travelling()); len(c.approvals)-travel > maxApprovals || travel > maxApprovals || travel > 0 && c.Role != Recorder {
		return Card{}, fmt.Errorf("%d approvals, where up to %d may be", len(c.approvals), maxApprovals)
	}
	if c.Replaces != "" {
		_, old, err := parseKey(c.Replaces)
		if err != nil {
			return Card{}, fmt.Errorf("replaces: %w", err)
		}
		if c.Replaces == c.Key || !c.ApprovedBy(old) {
			return Card{}, fmt.Errorf("%w: the key that it replaces has not signed it", ErrCardSignature)
		}
	}
	if again, err := c.Marshal(); err != nil || !bytes.Equal(again, b) {
		return Card{}, errors.New("not in canonical form")
	}
	return c, nil
}

// cardLines are the lines of a card that are still to be read.
type cardLines []string

// has reports whether the next line is a field of this name.
func (l cardLines) has(name string) bool {
	return len(l) > 0 && strings.HasPrefix(l[0], name+": ")
}

// field reads the next line, which must be the field of this name.
func (l *cardLines) field(name string) (string, error) {
	if len(*l) == 0 {
		return "", fmt.Errorf("no %s", name)
	}
	v, ok := strings.CutPrefix((*l)[0], name+": ")
	if !ok {
		return "", fmt.Errorf("no %s where it belongs", name)
	}
	*l = (*l)[1:]
	return v, nil
}

// optional reads the next line if it is the field of this name, else "".
func (l *cardLines) optional(name string) (string, error) {
	if !l.has(name) {
		return "", nil
	}
	return l.field(name)
}

// time reads the next line, which must be a time under this name.
func (l *cardLines) time(name string) (time.Time, error) {
	s, err := l.field(name)
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no time", name)
	}
	return t.UTC(), nil
}

// recipients reads the rest of the lines, which must be recipients.
func (l *cardLines) recipients() (all []string, err error) {
	seen := make(map[string]bool)
	for len(*l) > 0 {
		r, err := l.field("recipient")
		if err != nil {
			return nil, err
		}
		to, err := parseCardRecipient(r)
		if err != nil {
			return nil, err
		}
		if err := checkSeals(to); err != nil {
			return nil, err
		}
		if seen[r] {
			return nil, errors.New("a recipient appears twice")
		}
		seen[r] = true
		all = append(all, r)
	}
	if len(all) == 0 || len(all) > maxRecipients {
		return nil, fmt.Errorf("%d recipients, where 1 to %d may be", len(all), maxRecipients)
	}
	return all, nil
}

// parseCardLines reads the lines between the header and the signature, in their
// fixed order.
func parseCardLines(lines cardLines) (Card, error) {
	var c Card
	var err error
	if c.Name, err = lines.field("name"); err != nil {
		return Card{}, err
	}
	if err := checkName(c.Name); err != nil {
		return Card{}, err
	}
	if lines.has("device") {
		if c.Device, err = lines.field("device"); err != nil {
			return Card{}, err
		}
		if err := checkDevice(c.Device); err != nil {
			return Card{}, err
		}
	}
	if lines.has("role") {
		role, err := lines.field("role")
		if err != nil {
			return Card{}, err
		}
		if c.Role = Role(role); c.Role != Recorder {
			return Card{}, errors.New("not a role that a card says")
		}
	}
	if c.Created, err = lines.time("created"); err != nil {
		return Card{}, err
	}
	if c.Created.Unix() < 0 {
		return Card{}, errors.New("it was made before 1970")
	}
	if lines.has("expires") {
		if c.Expires, err = lines.time("expires"); err != nil {
			return Card{}, err
		}
		if !c.Expires.After(c.Created) {
			return Card{}, errors.New("it expires before it was made")
		}
	}
	if c.Key, err = lines.field("key"); err != nil {
		return Card{}, err
	}
	if c.Replaces, err = lines.optional("replaces"); err != nil {
		return Card{}, err
	}
	if lines.has("matrix") {
		account, err := lines.field("matrix")
		if err != nil {
			return Card{}, err
		}
		if c.Matrix, err = ParseMatrixAccount(account); err != nil {
			return Card{}, err
		}
	}
	c.Recipients, err = lines.recipients()
	return c, err
}

// ParseCards parses one card or several, one after another. A person's earlier
// cards may come before the current one, each approving the next. Errors are
// those of ParseCard. A file without any card is an error.
func ParseCards(b []byte) ([]Card, error) {
	if !bytes.HasPrefix(b, []byte(cardHeader+"\n")) {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrBadCard, cardHeader)
	}
	if len(b) > maxCards*MaxCard {
		return nil, fmt.Errorf("%w: longer than %d cards of %d bytes", ErrBadCard, maxCards, MaxCard)
	}
	var cards []Card
	for _, one := range splitNotes(b, cardHeader) {
		if len(cards) == maxCards {
			return nil, fmt.Errorf("%w: more than %d cards in one file", ErrBadCard, maxCards)
		}
		c, err := ParseCard(one)
		if err != nil {
			return nil, err
		}
		cards = append(cards, c)
	}
	return cards, nil
}

// maxCards bounds the cards in one file.
const maxCards = 64

// splitNotes splits b before each line that equals header. What precedes the
// first such line belongs to the first part.
func splitNotes(b []byte, header string) [][]byte {
	var notes [][]byte
	for start := 0; ; {
		i := bytes.Index(b[start:], []byte("\n"+header+"\n"))
		if i < 0 {
			return append(notes, b)
		}
		// A card ends in the line feed before the next header.
		notes, b, start = append(notes, b[:start+i+1]), b[start+i+1:], 1
	}
}
