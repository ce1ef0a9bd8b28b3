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
	// Name is what the room is told of them. Required.
	Name string
	// Card is theirs, nil for a bare recipient.
	Card *keys.Card
	// Recipients are what is sealed to. Required.
	Recipients []age.Recipient
	// PostQuantum is set if none of them can be opened by a quantum computer of the
	// future.
	PostQuantum bool
}

// CardReaders returns a reader for each card: a person may have several devices.
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

// RecipientReader returns the reader of an age or SSH recipient, as its text says it.
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

// AllPinned adds everyone whose card is pinned in the home and counts to the readers.
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
