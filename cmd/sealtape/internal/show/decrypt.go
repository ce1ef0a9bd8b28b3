package show

import (
	"fmt"
	"path/filepath"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
)

// Continued tells which files do not begin with a key frame, by track: a
// decoder shows nothing of it there without those before.
func Continued(e *ui.Env, s *playback.Session) {
	in := make(map[uint64][]int)
	for _, seg := range s.Segments() {
		for _, t := range seg.Tracks {
			if t.Continues {
				in[t.UID] = append(in[t.UID], seg.Number)
			}
		}
	}
	for _, t := range s.Tracks() {
		if numbers := in[t.UID]; len(numbers) > 0 {
			e.Notef("no key frame at the beginning of %s in %s %s", ui.Clean(t.Label()), plural(len(numbers), "segment"), ui.Ranges(numbers))
		}
	}
	if len(in) > 0 {
		e.Notef("these begin with a picture that needs the ones before: decode from the segment on that holds the key frame; --json says which")
	}
}

func plural(n int, one string) string {
	if n == 1 {
		return one
	}
	return one + "s"
}

// DecryptJSON says in JSON what was written. Times are seconds.
type DecryptJSON struct {
	ID         string                 `json:"id"`
	Path       string                 `json:"path"`
	Bytes      int64                  `json:"bytes"`
	Incomplete bool                   `json:"incomplete"`
	Segments   []decryptedSegmentJSON `json:"segments"`
}

type decryptedSegmentJSON struct {
	Number int                  `json:"number"`
	File   string               `json:"file"`
	From   float64              `json:"from"`
	To     float64              `json:"to"`
	Tracks []decryptedTrackJSON `json:"tracks"`
}

type decryptedTrackJSON struct {
	UID       uint64    `json:"uid,string"`
	Keys      []float64 `json:"keys"`
	Continues bool      `json:"continues"`
	Begin     *int      `json:"begin_segment,omitempty"`
}

// DecryptOf returns what decrypt prints of the files of a recording in the folder out,
// without the segments that failed.
func DecryptOf(id, out string, bytes int64, s *playback.Session, failed map[int]error, incomplete bool) DecryptJSON {
	j := DecryptJSON{ID: id, Path: out, Bytes: bytes, Incomplete: incomplete, Segments: []decryptedSegmentJSON{}}
	keyed := make(map[uint64]int) // the last segment with a key frame, by track
	for _, seg := range s.Segments() {
		if failed[seg.Number] != nil || seg.State != playback.Readable {
			clear(keyed)
			continue
		}
		x := decryptedSegmentJSON{Number: seg.Number, File: filepath.Join(out, FileOf(seg.Number)),
			From: seg.From.Seconds(), To: seg.To.Seconds(), Tracks: []decryptedTrackJSON{}}
		for _, t := range seg.Tracks {
			y := decryptedTrackJSON{UID: t.UID, Keys: []float64{}, Continues: t.Continues}
			for _, k := range t.Keys {
				y.Keys = append(y.Keys, k.Seconds())
			}
			if before, ok := keyed[t.UID]; ok && t.Continues {
				y.Begin = &before
			}
			if len(t.Keys) > 0 {
				keyed[t.UID] = seg.Number
			}
			x.Tracks = append(x.Tracks, y)
		}
		j.Segments = append(j.Segments, x)
	}
	return j
}

// FileOf returns the name of the file of a segment.
func FileOf(segment int) string { return fmt.Sprintf("%06d.mkv", segment) }
