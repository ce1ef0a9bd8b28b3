package tape

import (
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// maxFiles is the most files that are told of a recording.
const maxFiles = 256

// ImportedFrom returns how a recording was made of files, by its events. Nil: it was not.
func ImportedFrom(events []media.Event) *Imported {
	var i *Imported
	for _, e := range events {
		switch {
		case e.Type == media.EventStart && e.Reason == media.StartImported, e.Type == media.EventImported:
			if i == nil {
				i = new(Imported)
			}
			if e.Type == media.EventImported {
				i.By = e.Name
				i.At, _ = time.Parse(time.RFC3339, e.Text) // zero where it is none
			}
		case e.Type == media.EventSource && i != nil && len(i.Files) < maxFiles:
			lines := strings.Split(e.Text, "\n")
			i.Files = append(i.Files, ImportedFile{Name: lines[0], Size: e.Size, SHA256: e.Reason, Notes: lines[1:]})
		}
	}
	return i
}
