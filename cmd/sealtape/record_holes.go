package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxWhose is how many are named in one line.
const maxWhose = 3

// A missingReason is what is missing for one reason, and whose it is.
type missingReason struct {
	reason string
	whose  []media.Missing
}

// byReason sorts what is missing by its reasons, those that miss most first.
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

// names names them, as many as a line has room for; "someone" where they may not be
// named, or where nobody in particular misses it.
func (r missingReason) names(named bool) string {
	var names []string
	for _, m := range r.whose {
		if name := clean(cmp.Or(m.Name, m.Participant)); name != "" && named && !slices.Contains(names, name) {
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

// missingText says how much is missing for each reason, and whose it is.
func missingText(rep recorder.Report, named bool) string {
	var parts []string
	for _, r := range byReason(rep.Missing) {
		part := fmt.Sprintf("%s %s", length(rep.Holes[r.reason]), clean(r.reason))
		if who := r.names(named); who != "someone" {
			part += " (" + who + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// holeHints says for each reason what to check, and for each cause that was found
// why media did not open what mends it.
func holeHints(rep recorder.Report, found []recorder.Unopened, named bool) (hints []string) {
	for _, r := range byReason(rep.Missing) {
		hints = append(hints, r.causeHints(found, named)...)
		if hint := r.hint(rep.Frames == 0, named); len(r.whose) > 0 && hint != "" {
			hints = append(hints, hint)
		}
	}
	if len(hints) == 0 {
		return []string{"sealtape info shows every hole"}
	}
	return hints
}

// causeHints tells of the causes that were found for a reason. Whoever one is known of
// is not among those whose media is missing for the reason any more.
func (r *missingReason) causeHints(found []recorder.Unopened, named bool) (hints []string) {
	for _, u := range found {
		of := func(m media.Missing) bool { return m.Participant == u.Participant }
		hint := causeHint(u.Cause)
		if u.Reason != r.reason || hint == "" || u.Cause == frame.CausePassphrase || !slices.ContainsFunc(r.whose, of) {
			continue
		}
		whose := missingReason{whose: []media.Missing{{Participant: u.Participant, Name: u.Name}}}.names(named)
		if said := fmt.Sprintf("media of %s did not open; %s; %s", whose, clean(u.Why), hint); !slices.Contains(hints, said) {
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

// hint says what to check where no better cause was found, "" where nothing helps.
// nothing is whether no frame at all was kept.
func (r missingReason) hint(nothing, named bool) string {
	who := r.names(named)
	switch r.reason {
	case media.GapAuth:
		if nothing {
			return "nothing could be decrypted: is this the passphrase that the members use?"
		}
		return fmt.Sprintf("some frames of %s did not open: is their passphrase the one that the others use?", who)
	case media.GapNoKey:
		return fmt.Sprintf("%s: end-to-end encrypted with a key that was not given", who)
	case media.GapPlaintext:
		return fmt.Sprintf("%s published without end-to-end encryption and was not recorded; --allow-plaintext lets in callers, streams and agents, who cannot encrypt", who)
	case media.GapFormat:
		return fmt.Sprintf("%s sent pictures larger than 65,536 pixels or frames larger than 8 MiB", who)
	case media.GapCodec:
		return fmt.Sprintf("%s used a codec that is not recorded, or that LiveKit cannot encrypt", who)
	case media.GapTooMany:
		return fmt.Sprintf("%s published more tracks than are recorded: at most %d of one member, and %d of all", who, recorder.MaxTracksOfOne, recorder.MaxTracks)
	case media.GapFault:
		return fmt.Sprintf("the recorder could not cope with something that %s sent; its log says more", who)
	}
	if !slices.ContainsFunc(r.whose, func(m media.Missing) bool { return m.Time >= media.WideHole }) {
		return ""
	}
	switch r.reason {
	case media.GapAsleep:
		return "this machine was suspended while it recorded: keep it awake, for example by systemd-inhibit"
	case media.GapReconnect:
		return "the recorder lost the room for some time; sealtape info says when"
	case media.GapBandwidth:
		return fmt.Sprintf("the server found no bandwidth to send all of %s to the recorder; --max-video asks for less", who)
	case media.GapSpool:
		return "the disk was full for some time: make room where SEALTAPE_HOME is"
	case media.GapLoss:
		return fmt.Sprintf("packets of %s were lost on the way; sealtape info says when", who)
	}
	return ""
}
