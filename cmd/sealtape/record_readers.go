package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
)

// maxReaderFile bounds a file of recipients.
const maxReaderFile = 4 << 20

// A reader is someone who can open the recording.
type reader struct {
	name        string     // as shown to the room
	card        *keys.Card // nil for a bare recipient
	recipients  []age.Recipient
	postQuantum bool
}

// parseReaders turns the values of --reader into readers: a recipient by its
// looks, else a pinned name, else a file.
func parseReaders(home *keys.Home, args []string) ([]reader, error) {
	var out []reader
	for _, arg := range args {
		r, err := parseReader(home, arg)
		if err != nil {
			return nil, err
		}
		out = append(out, r...)
	}
	return out, nil
}

func parseReader(home *keys.Home, arg string) ([]reader, error) {
	if strings.HasPrefix(arg, "age1") || strings.HasPrefix(arg, "ssh-") {
		r, err := recipientReader(arg)
		if err != nil {
			return nil, hinted(fmt.Errorf("--reader: %w", err), "copy it whole; a hybrid recipient has 1,959 characters")
		}
		return []reader{r}, nil
	}
	cards, err := home.Person(arg)
	if err == nil {
		return cardReaders(cards), nil
	}
	if !errors.Is(err, keys.ErrNoMember) {
		return nil, err
	}
	b, ferr := readReaderFile(arg)
	if errors.Is(ferr, fs.ErrNotExist) {
		return nil, hinted(fmt.Errorf("no card is pinned as %q, and there is no such file", arg),
			"sealtape keys list shows the names; sealtape keys add FILE pins a card")
	}
	if ferr != nil {
		return nil, fmt.Errorf("--reader: %w", ferr)
	}
	if card, err := keys.ParseCard(b); err == nil {
		// A card that was not pinned was not confirmed: it may be anyone's.
		return nil, hinted(fmt.Errorf("the card in %s is not pinned", arg),
			"compare its fingerprint with its owner: sealtape keys add "+arg+", then --reader \""+card.Name+"\"")
	}
	return fileReaders(arg, b)
}

func readReaderFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReaderFile+1))
	if err == nil && len(b) > maxReaderFile {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxReaderFile)
	}
	return b, err
}

// fileReaders reads a file with a recipient a line and comments, as age's -R.
func fileReaders(path string, b []byte) ([]reader, error) {
	var out []reader
	for n, line := range bytes.Split(b, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		r, err := recipientReader(s)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n+1, err)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, hinted(fmt.Errorf("%s names no recipient", path), "one age recipient a line")
	}
	return out, nil
}

func recipientReader(s string) (reader, error) {
	rec, err := keys.ParseRecipient(s)
	if err != nil {
		return reader{}, err
	}
	short := s
	if len(short) > 24 {
		short = short[:24] + "…"
	}
	return reader{name: short, recipients: []age.Recipient{rec}, postQuantum: keys.PostQuantum(s)}, nil
}

// cardReaders returns a reader for each card: a person may have several devices.
func cardReaders(cards []keys.Card) []reader {
	var out []reader
	for _, c := range cards {
		out = append(out, reader{
			name:        fmt.Sprintf("%s (%s)", c.Label(), c.Fingerprint()),
			card:        &c,
			recipients:  c.AgeRecipients(),
			postQuantum: c.PostQuantum(),
		})
	}
	return out
}

// announcement is what the room is told.
func announcement(identity *keys.Identity, readers []reader, members memberCards, whole, encrypted bool) (string, error) {
	card, err := identity.Card()
	if err != nil {
		return "", err
	}
	names := make([]string, len(readers))
	for i, r := range readers {
		names[i] = r.name
	}
	kind := "end-to-end encrypted"
	if !encrypted {
		kind = "sealed to its readers; the room itself is NOT end-to-end encrypted"
	}
	text := fmt.Sprintf("This meeting is being recorded (%s). Recorder: %s, key %s. The recording can be opened by: %s.",
		kind, card.Name, card.Fingerprint(), strings.Join(names, ", "))
	if len(members) > 0 {
		names = names[:0]
		for _, id := range slices.Sorted(maps.Keys(members)) {
			for _, r := range cardReaders(members[id]) {
				names = append(names, r.name)
			}
		}
		what := "What they attend"
		if whole {
			what = "All of it, once they attend,"
		}
		text += fmt.Sprintf(" %s can be opened by: %s.", what, strings.Join(names, ", "))
	}
	return text, nil
}
