package show

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

// Export tells what was written, and what of the recording was not.
func Export(e *ui.Env, r playback.Report, out string) {
	if out == "-" {
		out = "standard output"
	}
	if len(r.Tracks) == 0 {
		e.Notef("%s in %s", ui.Length(r.Duration), out)
	} else {
		e.Notef("%s, %s in %s", ui.Length(r.Duration), ui.Count(len(r.Tracks), "track"), out)
	}
	for i, t := range r.Tracks {
		if gain := r.Gains[t.UID]; math.Abs(gain) >= leastGain {
			e.Notef("  %s: turned %s by %.0f dB", ui.Clean(r.Names.Title(t)), map[bool]string{true: "up", false: "down"}[gain > 0], math.Abs(gain))
		} else if i < len(r.Files) {
			e.Notef("  %s: %s", ui.Clean(r.Names.Title(t)), ui.Clean(r.Files[i]))
		} else {
			e.Notef("  %s", ui.Clean(r.Names.Title(t)))
		}
	}
	for _, l := range r.LeftOut {
		e.Notef("left out: %s of %s: %s", ui.Count(l.Frames, "frame"), ui.Clean(titleOf(r, l.Track)), refusalText(l.Reason))
	}
	for _, t := range r.Tracks {
		if late := r.Late[t.UID]; late > 0 {
			e.Notef("late: %s by up to %.2f s, where a player counts samples and looks at no times: more was sent than time went by",
				ui.Clean(r.Names.Title(t)), late.Seconds())
		}
	}
	undecoded(e, r)
	if r.Hidden > 0 {
		e.Notef("hidden in it: up to %s of pictures from before %s, which the first ones need", ui.Length(r.Hidden), ui.Length(r.From))
	}
}

// leastGain is the least change of loudness that is worth a word, in dB.
const leastGain = 1

// OneSoundHint says after an export of several sounds, of which players play one,
// which formats have all of them in one.
func OneSoundHint(e *ui.Env, r playback.Report, id, out string) {
	sounds := 0
	for _, t := range r.Tracks {
		if t.Codec.Audio() {
			sounds++
		}
	}
	if sounds < 2 {
		return
	}
	stem := strings.TrimSuffix(out, filepath.Ext(out))
	h := ui.Hint{Why: fmt.Sprintf("most players play one of its %d sounds at a time; all mixed, with pictures and without", sounds)}
	for _, ending := range []string{".mp4", ".m4a"} {
		h.Run = append(h.Run, "sealtape export "+id+" -o "+ui.ShellWord(stem+ending))
	}
	e.Notef("%s", strings.Join(h.Lines(), "\n"))
}

// titleOf returns the title of a track of the report.
func titleOf(r playback.Report, uid uint64) string {
	for _, t := range r.Tracks {
		if t.UID == uid {
			return r.Names.Title(t)
		}
	}
	return fmt.Sprintf("track %d", uid)
}

// refusalText tells people why frames are not in an export.
func refusalText(why playback.Refusal) string {
	switch why {
	case playback.RefusedOrder:
		return "far from their place in time"
	case playback.RefusedEnd:
		return "far later than the recording's end"
	case playback.RefusedFrame:
		return "they make no sense"
	case playback.RefusedDecoder:
		return "they could not be decoded"
	case playback.RefusedTooMany:
		return "too many tracks at once for one picture and sound"
	}
	return string(why)
}

// ExportJSON says in JSON what was written. Times are seconds.
type ExportJSON struct {
	ID         string              `json:"id"`
	Path       string              `json:"path"`
	Format     string              `json:"format"`
	From       float64             `json:"from"`
	Duration   float64             `json:"duration"`
	Incomplete bool                `json:"incomplete"`
	Tracks     []exportTrackJSON   `json:"tracks"`
	LeftOut    int                 `json:"left_out"`
	Holes      []holeJSON          `json:"holes"`
	Missing    []exportMissingJSON `json:"missing"`
	Hidden     float64             `json:"hidden"`
	Problems   []string            `json:"problems"`
}

type exportTrackJSON struct {
	trackJSON
	File    string        `json:"file,omitempty"`
	Late    float64       `json:"late"`
	Gain    float64       `json:"gain"`
	LeftOut []leftOutJSON `json:"left_out"`
}

type leftOutJSON struct {
	Reason string `json:"reason"`
	Frames int    `json:"frames"`
}

type exportMissingJSON struct {
	Segment int     `json:"segment"`
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	Text    string  `json:"text"`
}

// ExportOf returns what export prints of what it wrote to out.
func ExportOf(id, out, format string, r playback.Report, incomplete bool) ExportJSON {
	j := ExportJSON{
		ID: id, Path: out, Format: format, From: r.From.Seconds(), Duration: r.Duration.Seconds(),
		Incomplete: incomplete, LeftOut: r.Dropped(), Hidden: r.Hidden.Seconds(),
		Tracks: []exportTrackJSON{}, Holes: holesJSON(tape.Holes(r.Tracks, r.Names, r.Holes)), Missing: []exportMissingJSON{}, Problems: []string{},
	}
	for i, t := range r.Tracks {
		x := exportTrackJSON{trackJSON: trackOf(t), Late: r.Late[t.UID].Seconds(), Gain: math.Round(r.Gains[t.UID]*10) / 10, LeftOut: []leftOutJSON{}}
		if i < len(r.Files) {
			x.File = filepath.Join(out, r.Files[i])
		}
		for _, l := range r.LeftOut {
			if l.Track == t.UID {
				x.LeftOut = append(x.LeftOut, leftOutJSON{string(l.Reason), l.Frames})
			}
		}
		j.Tracks = append(j.Tracks, x)
	}
	for _, m := range r.Missing {
		j.Missing = append(j.Missing, exportMissingJSON{m.Number, m.From.Seconds(), m.To.Seconds(), m.Err.Error()})
	}
	for _, err := range r.Problems {
		j.Problems = append(j.Problems, fmt.Sprintf("%.300s", err.Error()))
	}
	return j
}

// undecoded tells what could not be decoded.
func undecoded(e *ui.Env, r playback.Report) {
	for _, err := range r.Problems {
		e.Notef("could not be decoded: %s", fmt.Sprintf("%.300s", ui.Clean(err.Error())))
	}
}
