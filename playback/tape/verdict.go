package tape

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/internal/words"
)

// An Outcome is the result of a verdict.
type Outcome string

const (
	Whole      Outcome = "whole"      // closed, and nothing is known to be missing
	Incomplete Outcome = "incomplete" // genuine, but not closed, or a second or more is missing
	Locked     Outcome = "locked"     // no key of the reader opens any of it
	Damaged    Outcome = "damaged"    // something is not what its recorder signed
	Unknown    Outcome = "unknown"    // the store did not answer
)

// ExitCode returns the exit code of a program that judged a recording.
func (o Outcome) ExitCode() int {
	switch o {
	case Whole:
		return 0
	case Incomplete:
		return 3
	case Locked:
		return 5
	case Unknown:
		return 1
	}
	return 4
}

// A Lack is one kind of fault of a recording, or of an export of it.
type Lack string

// From the gravest to the least grave:
const (
	LackTrust    Lack = "trust"    // the key that signed it was revoked, or no signer is trusted
	LackGrant    Lack = "grant"    // only a revoked key granted a part to the reader
	LackGenuine  Lack = "genuine"  // verifying found problems
	LackBytes    Lack = "bytes"    // segments, epochs or indexes are damaged
	LackObjects  Lack = "objects"  // the store lacks objects that the log names
	LackKey      Lack = "key"      // no key of the reader opens any of it
	LackEnd      Lack = "end"      // it is open: it goes on, or its recorder died
	LackCut      Lack = "cut"      // its recorder died, and it was recovered
	LackSpan     Lack = "span"     // a hole of a second or more
	LackTail     Lack = "tail"     // the end of segments that a crash tore
	LackSegments Lack = "segments" // segments that its recorder gave up, or hides
	LackStore    Lack = "store"    // the store failed; another try may find nothing wrong
	LackReader   Lack = "reader"   // an export lacks segments that the reader's keys do not open
	LackFrames   Lack = "frames"   // an export lacks frames
)

var outcomes = map[Lack]Outcome{
	LackTrust: Damaged, LackGrant: Damaged, LackGenuine: Damaged, LackBytes: Damaged, LackObjects: Damaged, LackKey: Locked,
}

var gravest = []Lack{
	LackTrust, LackGrant, LackGenuine, LackBytes, LackObjects, LackKey,
	LackEnd, LackCut, LackSpan, LackTail, LackSegments, LackStore, LackReader, LackFrames,
}

// A Reason is why a recording is not whole.
type Reason struct {
	Lack Lack
	// Subject is the part of the recording that Text is about: "epoch 2". ""
	// means all of it.
	Subject string
	// Text completes the sentence that begins with the subject: the recording
	// "was cut: its recorder died".
	Text string
}

// A Verdict is the judgement on a recording.
type Verdict struct {
	Outcome Outcome
	Reasons []Reason // gravest first; none if it is whole
}

