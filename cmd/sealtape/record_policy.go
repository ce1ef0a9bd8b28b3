package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
)

// A policy says who becomes a reader, and whose tracks are kept.
type policy struct {
	readers string // named, verified, all-pinned
	record  string // everyone, verified
	consent string // announce, ask
	notices string // all, needed
	// plaintext are the kinds of senders whose tracks are kept though they are not
	// encrypted, in a room that is.
	plaintext []string
}

// plaintextSenders are those who cannot have a room's keys, and what the room is
// told of them.
var plaintextSenders = []struct{ kind, who string }{
	{recorder.SenderSIP, "callers by telephone"},
	{recorder.SenderIngress, "streams from outside the room"},
	{recorder.SenderAgent, "agents"},
}

// policyFlags say who becomes a reader and who is recorded.
func policyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "readers", Value: "verified", Usage: "`WHO` reads beside those named by --reader and --member. verified: pinned members who prove in the room who they are. named: no others. all-pinned: everyone whose card is pinned here"},
		&cli.StringFlag{Name: "record", Value: "everyone", Usage: "keep the tracks of `WHOM`: everyone, or verified members only"},
		&cli.StringFlag{Name: "allow-plaintext", Usage: "keep unencrypted tracks of those who cannot have keys, marked so: `KINDS` are sip, ingress and agent, with commas between", DefaultText: "nobody's"},
		&cli.StringFlag{Name: "notices", Value: "all", Usage: "`WHICH` notices the room gets: all, or only what is needed, what the recorder does and who reads"},
		&cli.StringFlag{Name: "consent", Value: "announce", Usage: "`WHAT` is needed of people. announce: the room is told; ask: nothing of anyone is kept before they said yes, in the chat or by their client"},
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
	var err error
	p.plaintext, err = parsePlaintext(c)
	return p, err
}

// parsePlaintext reads --allow-plaintext.
func parsePlaintext(c *cli.Context) (kinds []string, err error) {
	list := c.String("allow-plaintext")
	if list == "" {
		return nil, nil
	}
	if c.Bool("no-e2ee") {
		return nil, usagef(c, "--allow-plaintext is for a room with end-to-end encryption, and --no-e2ee says that this one has none")
	}
	for kind := range strings.SplitSeq(list, ",") {
		known := false
		for _, s := range plaintextSenders {
			known = known || s.kind == kind
		}
		if !known {
			return nil, usagef(c, "--allow-plaintext is %q, want some of sip,ingress,agent", list)
		}
		kinds = append(kinds, kind)
	}
	return kinds, nil
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
	var plain []string
	for _, of := range plaintextSenders {
		if slices.Contains(p.plaintext, of.kind) {
			plain = append(plain, of.who)
		}
	}
	if len(plain) > 0 {
		s = append(s, fmt.Sprintf("What these send without end-to-end encryption is recorded too, and marked so: %s.", strings.Join(plain, ", ")))
	}
	if p.consent == "ask" {
		s = append(s, consentNotice)
	}
	return strings.Join(s, " ")
}
