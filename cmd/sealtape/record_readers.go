package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
)

// maxReaderFile is the most bytes of a file with recipients.
const maxReaderFile = 4 << 20

// parseReaders turns the values of --reader into readers. A value is a recipient if it
// looks like one, or else a pinned name, or else a file.
func parseReaders(home *keys.Home, args []string) ([]bot.Reader, error) {
	var out []bot.Reader
	for _, arg := range args {
		r, err := parseReader(home, arg)
		if err != nil {
			return nil, err
		}
		out = append(out, r...)
	}
	return out, nil
}

func parseReader(home *keys.Home, arg string) ([]bot.Reader, error) {
	if strings.HasPrefix(arg, "age1") || strings.HasPrefix(arg, "ssh-") {
		r, err := bot.RecipientReader(arg)
		if err != nil {
			return nil, ui.Hinted(fmt.Errorf("--reader: %w", err), "copy it whole; a hybrid recipient has 1,959 characters")
		}
		return []bot.Reader{r}, nil
	}
	cards, err := home.Person(arg)
	if err == nil {
		return bot.CardReaders(cards...), nil
	}
	if !errors.Is(err, keys.ErrNoMember) {
		return nil, err
	}
	b, ferr := readReaderFile(arg)
	if errors.Is(ferr, fs.ErrNotExist) {
		err = ui.Hinted(&unknownReader{arg}, "see which names are pinned, or pin a card", "sealtape keys list", "sealtape keys add FILE")
		return nil, ui.UnlikeCard(err, arg, home)
	}
	if ferr != nil {
		return nil, fmt.Errorf("--reader: %w", ferr)
	}
	if card, err := keys.ParseCard(b); err == nil {
		// A card that was not pinned was not confirmed: it may be anyone's.
		return nil, ui.Hinted(fmt.Errorf("the card in %s is not pinned", arg),
			"compare its fingerprint with its owner, then --reader "+ui.ShellWord(card.Name), "sealtape keys add "+ui.ShellWord(arg))
	}
	return fileReaders(arg, b)
}

// An unknownReader is an argument that is neither a pinned name nor a file. It is keys.ErrNoMember.
type unknownReader struct{ arg string }

func (e *unknownReader) Error() string {
	return fmt.Sprintf("no card is pinned as %s, and there is no such file", words.Quote(e.arg))
}

func (e *unknownReader) Unwrap() error { return keys.ErrNoMember }

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
func fileReaders(path string, b []byte) ([]bot.Reader, error) {
	var out []bot.Reader
	for n, line := range bytes.Split(b, []byte("\n")) {
		s := strings.TrimSpace(string(line))
		if s == "" || strings.HasPrefix(s, "#") {
			continue
		}
		r, err := bot.RecipientReader(s)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n+1, err)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, ui.Hinted(fmt.Errorf("%s names no recipient", path), "one age recipient a line")
	}
	return out, nil
}

// parseOperators reads the values of --operator: names of pinned cards.
func parseOperators(home *keys.Home, names []string) (all []keys.Card, err error) {
	for _, name := range names {
		cards, err := home.Person(name)
		if err != nil {
			return nil, ui.UnlikeCard(fmt.Errorf("--operator %s: %w", words.Quote(name), err), name, home)
		}
		all = append(all, cards...)
	}
	return all, nil
}

// parseMembers reads the values of --member, IDENTITY=NAME. Whoever issues the room's
// tokens decides who has an identity, so the mapping is only as reliable as that.
func parseMembers(home *keys.Home, args []string) (cards map[string][]keys.Card, err error) {
	cards = make(map[string][]keys.Card)
	for _, arg := range args {
		identity, name, _ := strings.Cut(arg, "=")
		if _, twice := cards[identity]; twice {
			return nil, ui.Misuse("--member names the identity %s twice", words.Quote(identity))
		}
		if cards[identity], err = home.Person(name); err != nil {
			return nil, ui.UnlikeCard(fmt.Errorf("--member %s: %w", arg, err), name, home)
		}
	}
	return cards, nil
}