// Say joins the reasons to text about a subject such as "recording ID":
// "recording ID is not closed; …". It is empty for a whole recording. Text of
// strangers is in it unescaped.
func (v Verdict) Say(subject string) string {
	var texts []string
	for i, r := range v.Reasons {
		text := r.Text
		if r.Subject != "" && i == 0 {
			text = r.Subject + " of " + subject + " " + text
		} else if i == 0 {
			text = subject + " " + text
		} else if r.Subject != "" {
			text = r.Subject + " " + text
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

// Incomplete reports whether something of the recording, or of an export, is
// missing or damaged, whatever other reasons there are.
func (v Verdict) Incomplete() bool {
	return slices.ContainsFunc(v.Reasons, func(r Reason) bool {
		return r.Lack != LackTrust && r.Lack != LackGrant && r.Lack != LackKey
	})
}

// Lacks reports whether one of the reasons is of a kind.
func (v Verdict) Lacks(l Lack) bool {
	return slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Lack == l })
}

// Findings are the facts that a verdict is based on: those of
// [Description.Findings], and what reading, verifying or exporting the recording
// found.
type Findings struct {
	State   archive.State
	Signers []Signer // of the head
	Key     bool     // the reader's keys open something, or no key is needed
	// Withheld are the epochs that only WithheldBy granted to the reader.
	Withheld   []int
	WithheldBy Signer
	// Problems counts what verifying found. Missing counts objects that the store
	// lacks. Damaged counts segments and other objects that are not what was
	// recorded.
	Problems, Missing, Damaged int
	// Holes are the declared holes.
	Holes []Hole
	// Torn counts segments whose end a crash tore, LeftOut segments that are not
	// in the log, and Refused segments that the store failed to return.
	Torn, LeftOut, Refused int
	// NotReader counts the segments that an export lacks because no key opens
	// them. Dropped counts the frames that it left out.
	NotReader, Dropped int
}

// distrusted returns the signer of a recording if no signer counts any more.
func distrusted(signers []Signer) (Signer, bool) {
	if len(signers) == 0 || slices.ContainsFunc(signers, func(s Signer) bool { return !s.Revoked }) {
		return Signer{}, false
	}
	return signers[0], true
}

// Verdict judges. Nothing else does.
func (f Findings) Verdict() Verdict {
	if f.State == "" {
		return Verdict{Outcome: Unknown, Reasons: []Reason{{Lack: LackStore, Text: "could not be looked at"}}}
	}
	v := Verdict{Outcome: Whole}
	add := func(l Lack, format string, args ...any) {
		v.Reasons = append(v.Reasons, Reason{Lack: l, Text: fmt.Sprintf(format, args...)})
	}
	switch f.State {
	case StateForeign:
		add(LackTrust, "is not signed by anyone whose card is pinned")
	case StateRolledBack:
		add(LackTrust, "is not the one that was seen before")
	case StateDamaged:
		add(LackGenuine, "has no head and log that are genuine")
	case archive.StateOpen:
		add(LackEnd, "is not closed")
	case archive.StateCut:
		add(LackCut, "was cut: its recorder died")
	}
	if s, ok := distrusted(f.Signers); ok {
		add(LackTrust, "is signed by %s", s.Who)
	}
	if n := len(f.Withheld); n > 0 {
		subject, was := "epoch ", "was"
		if n > 1 {
			subject, was = "epochs ", "were"
		}
		v.Reasons = append(v.Reasons, Reason{Lack: LackGrant, Subject: subject + words.Ranges(f.Withheld),
			Text: was + " granted by " + f.WithheldBy.Who + ", which does not count"})
	}
	if f.Problems > 0 {
		add(LackGenuine, "is not what was recorded: %s", words.Count(f.Problems, "problem"))
	}
	if f.Damaged > 0 {
		add(LackBytes, "is damaged: %s failed verification", words.Count(f.Damaged, "object"))
	}
	if f.Missing > 0 {
		add(LackObjects, "lacks %s in the store", words.Count(f.Missing, "object"))
	}
	if !f.Key && len(f.Withheld) == 0 {
		add(LackKey, "is not yours to open")
	}
	switch n := wide(f.Holes); {
	case n == 1:
		add(LackSpan, "has a hole of a second or more")
	case n > 1:
		add(LackSpan, "has %d holes of a second or more", n)
	}
	if f.Torn > 0 {
		add(LackTail, "has %s torn by a crash", words.Count(f.Torn, "segment"))
	}
	if f.LeftOut > 0 {
		add(LackSegments, "lacks %s that its recorder gave up, or hides", words.Count(f.LeftOut, "segment"))
	}
	if f.Refused > 0 {
		add(LackStore, "lacks %s that the store did not give", words.Count(f.Refused, "segment"))
	}
	if f.NotReader > 0 {
		add(LackReader, "has %s of which you are no reader", words.Count(f.NotReader, "segment"))
	}
	if f.Dropped > 0 {
		add(LackFrames, "has %s that could not be taken along", words.Count(f.Dropped, "frame"))
	}
	slices.SortStableFunc(v.Reasons, func(a, b Reason) int {
		return cmp.Compare(slices.Index(gravest, a.Lack), slices.Index(gravest, b.Lack))
	})
	if len(v.Reasons) > 0 {
		v.Outcome = cmp.Or(outcomes[v.Reasons[0].Lack], Incomplete)
	}
	return v
}

// Findings returns the facts in the description that a verdict is based on.
func (d *Description) Findings() Findings {
	f := Findings{
		State: d.State, Signers: d.Signers, Key: d.Opens != AccessNone,
		Missing: len(d.Missing), Damaged: len(d.Problems), Holes: d.Holes,
		Withheld: d.Withheld, WithheldBy: d.WithheldBy,
	}
	for _, u := range d.Unreadable {
		switch u.Why {
		case WhyDamaged:
			f.Damaged++
		case WhyTorn:
			f.Torn++
		case WhyLeftOut:
			f.LeftOut++
		case WhyStore:
			f.Refused++
		}
	}
	return f
}

// Trust judges only whether the signatures count that the recording, and what
// opens of it, depend on.
func (d *Description) Trust() Verdict {
	return Findings{State: archive.StateClosed, Key: true, Signers: d.Signers, Withheld: d.Withheld, WithheldBy: d.WithheldBy}.Verdict()
}

// Verdict returns the verdict on the description. It counts holes only if
// HolesKnown is set.
func (d *Description) Verdict() Verdict { return d.Findings().Verdict() }
