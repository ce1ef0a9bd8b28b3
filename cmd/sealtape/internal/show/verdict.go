package show

import (
	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback/tape"
)

// NothingText says of a recording without a segment that nothing is in it.
func NothingText(s archive.State) string {
	if !s.Final() {
		return "nothing: nothing was kept yet"
	}
	return "nothing: it ended before anything was kept"
}

// stateText says how a recording ended.
func stateText(s archive.State) string {
	switch s {
	case archive.StateClosed:
		return "closed"
	case archive.StateCut:
		return "cut (the recorder died)"
	case archive.StateOpen:
		return "open (going on, or its recorder vanished)"
	}
	return "not known"
}

// A verdictJSON says what a recording comes to.
type verdictJSON struct {
	Verdict    string   `json:"verdict"`
	Lacks      []string `json:"lacks"`
	HolesKnown bool     `json:"holes_known"`
}

func verdictOf(v tape.Verdict, holesKnown bool) verdictJSON {
	j := verdictJSON{Verdict: string(v.Outcome), Lacks: []string{}, HolesKnown: holesKnown}
	for _, r := range v.Reasons {
		j.Lacks = append(j.Lacks, string(r.Lack))
	}
	return j
}

// holesUnknown is said of holes where no key opens the timeline.
const holesUnknown = "not known without a key"
