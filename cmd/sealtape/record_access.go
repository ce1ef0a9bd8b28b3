package main

import (
	"fmt"
	"strings"

	"filippo.io/age"
	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// memberCards maps room identities to pinned cards, as --member says. Who
// issues the room's tokens decides who gets an identity, so the mapping is as
// good as that.
type memberCards map[string][]keys.Card // one for each of their devices

// parseMembers reads the values of --member, IDENTITY=NAME.
func parseMembers(c *cli.Context, home *keys.Home) (cards memberCards, err error) {
	cards = make(memberCards)
	for _, arg := range c.StringSlice("member") {
		identity, name, ok := strings.Cut(arg, "=")
		if !ok || identity == "" || name == "" {
			return nil, usagef(c, "--member is %q, want IDENTITY=NAME", arg)
		}
		if _, twice := cards[identity]; twice {
			return nil, usagef(c, "--member names the identity %q twice", identity)
		}
		if cards[identity], err = home.Person(name); err != nil {
			return nil, fmt.Errorf("--member %s: %w", arg, err)
		}
	}
	return cards, nil
}

// A memberAccess seals to the fixed readers and to those members who are here.
// It implements recorder.Access.
type memberAccess struct {
	w       *archive.Writer
	always  []age.Recipient
	members memberCards
}

func (a memberAccess) Reader(identity string) (name string, ok bool) {
	cards, ok := a.members[identity]
	if !ok {
		return "", false
	}
	return cards[0].Name, true
}

func (a memberAccess) StartEpoch(present []string) error {
	to := append([]age.Recipient(nil), a.always...)
	for _, identity := range present {
		for _, card := range a.members[identity] {
			to = append(to, card.AgeRecipients()...)
		}
	}
	_, err := a.w.StartEpoch(to)
	return err
}

// A wholeAccess lets whoever attended read all of the recording. It implements
// recorder.Admitter.
type wholeAccess struct{ memberAccess }

func (a wholeAccess) Admit(identity string) error {
	for _, card := range a.members[identity] {
		if _, err := a.w.Admit(card.Key, card.AgeRecipients()); err != nil {
			return err
		}
	}
	return nil
}
