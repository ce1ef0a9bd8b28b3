package show

import (
	"cmp"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// An ImportedJSON says how a recording was made of files.
type ImportedJSON struct {
	By    string       `json:"by"`
	At    *time.Time   `json:"at,omitempty"`
	Files []SourceJSON `json:"files"`
}

// A SourceJSON is one of these files.
type SourceJSON struct {
	Name   string   `json:"name"`
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Notes  []string `json:"notes,omitempty"`
}

// signed says what the signature of a recording vouches for.
func (i *InfoJSON) signed() string {
	if i.Imported != nil {
		return "sealed by:"
	}
	return "recorded by:"
}

func importedOf(i *tape.Imported) *ImportedJSON {
	if i == nil {
		return nil
	}
	j := &ImportedJSON{By: i.By, Files: []SourceJSON{}}
	if !i.At.IsZero() {
		at := i.At.UTC()
		j.At = &at
	}
	for _, f := range i.Files {
		j.Files = append(j.Files, SourceJSON{f.Name, f.Size, f.SHA256, f.Notes})
	}
	return j
}

// facts are the rows that say it.
func (j *ImportedJSON) facts() [][]string {
	at := "not known"
	if j.At != nil {
		at = j.At.Local().Format("2006-01-02 15:04:05 MST")
	}
	return [][]string{
		{"imported by:", cmp.Or(ui.Clean(j.By), "not known")},
		{"imported:", at + "; what its files showed before, nobody verified"},
	}
}

// sources are the rows that list the files.
func (j *ImportedJSON) sources() [][]string {
	rows := [][]string{{"SOURCE FILE", "SIZE", "SHA-256", "NOTES"}}
	for _, f := range j.Files {
		rows = append(rows, []string{ui.Clean(f.Name), ui.Size(f.Size), ui.Clean(f.SHA256), ui.Clean(cmp.Or(strings.Join(f.Notes, "; "), "-"))})
	}
	return rows
}
