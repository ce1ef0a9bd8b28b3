package bot

import (
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/recorder"
)

// A Policy says who becomes a reader, whose tracks are kept, and what people are told
// and asked. The zero value of each field is the first of its constants.
type Policy struct {
	// Readers is who reads beside Config.Readers and Config.Members: ReadersVerified,
	// ReadersNamed or ReadersAllPinned.
	Readers string
	// Access is what those members read: AccessPresent or AccessWhole.
	Access string
	// Record is whose tracks are kept: RecordEveryone or RecordVerified.
	Record string
	// Consent is what is needed of people: ConsentAnnounce or ConsentAsk.
	Consent string
	// Notices is what the room is told: NoticesAll or NoticesNeeded.
	Notices string
	// Plaintext are the kinds of senders, recorder.Sender constants, whose tracks are
	// kept though they are not encrypted, in a room that is, and marked so. The zero
	// value is none.
	Plaintext []string
}

// The values of a Policy.
const (
	ReadersVerified  = "verified"   // pinned members who prove in the room who they are
	ReadersNamed     = "named"      // no others than those of the Config
	ReadersAllPinned = "all-pinned" // everyone whose card is pinned and counts

	AccessPresent = "present" // what is recorded while they are in the room
	AccessWhole   = "whole"   // all of it, once they attend

	RecordEveryone = "everyone"
	RecordVerified = "verified" // nothing of those who did not prove who they are

	ConsentAnnounce = "announce" // the room is told
	ConsentAsk      = "ask"      // nothing of anyone is kept before they said yes

	NoticesAll    = "all"
	NoticesNeeded = "needed" // what the recorder does, and who reads
)

// complete puts in the defaults, and refuses what is no value.
func (p *Policy) complete() error {
	for _, f := range []struct {
		name   string
		value  *string
		values []string
	}{
		{"Readers", &p.Readers, []string{ReadersVerified, ReadersNamed, ReadersAllPinned}},
		{"Access", &p.Access, []string{AccessPresent, AccessWhole}},
		{"Record", &p.Record, []string{RecordEveryone, RecordVerified}},
		{"Consent", &p.Consent, []string{ConsentAnnounce, ConsentAsk}},
		{"Notices", &p.Notices, []string{NoticesAll, NoticesNeeded}},
	} {
		if *f.value == "" {
			*f.value = f.values[0]
		}
		if !slices.Contains(f.values, *f.value) {
			return fmt.Errorf("bot: Policy.%s is %q, want one of %q", f.name, *f.value, f.values)
		}
	}
	for _, kind := range p.Plaintext {
		if !slices.ContainsFunc(plaintextSenders, func(s plaintextSender) bool { return s.kind == kind }) {
			return fmt.Errorf("bot: Policy.Plaintext has %q, which is no kind of sender", kind)
		}
	}
	return nil
}

// A plaintextSender cannot have a room's keys. who is what the room is told of them.
type plaintextSender struct{ kind, who string }

var plaintextSenders = []plaintextSender{
	{recorder.SenderSIP, "callers by telephone"},
	{recorder.SenderIngress, "streams from outside the room"},
	{recorder.SenderAgent, "agents"},
}

// PlaintextSenders are the kinds of senders that a Policy's Plaintext may have.
func PlaintextSenders() (kinds []string) {
	for _, s := range plaintextSenders {
		kinds = append(kinds, s.kind)
	}
	return kinds
}
