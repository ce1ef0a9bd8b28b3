package show

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// A DeepReport is what verify --deep found out beyond verify.
type DeepReport struct {
	*tape.CheckReport
	Cannot []string
}

// Limits says what was not proven.
func (d *DeepReport) Limits() {
	cannot := func(format string, args ...any) { d.Cannot = append(d.Cannot, fmt.Sprintf(format, args...)) }
	if d.NoKey > 0 {
		cannot("%s of epochs that no key of yours opens: only their bytes were checked.", ui.Count(d.NoKey, "object"))
	}
	if d.LeftOut > 0 {
		cannot("%s left out: the recorder gave these segments up, or hides them.", ui.Count(d.LeftOut, "number"))
	}
	if d.Quiet > 0 {
		cannot("Sound stops without a word %s, for %s in all: a sender that paused looks so, and so would a loss that is hidden.",
			ui.Count(d.Quiet, "time"), ui.Length(d.QuietTime))
	}
	cannot("Sound and pictures were not decoded. That a picture lacks frames shows only where it is declared.")
}

// deepJSON is a deepReport in JSON. Times are in seconds.
type deepJSON struct {
	Segments   int     `json:"segments_decrypted"`
	Indexes    int     `json:"indexes_decrypted"`
	NoKey      int     `json:"objects_without_key"`
	Frames     int     `json:"frames"`
	Duration   float64 `json:"duration"`
	Holes      int     `json:"holes"`
	Missing    float64 `json:"holes_time"`
	Incomplete bool    `json:"incomplete"`
	Quiet      int     `json:"quiet"`
	QuietTime  float64 `json:"quiet_time"`
	MemberKeys bool    `json:"member_keys,omitempty"`
	Notes      int     `json:"agreed"`
}

func (d *DeepReport) json() *deepJSON {
	return &deepJSON{
		Segments: d.Segments, Indexes: d.Indexes, NoKey: d.NoKey, Frames: d.Frames, Duration: d.Duration.Seconds(),
		Holes: len(d.Holes), Missing: missing(tape.Holes(nil, nil, d.Holes)).Seconds(), Incomplete: d.Incomplete,
		Quiet: d.Quiet, QuietTime: d.QuietTime.Seconds(), MemberKeys: d.MemberKeys, Notes: d.Notes,
	}
}

// missing is the sum of all holes of all tracks.
func missing(holes []tape.Hole) (sum time.Duration) {
	for _, h := range holes {
		sum += h.To - h.From
	}
	return sum
}

// rows are what is shown of it.
func (d *DeepReport) rows() [][]string {
	rows := [][]string{
		{"decrypted:", fmt.Sprintf("%s, %s, %s in %s", ui.Count(d.Segments, "segment"), indexCount(d.Indexes),
			ui.Count(d.Frames, "frame"), ui.Length(d.Duration))},
	}
	if d.MemberKeys {
		rows = append(rows, []string{"agreed:", fmt.Sprintf("%s in which the recorder had a member's key, signed by the member", ui.Count(d.Notes, "span"))})
	}
	return rows
}

// holesText says what holes there are, in all tracks together.
func holesText(holes []tape.Hole) string {
	if len(holes) == 0 {
		return "none declared"
	}
	return fmt.Sprintf("%d declared, %s in all tracks", len(holes), ui.Length(missing(holes)))
}

func indexCount(n int) string {
	if n == 1 {
		return "1 index"
	}
	return fmt.Sprintf("%d indexes", n)
}
