package ingest

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/pattern"
)

// Dates in names: GMT20240506-141500 of Zoom's cloud, and what recorders of the screen,
// OBS and Zoom's folders begin with, in local time.
var (
	zoomCloud = pattern.Of(`GMT(\d{8}-\d{6})`)
	egressed  = pattern.Of(`(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)(?:\D|$)`) // LiveKit
	dated     = pattern.Of(`(\d{4}-\d\d-\d\d)(?:[ _T]|[ _]at[ _])(\d\d)[.:_-](\d\d)[.:_-](\d\d)`)
)

// Dated returns when a recording was begun by a name that its program gave it. Times
// without a zone are of zone.
func Dated(name string, zone *time.Location) (time.Time, bool) {
	var at time.Time
	var err error
	if m := zoomCloud().FindStringSubmatch(name); m != nil {
		at, err = time.Parse("20060102-150405", m[1])
	} else if m := dated().FindStringSubmatch(name); m != nil {
		at, err = time.ParseInLocation("2006-01-02 15:04:05", m[1]+" "+strings.Join(m[2:], ":"), zone)
	} else if m := egressed().FindStringSubmatch(name); m != nil {
		at, err = time.ParseInLocation("2006-01-02 15:04:05", m[1]+" "+strings.Join(m[2:], ":"), zone)
	} else {
		return time.Time{}, false
	}
	if err != nil || at.Year() < 1990 || at.Year() > 2200 {
		return time.Time{}, false
	}
	return at.UTC(), true
}

// Start returns when a file's recording began, as far as its name, its folder's name, its
// metadata or its date tell, and which of these did.
func (f *File) Start(zone *time.Location) (at time.Time, by string) {
	if at, ok := Dated(f.Name, zone); ok {
		return at, "its name"
	}
	if abs, err := filepath.Abs(f.Path); err == nil {
		if at, ok := Dated(filepath.Base(filepath.Dir(abs)), zone); ok {
			return at, "its folder's name"
		}
	}
	if !f.Created.IsZero() {
		return f.Created, "its metadata"
	}
	return f.Modified.Add(-f.Length).UTC().Truncate(time.Second), "its date, less its length"
}
