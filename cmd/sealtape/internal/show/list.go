package show

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Listed is a line of the list.
type Listed struct {
	ID    string `json:"id"`
	State string `json:"state"` // open, closed, cut; foreign-signer, damaged or rolled-back if it cannot be trusted
	verdictJSON
	Missing  int        `json:"missing_objects"`
	Segments int        `json:"segments"`
	Bytes    int64      `json:"bytes"`
	Recorder []string   `json:"recorded_by"`
	Approver []string   `json:"approved_by,omitempty"`
	Opens    bool       `json:"opens"` // a key of yours opens at least a part
	Start    *time.Time `json:"start,omitempty"`
	Duration *float64   `json:"duration,omitempty"` // seconds
	Title    string     `json:"title,omitempty"`
	Room     string     `json:"room,omitempty"`
	Follows  string     `json:"follows,omitempty"`
	// FollowsBy is who said so, if not its recorder's own home: "server".
	FollowsBy string `json:"follows_by,omitempty"`
	// FollowsToo is another, of which the room's server said so besides.
	FollowsToo string `json:"follows_too,omitempty"`
	PartOf     string `json:"part_of,omitempty"`
	// Meeting is where it belongs among the others; set by the caller, which has all.
	Meeting  *MeetingJSON `json:"meeting,omitempty"`
	Imported bool         `json:"imported,omitempty"` // it was made of files
	Problem  string       `json:"problem,omitempty"`
	// Distrusted: the key of its signature was revoked, or counted by such a one alone.
	Distrusted bool `json:"distrusted,omitempty"`
	// Withheld: only a key that was revoked granted it.
	Withheld bool `json:"withheld,omitempty"`
}

// ListedOf returns the line of a recording.
func ListedOf(d *tape.Description) Listed {
	v := d.Verdict()
	l := Listed{
		ID: d.ID, State: string(d.State), verdictJSON: verdictOf(v, d.HolesKnown), Missing: len(d.Missing), Segments: d.Segments, Bytes: d.Bytes,
		Recorder: whoSigned(d.Signers), Approver: approvers(d.Signers), Opens: d.Opens == tape.AccessAll || d.Opens == tape.AccessPart, Title: d.Title, Room: d.Room, Follows: d.Follows, FollowsBy: followsBy(d), FollowsToo: d.FollowsToo, PartOf: d.PartOf, Imported: d.Imported != nil,
		Distrusted: v.Lacks(tape.LackTrust) && d.Err == nil, Withheld: len(d.Withheld) > 0,
	}
	if l.State == "" {
		l.State = "unknown"
	}
	if !d.Start.IsZero() {
		start, duration := d.Start.UTC(), d.Duration.Seconds()
		l.Start, l.Duration = &start, &duration
	}
	switch trust := d.Trust(); {
	case d.Err != nil:
		l.Problem = d.Err.Error()
	case trust.Outcome != tape.Whole:
		l.Problem = trust.Say("recording " + d.ID)
	case len(d.Problems) > 0:
		l.Problem = d.Problems[0]
	}
	return l
}

// followsBy returns by whose word a recording goes on with another: "" for its recorder's own.
func followsBy(d *tape.Description) string {
	if d.FollowsTold {
		return media.FollowsServer
	}
	return ""
}

// titleColumn is before the room's.
const titleColumn = 6

// List shows the lines as a table, and below it what to do about what they lack.
func List(e *ui.Env, all []Listed) error {
	if len(all) == 0 {
		e.Notef("No recordings yet.")
		return nil
	}
	rows := [][]string{{"ID", "STATE", "SEGMENTS", "SIZE", "START", "LENGTH", "ROOM"}}
	// Where none has a title there is no column of them; the same for what they follow.
	titled := slices.ContainsFunc(all, func(l Listed) bool { return l.Title != "" })
	if titled {
		rows[0] = slices.Insert(rows[0], titleColumn, "TITLE")
	}
	follows := slices.ContainsFunc(all, func(l Listed) bool { return l.Follows != "" })
	if follows {
		rows[0] = append(rows[0], "FOLLOWS")
	}
	linked := slices.ContainsFunc(all, func(l Listed) bool { return l.Meeting != nil })
	if linked {
		rows[0] = append(rows[0], "MEETING")
	}
	foreign, damaged, open, withheld, incomplete, unknown := 0, 0, 0, 0, 0, 0
	for _, l := range all {
		state := l.State
		if l.Imported {
			state += ", imported"
		}
		if l.State == string(archive.StateOpen) {
			open++
		}
		if l.Distrusted {
			state += ", signer revoked"
			damaged++
		}
		if l.Withheld {
			state += ", granter revoked"
			withheld++
		}
		switch {
		case l.Missing > 0:
			state += fmt.Sprintf(", %d missing", l.Missing)
			damaged++
		case l.State == string(tape.StateForeign):
			foreign++
		case l.Verdict == string(tape.Damaged) && !l.Distrusted && !l.Withheld:
			if l.Opens || l.Segments > 0 { // its state is what its head says
				state += ", damaged"
			}
			damaged++
		case l.State == string(archive.StateClosed) && l.Verdict == string(tape.Incomplete):
			state += ", incomplete"
			incomplete++
		case l.Verdict == string(tape.Locked):
			unknown++
		}
		row := []string{l.ID, state, strconv.Itoa(l.Segments), ui.Size(l.Bytes), "-", "-", "-"}
		if l.Start != nil {
			row[4], row[5] = l.Start.Local().Format("2006-01-02 15:04"), seconds(*l.Duration)
			if l.Room != "" {
				row[6] = ui.Clean(l.Room)
			}
		}
		if titled {
			row = slices.Insert(row, titleColumn, cmp.Or(ui.Clean(l.Title), "-"))
		}
		if follows {
			row = append(row, cmp.Or(l.Follows, "-"))
		}
		if linked {
			row = append(row, cmp.Or(l.Meeting.brief(), "-"))
		}
		rows = append(rows, row)
	}
	if err := e.Table(rows); err != nil {
		return err
	}
	if foreign > 0 {
		e.Notef("\n%s not signed by anyone whose card you pinned.\n%s", WasWere(foreign), strings.Join(ui.PinHint.Lines(), "\n"))
	}
	if damaged > 0 {
		e.Notef("\n%s not what was recorded.\nhint: sealtape verify ID says what is wrong", WasWere(damaged))
	}
	if incomplete > 0 {
		e.Notef("\n%s incomplete: a second or more is missing.\nhint: sealtape info ID says what, and why", WasWere(incomplete))
	}
	if unknown > 0 {
		e.Notef("\nOf %s holes are %s.", ui.Count(unknown, "recording"), holesUnknown)
	}
	if withheld > 0 {
		e.Notef("\n%s granted to you by a key that was revoked, which does not count.\nhint: sealtape info ID says by whose", WasWere(withheld))
	}
	if open > 0 {
		e.Notef("\n%s open: going on, or left by a recorder that died. The store cannot tell which.\nhint: sealtape recover, where it was recorded, ends what a crash left", WasWere(open))
	}
	return nil
}

// WasWere begins a sentence about n recordings.
func WasWere(n int) string {
	if n == 1 {
		return "1 recording is"
	}
	return fmt.Sprintf("%d recordings are", n)
}
