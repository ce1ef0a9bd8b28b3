package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxWhose is how many people one line names.
const maxWhose = 3

// A missingReason says what is missing for one reason, and whose it is.
type missingReason struct {
	reason string
	whose  []media.Missing
}

// byReason groups what is missing by its reasons. Those with the most come first.
func byReason(missing []media.Missing) (all []missingReason) {
	for _, m := range missing {
		i := slices.IndexFunc(all, func(r missingReason) bool { return r.reason == m.Reason })
		if i < 0 {
			i = len(all)
			all = append(all, missingReason{reason: m.Reason})
		}
		all[i].whose = append(all[i].whose, m)
	}
	return all
}

// names returns the names of these people, as many as fit a line. It returns "someone" if
// they must not be named, or if it is nobody's in particular.
func (r missingReason) names(named bool) string {
	var names []string
	for _, m := range r.whose {
		if name := ui.Clean(cmp.Or(m.Name, m.Participant)); name != "" && named && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	switch n := len(names); {
	case n == 0:
		return "someone"
	case n == 1:
		return names[0]
	case n > maxWhose:
		return strings.Join(names[:maxWhose], ", ") + fmt.Sprintf(" and %d more", n-maxWhose)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// missingText returns how much is missing for each reason that nobody wanted, and whose it
// is.
func missingText(rep recorder.Report, named bool) string {
	var parts []string
	for _, r := range byReason(rep.Missing) {
		if media.Wanted(r.reason) {
			continue
		}
		part := fmt.Sprintf("%s %s", ui.Length(rep.Holes[r.reason]), ui.Clean(r.reason))
		if who := r.names(named); who != "someone" {
			part += " (" + who + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// holeHints returns what to check for each reason, and what to do about each cause that was
// found for media that does not open.
func holeHints(rep recorder.Report, found []recorder.Unopened, named bool) (hints []ui.Hint) {
	for _, r := range byReason(rep.Missing) {
		for _, why := range r.causeHints(found, named) {
			hints = append(hints, ui.Hint{Why: why})
		}
		if why := r.hint(rep.Frames == 0, named); len(r.whose) > 0 && why != "" {
			hints = append(hints, ui.Hint{Why: why})
		}
	}
	if len(hints) == 0 {
		return []ui.Hint{{Why: "sealtape info shows every hole"}}
	}
	return hints
}

// causeHints returns hints for the causes that were found for a reason. It removes the
// people with a known cause from those whose media is missing for that reason.
func (r *missingReason) causeHints(found []recorder.Unopened, named bool) (hints []string) {
	for _, u := range found {
		of := func(m media.Missing) bool { return m.Participant == u.Participant }
		hint := causeHint(u.Cause)
		if u.Reason != r.reason || hint == "" || u.Cause == frame.CausePassphrase || !slices.ContainsFunc(r.whose, of) {
			continue
		}
		whose := missingReason{whose: []media.Missing{{Participant: u.Participant, Name: u.Name}}}.names(named)
		if said := fmt.Sprintf("media of %s did not open; %s; %s", whose, ui.Clean(u.Why), hint); !slices.Contains(hints, said) {
			hints = append(hints, said)
		}
	}
	r.whose = slices.DeleteFunc(r.whose, func(m media.Missing) bool {
		return slices.ContainsFunc(found, func(u recorder.Unopened) bool {
			return u.Reason == r.reason && u.Participant == m.Participant && u.Cause != frame.CausePassphrase && causeHint(u.Cause) != ""
		})
	})
	return hints
}
