package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
)

// consentNotice asks everybody in the room for consent. consentAgain does so after the
// recorder was away.
const (
	// The next two are for a room whose members make its keys.
	keysNotice        = "The recorder has no key of this room: it can open what you send only once your client hands it your key, after you have agreed."
	keysConsentNotice = `Nothing of you is kept before you agree in your client; "no" in the chat takes it back. On a telephone, press 1 for yes, 2 for no.`

	consentNotice = `Nothing of you is kept before you agree: write "yes" in the chat to be recorded, "no" to take it back. On a telephone, press 1 for yes, 2 for no.`
	consentAgain  = `The recorder was away and could not hear who took their consent back: nothing is kept of those who agreed before, until they agree again. `
)

// storeAway and storeBack tell the room where its recording is.
const (
	storeAway = "The store of this recording cannot be reached. The recording goes on: it waits, sealed, on the recorder's own disk."
	storeBack = "The store takes the recording of this meeting again."
)

// notices returns the texts that the room is told.
func (b *Bot) notices() (recorder.Notices, error) {
	start, err := b.startNotice()
	return recorder.Notices{
		Start:    start,
		Paused:   "The recording of this meeting is paused: nothing is kept until it goes on.",
		Resumed:  "The recording of this meeting goes on now.",
		DiskFull: "The recording of this meeting is paused: the recorder's disk is full.",
		DiskFree: "The recording of this meeting goes on.",
		End:      "The recording of this meeting has ended.",
	}, err
}

// startNotice returns the first text: who records, who can open it, and the policy.
func (b *Bot) startNotice() (string, error) {
	card, err := b.c.Identity.Card()
	if err != nil {
		return "", err
	}
	names := make([]string, len(b.c.Readers))
	for i, r := range b.c.Readers {
		names[i] = r.Name
	}
	kind := "end-to-end encrypted"
	if b.c.Meeting.Keys == nil {
		kind = "sealed to its readers; the room itself is NOT end-to-end encrypted"
	}
	said := []string{fmt.Sprintf("This meeting is being recorded (%s). Recorder: %s, key %s. The recording can be opened by: %s.",
		kind, card.Name, card.Fingerprint(), strings.Join(names, ", "))}
	if len(b.c.Members)+len(b.c.Meeting.Named) > 0 {
		names = names[:0]
		for _, named := range []map[string][]keys.Card{b.c.Members, b.c.Meeting.Named} {
			for _, called := range slices.Sorted(maps.Keys(named)) {
				for _, r := range CardReaders(named[called]...) {
					names = append(names, r.Name)
				}
			}
		}
		what := "What they attend"
		if b.whole() {
			what = "All of it, once they attend,"
		}
		said = append(said, fmt.Sprintf("%s can be opened by: %s.", what, strings.Join(names, ", ")))
	}
	if b.c.Meeting.RoomKeys != nil {
		said = append(said, keysNotice)
	}
	said = append(said, b.c.Policy.notice(b.c.Meeting.RoomKeys != nil), b.c.Meeting.LeftOut)
	return strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), " "), nil
}

// askFor returns how people agree to be recorded. memberKeys says that members make the
// room's keys.
func askFor(memberKeys bool) string {
	if memberKeys {
		return keysConsentNotice
	}
	return consentNotice
}

// notice returns sentences about the policy, for the room. memberKeys says that members
// make its keys.
func (p *Policy) notice(memberKeys bool) string {
	var s []string
	if p.Readers == ReadersVerified {
		s = append(s, "Members who prove who they are become readers while they are here.")
	}
	if p.Record == RecordVerified {
		s = append(s, "Only members who prove who they are are recorded.")
	}
	var plain []string
	for _, of := range plaintextSenders {
		if slices.Contains(p.Plaintext, of.kind) {
			plain = append(plain, of.who)
		}
	}
	if len(plain) > 0 {
		s = append(s, fmt.Sprintf("What these send without end-to-end encryption is recorded too, and marked so: %s.", strings.Join(plain, ", ")))
	}
	if p.Consent == ConsentAsk {
		s = append(s, askFor(memberKeys))
	}
	return strings.Join(s, " ")
}
