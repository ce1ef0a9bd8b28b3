package bot

import (
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/recorder"
)

// A Policy says who becomes a reader, whose tracks are kept, and what people are told
// and asked. The zero value of each field is the first of its constants.
type Policy struct {
	// Readers says who becomes a reader besides Config.Readers and Config.Members:
	// ReadersVerified, ReadersNamed or ReadersAllPinned.
	Readers string
	// Access says what members who are readers can open: AccessPresent or AccessWhole.
	Access string
	// Record says whose tracks are kept: RecordEveryone or RecordVerified.
	Record string
	// Consent says what is needed from people: ConsentAnnounce or ConsentAsk.
	Consent string
	// Notices says what the room is told: NoticesAll or NoticesNeeded.
	Notices string
	// Plaintext has kinds of senders, recorder.Sender constants. In an encrypted room
	// their tracks are kept although they are not encrypted, and are marked so. Nil
	// means none.
	Plaintext []string
}

// The values of a Policy.
const (
	ReadersVerified  = "verified"   // pinned members who prove in the room who they are
	ReadersNamed     = "named"      // only those of the Config
	ReadersAllPinned = "all-pinned" // everyone whose card is pinned and counts

	AccessPresent = "present" // what is recorded while they are in the room
	AccessWhole   = "whole"   // all of the recording, once they attend

	RecordEveryone = "everyone"
	RecordVerified = "verified" // only verified members

	ConsentAnnounce = "announce" // the room is told
	ConsentAsk      = "ask"      // nothing of a member is kept before they say yes

	NoticesAll    = "all"
	NoticesNeeded = "needed" // only what the recorder does, and who can open it
)

// complete fills in the defaults, and returns an error for an unknown value.
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

// A plaintextSender is a kind of sender that cannot have a room's keys. who is what the
// room is told about it.
type plaintextSender struct{ kind, who string }

var plaintextSenders = []plaintextSender{
	{recorder.SenderSIP, "callers by telephone"},
	{recorder.SenderIngress, "streams from outside the room"},
	{recorder.SenderAgent, "agents"},
}

// PlaintextSenders returns the kinds of senders that Policy.Plaintext may have.
func PlaintextSenders() (kinds []string) {
	for _, s := range plaintextSenders {
		kinds = append(kinds, s.kind)
	}
	return kinds
}
