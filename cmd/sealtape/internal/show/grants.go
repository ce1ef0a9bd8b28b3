package show

import (
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// A GrantJSON is a grant that info shows.
type GrantJSON struct {
	Object  string    `json:"object"`
	By      string    `json:"by,omitempty"`
	To      string    `json:"to,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Epochs  []int     `json:"epochs"`
	Claimed bool      `json:"claimed,omitempty"` // only the link says who granted it
	Problem string    `json:"problem,omitempty"` // why it does not count
}

// Grants writes the grants as a table.
func Grants(e *ui.Env, grants []GrantJSON) error {
	rows := [][]string{{"GRANTED BY", "TO", "WHEN", "EPOCHS"}}
	for _, g := range grants {
		if g.Problem != "" {
			continue
		}
		rows = append(rows, []string{ui.Clean(g.By), ui.Clean(g.To), g.Time.Local().Format("2006-01-02 15:04"), ui.Ranges(g.Epochs)})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	rows = [][]string{{"GRANT WITHOUT EFFECT", "WHY"}}
	for _, g := range grants {
		if g.Problem != "" {
			rows = append(rows, []string{ui.Clean(g.Object), ui.Clean(g.Problem)})
		}
	}
	return e.Section(rows)
}
