package folder

import (
	"cmp"
	"encoding/json"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxManifest is the most bytes of a manifest, or of Zoom's, that are read.
const maxManifest = 1 << 20

// A manifest is what LiveKit's egress writes beside its files, as JSON.
type manifest struct {
	Egress    string `json:"egress_id"`
	Room      string `json:"room_name"`
	Started   int64  `json:"started_at"` // ns since 1970
	Publisher string `json:"publisher_identity"`
	Track     string `json:"track_id"`
	Source    string `json:"track_source"`
	Files     []struct {
		Name     string `json:"filename"`
		Location string `json:"location"`
	} `json:"files"`
}

// readManifest reads a manifest. ok is false for any other JSON.
func readManifest(name string) (m manifest, ok bool, err error) {
	b, err := ingest.ReadFile(name, maxManifest)
	if err != nil {
		return m, false, err
	}
	return m, json.Unmarshal(b, &m) == nil && m.Egress != "", nil
}

// egress tells the sources what their manifest knows.
func (f *Folder) egress(m manifest) {
	for i := range f.Sources {
		s := &f.Sources[i]
		name := filepath.Base(s.Path)
		found := m.Track != "" && strings.Contains(name, m.Track)
		for _, file := range m.Files {
			found = found || path.Base(file.Name) == name || path.Base(file.Location) == name
		}
		if !found {
			continue
		}
		f.By, f.Title = "LiveKit", cmp.Or(f.Title, media.Plain(m.Room, media.MaxTitle))
		if at := time.Unix(0, m.Started).UTC(); at.Year() >= 1990 && at.Year() < 2200 {
			s.Start, s.End, s.Manifest = at, time.Time{}, true
		}
		if m.Publisher == "" {
			s.Who, s.Whole = f.Title, true
			continue
		}
		s.Identity = media.Clamp(m.Publisher, media.MaxIdentity-16)
		s.Who = media.Plain(m.Publisher, media.MaxTitle)
		switch strings.ToUpper(m.Source) {
		case "SCREEN_SHARE":
			s.Kind = media.Screen
		case "SCREEN_SHARE_AUDIO":
			s.Kind = media.ScreenAudio
		}
	}
}
