package ingest

import (
	"cmp"
	"encoding/json"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

var (
	// Jitsi: the room, and when the file was saved, in UTC. Browsers and systems put
	// another character for the colons.
	jitsiName = regexp.MustCompile(`^(.+)_(\d{4}-\d\d-\d\d)T(\d\d)[:_-](\d\d)[:_-](\d\d)[._](\d{3})Z\.(?:webm|mp4|mkv)$`)
	// Galene: when the file was begun, in the server's local time, and whose it is; a
	// number where that was there before.
	galeneName = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)T(\d\d)[:-](\d\d)[:-](\d\d)[.-](\d{3})(?:-(.+?))??(?:-\d\d)?\.(?:webm|mkv)$`)
	// LiveKit's track egress: whose it is, and the track.
	egressName = regexp.MustCompile(`^(.+?)[-_](TR_[A-Za-z0-9]+)`)
)

// milliseconds reads a date and a time to the millisecond.
func milliseconds(m []string, zone *time.Location) time.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04:05.000", m[0]+" "+strings.Join(m[1:4], ":")+"."+m[4], zone)
	if err != nil || at.Year() < 1990 || at.Year() > 2200 {
		return time.Time{}
	}
	return at.UTC()
}

// SourceOf returns what the name of a file tells. Times without a zone are of zone.
func SourceOf(path string, zone *time.Location) Source {
	s := Source{Path: path}
	name := filepath.Base(path)
	s.jitsi(name)
	s.galene(name, zone)
	if n := egressName.FindStringSubmatch(name); n != nil {
		s.Identity, s.Who = media.Clamp(n[1], media.MaxIdentity-16), media.Plain(n[1], media.MaxTitle)
	}
	if at, ok := Dated(name, zone); ok && s.Start.IsZero() && s.End.IsZero() {
		s.Start = at
	}
	return s
}

// jitsi takes a name that Jitsi Meet gives to a local recording. It says when the
// recording was over.
func (s *Source) jitsi(name string) {
	if m := jitsiName.FindStringSubmatch(name); m != nil {
		s.Who, s.End = media.Plain(m[1], media.MaxTitle), milliseconds(m[2:], time.UTC)
	}
}

// galene takes a name that Galene gives to what one participant sent.
func (s *Source) galene(name string, zone *time.Location) {
	if m := galeneName.FindStringSubmatch(name); m != nil {
		s.Start = milliseconds(m[1:], zone)
		s.Exact = !s.Start.IsZero()
		s.Who = media.Plain(m[6], media.MaxTitle)
		s.Identity = s.Who
	}
}

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
	in, _, err := openRegular(name)
	if err != nil {
		return m, false, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, 1<<20))
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
