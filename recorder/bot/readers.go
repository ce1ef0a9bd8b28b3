package bot

import (
	"fmt"
	"slices"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
)

// A Reader can open the recording. CardReaders and RecipientReader make them.
type Reader struct {
	// Name is the name that the room is told. Required.
	Name string
	// Card is the reader's card. Nil means a recipient without a card.
	Card *keys.Card
	// Recipients are the recipients to which the recording is sealed. Required.
	Recipients []age.Recipient
	// PostQuantum says that all Recipients withstand a quantum computer.
	PostQuantum bool
}

// CardReaders returns a reader for each card. A person may have several cards, one for
// each device.
func CardReaders(cards ...keys.Card) []Reader {
	var out []Reader
	for _, c := range cards {
		out = append(out, Reader{
			Name:        fmt.Sprintf("%s (%s)", c.Label(), c.Fingerprint()),
			Card:        &c,
			Recipients:  c.AgeRecipients(),
			PostQuantum: c.PostQuantum(),
		})
	}
	return out
}

// RecipientReader returns the reader for an age or SSH recipient. s is its text.
func RecipientReader(s string) (Reader, error) {
	rec, err := keys.ParseRecipient(s)
	if err != nil {
		return Reader{}, err
	}
	short := s
	if len(short) > 24 {
		short = short[:24] + "…"
	}
	return Reader{Name: short, Recipients: []age.Recipient{rec}, PostQuantum: keys.PostQuantum(s)}, nil
}

// AllPinned returns the readers, and everybody whose card is pinned in the home and
// counts.
func AllPinned(home *keys.Home, readers []Reader) ([]Reader, error) {
	pins, err := home.Pins()
	if err != nil {
		return nil, err
	}
	for _, p := range pins {
		known := func(r Reader) bool { return r.Card != nil && r.Card.Key == p.Key }
		if p.Live(time.Now()) == nil && !slices.ContainsFunc(readers, known) {
			readers = append(readers, CardReaders(p.Card)...)
		}
	}
	return readers, nil
}
