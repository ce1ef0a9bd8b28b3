package ingest

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Source is a file of a meeting, with what its name and its neighbours tell.
type Source struct {
	Path string
	// Who is in it, and under which identity: "" if not known.
	Who, Identity string
	// Kind is what it shows or carries. "" is a camera and a microphone.
	Kind media.Source
	// Start is when it was begun, or else End is when it was over. Zero: not known.
	Start, End time.Time
	// Exact: that is known to some milliseconds.
	Exact bool
	// Manifest: a file beside it says so, and not its name.
	Manifest bool
	// Whole: everybody of the meeting is in it.
	Whole bool
	// Double: it may have nothing but the sound of a Whole one.
	Double bool
}

var (
	// Jitsi: the room, and when the file was saved, in UTC. Browsers and systems put
	// another character for the colons.
	jitsiName = pattern.Of(`^(.+)_(\d{4}-\d\d-\d\d)T(\d\d)[:_-](\d\d)[:_-](\d\d)[._](\d{3})Z\.(?:webm|mp4|mkv)$`)
	// Galene: when the file was begun, in the server's local time, and whose it is; a
	// number where that was there before.
	galeneName = pattern.Of(`^(\d{4}-\d\d-\d\d)T(\d\d)[:-](\d\d)[:-](\d\d)[.-](\d{3})(?:-(.+?))??(?:-\d\d)?\.(?:webm|mkv)$`)
	// LiveKit's track egress: whose it is, and the track.
	egressName = pattern.Of(`^(.+?)[-_](TR_[A-Za-z0-9]+)`)
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
	if n := egressName().FindStringSubmatch(name); n != nil {
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
	if m := jitsiName().FindStringSubmatch(name); m != nil {
		s.Who, s.End = media.Plain(m[1], media.MaxTitle), milliseconds(m[2:], time.UTC)
	}
}

// galene takes a name that Galene gives to what one participant sent.
func (s *Source) galene(name string, zone *time.Location) {
	if m := galeneName().FindStringSubmatch(name); m != nil {
		s.Start = milliseconds(m[1:], zone)
		s.Exact = !s.Start.IsZero()
		s.Who = media.Plain(m[6], media.MaxTitle)
		s.Identity = s.Who
	}
}
