package show

import (
	"cmp"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// An AttachmentJSON is something that is attached to a recording.
type AttachmentJSON struct {
	Objects []string  `json:"objects"`
	Kind    string    `json:"kind,omitempty"`
	File    string    `json:"file,omitempty"`
	By      string    `json:"by,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Epochs  []int     `json:"epochs"`
	Size    int64     `json:"size"`
	Problem string    `json:"problem,omitempty"` // why it does not count
}

// nameLength is how much of an attachment's name the table shows.
const nameLength = 8

// Attachments writes attachments as a table, those that do not count as another.
func Attachments(e *ui.Env, all []AttachmentJSON) error {
	rows := [][]string{{"ATTACHED", "KIND", "FILE", "BY", "WHEN", "EPOCHS", "SIZE"}}
	bad := [][]string{{"ATTACHMENT WITHOUT EFFECT", "FILE", "WHY"}}
	for _, a := range all {
		name := ""
		if len(a.Objects) > 0 {
			name = strings.TrimPrefix(a.Objects[0], "attachments/")
		}
		if a.Problem != "" {
			bad = append(bad, []string{cmp.Or(ui.Clean(strings.TrimSuffix(name, ".age")), "-"), cmp.Or(ui.Clean(a.File), "-"), ui.Clean(a.Problem)})
			continue
		}
		rows = append(rows, []string{name[:min(len(name), nameLength)], a.Kind, ui.Clean(a.File), ui.Clean(a.By), a.Time.Local().Format("2006-01-02 15:04"),
			ui.Ranges(a.Epochs), ui.Size(a.Size)})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	return e.Section(bad)
}
