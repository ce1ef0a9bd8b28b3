package main

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/keys"
)

// A policy says who becomes a reader, and whose tracks are kept.
type policy struct {
	readers string // named, verified, all-pinned
	record  string // everyone, verified
	consent string // announce, ask
	notices string // all, needed
}

// policyFlags say who becomes a reader and who is recorded.
func policyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "readers", Value: "verified", Usage: "`WHO` reads beside those named by --reader and --member: verified, pinned members who prove in the room who they are, named, nobody, or all-pinned, everyone whose card is pinned here"},
		&cli.StringFlag{Name: "record", Value: "everyone", Usage: "keep the tracks of `WHOM`: everyone, or verified members only"},
		&cli.StringFlag{Name: "notices", Value: "all", Usage: "`WHICH` notices the room gets: all, or only what is needed, what the recorder does and who reads"},
		&cli.StringFlag{Name: "consent", Value: "announce", Usage: "announce: the room is told; ask: nothing of anyone is kept before they said yes, in the chat or by their client"},
	}
}

func parsePolicy(c *cli.Context) (policy, error) {
	p := policy{readers: c.String("readers"), record: c.String("record"), consent: c.String("consent"), notices: c.String("notices")}
	for _, f := range []struct {
		name, value string
		values      []string
	}{
		{"readers", p.readers, []string{"verified", "named", "all-pinned"}},
		{"record", p.record, []string{"everyone", "verified"}},
		{"consent", p.consent, []string{"announce", "ask"}},
		{"notices", p.notices, []string{"all", "needed"}},
	} {
		if !slices.Contains(f.values, f.value) {
			return p, usagef(c, "--%s is %q, want %s", f.name, f.value, strings.Join(f.values, " or "))
		}
	}
	return p, nil
}

// allPinned adds everyone whose card is pinned and counts to the readers.
func allPinned(home *keys.Home, readers []reader) ([]reader, error) {
	pins, err := home.Pins()
	if err != nil {
		return nil, err
	}
	for _, p := range pins {
		known := func(r reader) bool { return r.card != nil && r.card.Key == p.Key }
		if p.Live(time.Now()) == nil && !slices.ContainsFunc(readers, known) {
			readers = append(readers, cardReaders([]keys.Card{p.Card})...)
		}
	}
	return readers, nil
}

// noticeOf says in a sentence what the policy is, for the room.
func (p policy) noticeOf() string {
	var s []string
	if p.readers == "verified" {
		s = append(s, "Members who prove who they are become readers while they are here.")
	}
	if p.record == "verified" {
		s = append(s, "Only members who prove who they are are recorded.")
	}
	if p.consent == "ask" {
		s = append(s, consentNotice)
	}
	return strings.Join(s, " ")
}
