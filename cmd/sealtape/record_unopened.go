package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxNamed is how many are named in one notice to the room.
const maxNamed = 5

// A doorkeeper tells whose media does not open: who runs the recorder, with the
// names, and the room, if the policy lets it. It is safe for concurrent use.
type doorkeeper struct {
	say     func(format string, args ...any)
	notices bool

	mu     sync.Mutex
	causes []recorder.Unopened // that were found, one of each kind for each member
}

// maxCauses is how many are kept.
const maxCauses = 64

// unopened is a recorder.Config's Unopened.
func (d *doorkeeper) unopened(news []recorder.Unopened) (notice string) {
	var lines []string
	for _, u := range news {
		whose := fmt.Sprintf("%s (%s)", clean(whoseName(u)), clean(string(u.Source)))
		if u.Over {
			d.say("%s is recorded again", whose)
			lines = append(lines, whose+" is recorded again.")
			continue
		}
		d.mu.Lock()
		if known := func(c recorder.Unopened) bool { return c.Participant == u.Participant && c.Cause == u.Cause }; u.Cause != "" &&
			len(d.causes) < maxCauses && !slices.ContainsFunc(d.causes, known) {
			d.causes = append(d.causes, u)
		}
		d.mu.Unlock()
		if u.Why == "" {
			d.say("%s is not recorded: it does not open", whose)
		} else {
			d.say("%s is not recorded: its frames do not open; %s", whose, clean(u.Why))
		}
		if hint := causeHint(u.Cause); hint != "" {
			d.say("hint: %s", hint)
		}
		lines = append(lines, whose+" is not recorded: "+roomReason(u)+".")
	}
	if !d.notices {
		return ""
	}
	if more := len(lines) - maxNamed; more > 0 {
		lines = append(lines[:maxNamed], fmt.Sprintf("The same is true of %d more.", more))
	}
	return strings.Join(lines, " ")
}

// found returns the causes that were found.
func (d *doorkeeper) found() []recorder.Unopened {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.causes)
}

// turnedAway is a recorder.Config's TurnedAway.
func (d *doorkeeper) turnedAway(t recorder.TurnedAway) {
	are := "are"
	if t.Tracks == 1 {
		are = "is"
	}
	d.say("%s of %s %s not recorded: at most %d of one member are, and %d of all", count(t.Tracks, "track"),
		clean(cmp.Or(t.Name, t.Participant)), are, recorder.MaxTracksOfOne, recorder.MaxTracks)
}

func whoseName(u recorder.Unopened) string {
	return media.Clamp(cmp.Or(u.Name, u.Participant), media.MaxName)
}

// roomReason says to the room why something is not recorded.
func roomReason(u recorder.Unopened) string {
	switch u.Cause {
	case frame.CausePlaintext:
		return "it is not end-to-end encrypted"
	case frame.CauseKind("codec"):
		return "the recorder cannot take its codec"
	}
	return "the recorder has no key that opens it"
}

// causeHint says what mends it.
func causeHint(cause frame.CauseKind) string {
	const file = "with --e2ee-key-file, "
	switch cause {
	case frame.CausePassphrase:
		return "compare the passphrase with the one that the members use, to the letter"
	case frame.CauseDerivation:
		return file + `"derivation": "hkdf" or "pbkdf2" says how keys are derived`
	case frame.CauseBits:
		return file + `"bits": 128 or 256 says how long keys are`
	case frame.CauseSalt:
		return "leave \"salt\" out of the key file"
	case frame.CauseRatchet:
		return file + `"ratchetWindow": 16 follows members who ratchet`
	case frame.CauseIndex:
		return file + "put the key under the index that the members use"
	case frame.CauseNoKey:
		return "the room is end-to-end encrypted with a key that was not given"
	case frame.CausePlaintext:
		return "let everyone join with end-to-end encryption, or the recorder with --no-e2ee"
	}
	return ""
}
