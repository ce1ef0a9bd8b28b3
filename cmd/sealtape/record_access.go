package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

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
