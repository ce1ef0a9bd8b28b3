package show

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// A MeetingJSON says where a recording belongs among others.
type MeetingJSON struct {
	Parts     []string `json:"parts"`
	Part      int      `json:"part,omitempty"`
	Gap       *float64 `json:"gap,omitempty"` // seconds; less than 0: it overlaps the part before
	BreakOf   string   `json:"breakout_of,omitempty"`
	Breakouts []string `json:"breakouts"`
	Problem   string   `json:"problem,omitempty"`
	Besides   string   `json:"problem_too,omitempty"`
	Partly    bool     `json:"partly,omitempty"` // the store has too many recordings to look at all
}

// MeetingOf returns what is told of a place, nil if the recording is alone.
func MeetingOf(p *tape.Place) *MeetingJSON {
	if p == nil || len(p.Parts)+len(p.Breakouts) == 0 && p.Of == "" && p.Problem+p.ProblemToo == "" {
		return nil
	}
	m := &MeetingJSON{Parts: orNone(p.Parts), Part: p.Part, BreakOf: p.Of, Breakouts: orNone(p.Breakouts), Problem: p.Problem, Besides: p.ProblemToo}
	if p.GapKnown {
		gap := p.Gap.Seconds()
		m.Gap = &gap
	}
	return m
}

// brief is what the list has room for.
func (m *MeetingJSON) brief() string {
	if m == nil {
		return ""
	}
	var parts []string
	if m.Part > 0 {
		parts = append(parts, fmt.Sprintf("part %d of %d%s", m.Part, len(m.Parts), m.gapText()))
	}
	if m.BreakOf != "" {
		parts = append(parts, "breakout of "+m.BreakOf)
	}
	if n := len(m.Breakouts); n > 0 && m.Part <= 1 {
		parts = append(parts, ui.Count(n, "breakout"))
	}
	if m.Problem != "" {
		parts = append(parts, "NOT LINKED")
	}
	return strings.Join(parts, ", ")
}

func (m *MeetingJSON) gapText() string {
	switch {
	case m.Gap == nil:
		return ""
	case *m.Gap < 0:
		return fmt.Sprintf(", overlaps by %s", seconds(-*m.Gap))
	}
	return fmt.Sprintf(", %s after", seconds(*m.Gap))
}

// facts are the rows that say it of the recording id.
func (m *MeetingJSON) facts(id string) [][]string {
	var rows [][]string
	if m.Part > 0 {
		rows = append(rows, []string{"part:", fmt.Sprintf("%d of %d of one meeting%s", m.Part, len(m.Parts), strings.Replace(m.gapText(), "after", "after the one before", 1))})
		others := slices.DeleteFunc(slices.Clone(m.Parts), func(other string) bool { return other == id })
		rows = append(rows, []string{"other parts:", strings.Join(others, ", ")})
	}
	if m.BreakOf != "" {
		rows = append(rows, []string{"breakout of:", m.BreakOf})
	}
	if len(m.Breakouts) > 0 {
		rows = append(rows, []string{"breakouts:", strings.Join(m.Breakouts, ", ")})
	}
	if m.Problem != "" {
		rows = append(rows, []string{"not linked:", m.Problem})
	}
	if m.Besides != "" {
		rows = append(rows, []string{"not linked, too:", m.Besides})
	}
	if m.Partly {
		rows = append(rows, []string{"of one meeting:", "later parts and breakouts were not looked for, the store has many recordings: see sealtape list"})
	}
	return rows
}
