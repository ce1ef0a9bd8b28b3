package keys

import (
	"errors"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/plugin"
	"filippo.io/age/tag"
)

// maxRecipient bounds the text of one recipient, in bytes. A hybrid one has
// 1,959; an RSA key of 16,384 bits has some 2,800.
const maxRecipient = 8 << 10

// ParseRecipient parses one recipient as age writes it: age1pq1… (hybrid
// post-quantum), age1… (X25519), ssh-ed25519 and ssh-rsa lines, age1tag1… and
// age1tagpq1… (hardware keys), and age1NAME1… of a plugin. A plugin's recipient
// starts the program age-plugin-NAME when something is sealed to it, and not
// here.
//
// Errors do not repeat s, which may be a secret pasted by mistake.
func ParseRecipient(s string) (age.Recipient, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxRecipient {
		return nil, errors.New("recipient is too long")
	}
	r, err := parseRecipient(s)
	switch {
	case err == nil:
		return r, nil
	case strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-"), strings.HasPrefix(strings.ToUpper(s), "AGE-PLUGIN-"):
		return nil, errors.New("this is a secret key, not a recipient")
	}
	return nil, errors.New("not a recipient that age knows")
}

func parseRecipient(s string) (age.Recipient, error) {
	switch {
	case strings.HasPrefix(s, "age1pq1"):
		return age.ParseHybridRecipient(s)
	case strings.HasPrefix(s, "age1tag1"), strings.HasPrefix(s, "age1tagpq1"):
		return tag.ParseRecipient(s)
	case strings.HasPrefix(s, "age1") && strings.Count(s, "1") > 1:
		// Plugins ask a person through the ClientUI. Nobody may be there when a
		// recorder seals, so a plugin that asks gets an error.
		return plugin.NewRecipient(s, &plugin.ClientUI{})
	case strings.HasPrefix(s, "age1"):
		return age.ParseX25519Recipient(s)
	case strings.HasPrefix(s, "ssh-"):
		if strings.ContainsAny(s, "\r\n") {
			return nil, errors.New("more than one line")
		}
		return agessh.ParseRecipient(s)
	}
	return nil, errors.New("unknown kind of recipient")
}

// PostQuantum reports whether a quantum computer cannot open what is sealed to
// the recipient s.
func PostQuantum(s string) bool {
	return strings.HasPrefix(s, "age1pq1") || strings.HasPrefix(s, "age1tagpq1")
}

// parseCardRecipient parses a recipient of a card, which a stranger wrote. It
// accepts only the canonical spelling of age's two native kinds, hybrid and
// X25519, which browsers read too. It accepts no plugin: a card must not choose
// which programs run here.
func parseCardRecipient(s string) (age.Recipient, error) {
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' {
			return nil, errors.New("unprintable character in a recipient")
		}
	}
	r, err := ParseRecipient(s)
	if err != nil {
		return nil, err
	}
	canonical := ""
	switch r := r.(type) {
	case *age.HybridRecipient:
		canonical = r.String()
	case *age.X25519Recipient:
		canonical = r.String()
	default:
		return nil, errors.New("a card can hold age1pq1… and age1… recipients only")
	}
	if canonical != s {
		return nil, errors.New("a recipient is not in its canonical form")
	}
	return r, nil
}

// checkSeals returns an error if nothing can be sealed to r, such as a point of
// low order. A card with such a recipient would make StartEpoch fail.
func checkSeals(r age.Recipient) error {
	if _, err := r.Wrap(make([]byte, 16)); err != nil {
		return errors.New("nothing can be sealed to a recipient")
	}
	return nil
}
